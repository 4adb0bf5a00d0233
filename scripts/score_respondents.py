"""Predict every held-out respondent's answer with a model on this machine: tuned, as it is, or with a classification head."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from stimmung.data.surveys.hidden_answers import shown_answers
from stimmung.engine.base.base_model import load_base
from stimmung.engine.base.devices import use_threads
from stimmung.engine.base.model_files import read_description
from stimmung.engine.scoring.local_scorer import LocalScorer
from stimmung.engine.scoring.predict import predict_respondents
from stimmung.engine.scoring.score import SCORING_VERSION
from stimmung.engine.scoring.scorer import Scorer
from stimmung.store.adapter_folders import restore
from stimmung.store.keys import digest_of_content, library_versions
from stimmung.store.paths import Store
from stimmung.store.prediction_cache import cached_predictions
from stimmung.study.reading import load_codebook
from stimmung.text.personas import rendering_of
from stimmung.vocabulary.arms import ARMS
from stimmung.vocabulary.atomic_files import digest_of_file
from stimmung.vocabulary.few_shot import FewShot
from stimmung.vocabulary.not_asked import NotAsked
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.scoring import Scoring
from stimmung.vocabulary.view import View
from stimmung.vocabulary.votes_schemas import PREDICTIONS, PROMPTS, RESPONDENTS, SPLITS
from stimmung.workflow.run import run

AS_DRAWN = FewShot()


def score_respondents(
    *,
    base: Path,
    adapters: list[Path],
    respondents: Path,
    prompts: Path,
    splits: Path,
    codebook: Path,
    predictions: Path,
    method: str,
    arm: str,
    seed: int,
    language: str,
    chat: bool,
    examples: int,
    scoring: Scoring,
    tokens_per_batch: int,
    store: Path,
    threads: int,
    few_shot: FewShot = AS_DRAWN,
    drop_items: Sequence[str] = (),
    view: View | None = None,
    not_asked: NotAsked | None = None,
) -> None:
    """Write the predictions of one arm, condition and seed; ``adapters`` are the weights by fold, none for an untuned arm."""
    use_threads(threads)
    words, kind, kept = load_codebook(codebook, view), ARMS[arm], Store(store)
    options = words.target_labels(language)
    answers = words.persona_answers(language) if kind.persona else options
    rendering = partial(rendering_of, words, language, chat=chat, persona=kind.persona)
    folders = [weights.parent for weights in adapters]

    def scorer() -> Scorer:
        if kind.classifies:
            # Imports PEFT and the Trainer, which takes seconds.
            from stimmung.engine.classifier.classifier_scorer import ClassifierScorer

            return ClassifierScorer(base.parent, folders, len(options))
        model = load_base(base.parent)
        return LocalScorer(model, rendering(model.tokenizer), answers, folders, scoring, tokens_per_batch)

    def predict() -> pd.DataFrame:
        found = predict_respondents(
            scorer(),
            prompts=read_table(prompts, PROMPTS),
            splits=read_table(splits, SPLITS),
            respondents=shown_answers(read_table(respondents, RESPONDENTS), not_asked, words.target),
            options=options,
            examples=examples,
            few_shot=few_shot,
            items=words.predictors_without(drop_items),
            seed=seed,
        )
        return found.assign(method=method, seed=seed)

    tables = [digest_of_file(path) for path in (respondents, prompts, splits)]
    wording = [language, chat, kind.persona, kind.classifies, options, answers, rendering(None).question]
    # Nothing where only the instruction asks, so that what was scored so is found again.
    wording += ["asked in turns"] if chat and words.asks_any_target else []
    key = digest_of_content(
        [
            SCORING_VERSION,
            library_versions(),
            read_description(base.parent)["digest"],
            [restore(folder, kept) for folder in folders],
            tables,
            wording,
            examples,
            # Nothing for the default, so that what was scored before there were others is found again.
            *([] if few_shot == AS_DRAWN else [few_shot.model_dump(), sorted(drop_items)]),
            scoring.model_dump(),
            seed,
        ]
    )
    found = cached_predictions(kept, key, str(predictions), predict)
    write_table(found.assign(method=method), predictions, PREDICTIONS)


if __name__ == "__main__":
    run(score_respondents, snakemake)
