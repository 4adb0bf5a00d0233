"""Have a model behind a server predict every held-out respondent's answer."""

import logging
from collections.abc import Sequence
from pathlib import Path

from stimmung.data.surveys.hidden_answers import shown_answers
from stimmung.engine.base.model_files import load_tokenizer
from stimmung.engine.endpoint.answer_cache import AnswerCache
from stimmung.engine.endpoint.endpoint_scorer import EndpointScorer
from stimmung.engine.scoring.predict import predict_respondents
from stimmung.study.reading import load_codebook
from stimmung.text.personas import rendering_of
from stimmung.vocabulary.arms import ARMS
from stimmung.vocabulary.endpoint import Endpoint
from stimmung.vocabulary.few_shot import FewShot
from stimmung.vocabulary.not_asked import NotAsked
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.scoring import Scoring
from stimmung.vocabulary.view import View
from stimmung.vocabulary.votes_schemas import PREDICTIONS, PROMPTS, RESPONDENTS, SPLITS
from stimmung.workflow.run import run

logger = logging.getLogger(__name__)
AS_DRAWN = FewShot()


def ask_endpoint(
    *,
    respondents: Path,
    prompts: Path,
    splits: Path,
    codebook: Path,
    predictions: Path,
    method: str,
    arm: str,
    seed: int,
    language: str,
    examples: int,
    endpoint: Endpoint,
    tokenizer: Path | None,
    scoring: Scoring,
    cache: Path,
    few_shot: FewShot = AS_DRAWN,
    drop_items: Sequence[str] = (),
    view: View | None = None,
    not_asked: NotAsked | None = None,
) -> None:
    """Write the predictions of one arm, condition and seed; ``cache`` is the file of the server's earlier answers.

    ``tokenizer`` is the folder of the tokenizer that prompts are split with; None where the server does it.
    """
    words, persona = load_codebook(codebook, view), ARMS[arm].persona
    options = words.target_labels(language)
    answers = words.persona_answers(language) if persona else options
    splits_here = None if tokenizer is None else load_tokenizer(tokenizer)
    chat = splits_here is not None and endpoint.api == "chat"
    rendering = rendering_of(words, language, splits_here, chat, persona)
    with AnswerCache(cache) as known:
        found = predict_respondents(
            EndpointScorer(endpoint, rendering, answers, scoring.normalization, known),
            prompts=read_table(prompts, PROMPTS),
            splits=read_table(splits, SPLITS),
            respondents=shown_answers(read_table(respondents, RESPONDENTS), not_asked, words.target),
            options=options,
            examples=examples,
            few_shot=few_shot,
            items=words.predictors_without(drop_items),
            seed=seed,
        )
    if hidden := int((found.n_unseen > 0).sum()):
        logger.warning(
            "%s: the server did not show every option of %d of %d respondents, and none of %d; missing probabilities are upper "
            "bounds, and what it showed has %.3g of the probability on average",
            method,
            hidden,
            len(found),
            int((found.n_unseen == len(options)).sum()),
            found.option_mass.mean(),
        )
    write_table(found.assign(method=method, seed=seed), predictions, PREDICTIONS)


if __name__ == "__main__":
    run(ask_endpoint, snakemake)
