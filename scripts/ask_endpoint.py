"""Have a model behind a server predict every held-out respondent."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stimmung.engine.endpoint.answer_cache import AnswerCache
from stimmung.engine.endpoint.client import Endpoint
from stimmung.engine.endpoint.endpoint_predictions import predict_by_endpoint
from stimmung.study.reading import load_codebook
from stimmung.text.personas import rendering_of
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import PREDICTIONS, PROMPTS, RESPONDENTS, SPLITS
from stimmung.workflow.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logger = logging.getLogger(__name__)


def ask_endpoint(
    *,
    endpoint: dict[str, Any],
    respondents: Path,
    prompts: Path,
    splits: Path,
    codebook: Path,
    language: str,
    examples: int,
    persona: bool,
    normalization: str,
    method: str,
    seed: int,
    cache: Path,
    output: Path,
) -> None:
    """Write the predictions table of one arm; ``cache`` is the file of what the server has said before."""
    words = load_codebook(codebook)
    with AnswerCache(cache) as known:
        predictions = predict_by_endpoint(
            Endpoint(**endpoint),
            rendering_of(words, language, tokenizer=None, chat=False, persona=persona),
            known,
            prompts=read_table(prompts, PROMPTS),
            splits=read_table(splits, SPLITS),
            weights=read_table(respondents, RESPONDENTS).set_index("respondent_id").weight,
            options=words.target_labels(language),
            answers=words.persona_answers(language) if persona else words.target_labels(language),
            examples=examples,
            normalization=normalization,
            seed=seed,
        )
    hidden = int((predictions.n_unseen > 0).sum())
    if hidden:
        logger.warning(
            "%s: of %d respondents, %d have an option that the server did not show; its probability is an upper bound",
            method,
            len(predictions),
            hidden,
        )
    write_table(predictions.assign(method=method, seed=seed), output, PREDICTIONS)


if __name__ == "__main__":
    with job(snakemake):
        ask_endpoint(
            endpoint=snakemake.params.endpoint,
            respondents=Path(snakemake.input.respondents),
            prompts=Path(snakemake.input.prompts),
            splits=Path(snakemake.input.splits),
            codebook=Path(snakemake.input.codebook),
            language=snakemake.params.language,
            examples=snakemake.params.examples,
            persona=snakemake.params.persona,
            normalization=snakemake.params.normalization,
            method=snakemake.params.method,
            seed=int(snakemake.params.seed),
            cache=Path(snakemake.params.cache),
            output=Path(snakemake.output.predictions),
        )
