"""Predict every held-out respondent's answer with a model on this machine: tuned, as it is, or with a classification head."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from stimmung.data.surveys.hidden_answers import shown_answers
from stimmung.engine.base.base_model import load_base
from stimmung.engine.base.devices import use_threads
from stimmung.engine.base.model_files import read_description
from stimmung.engine.scoring.local_scorer import LocalScorer, score_together
from stimmung.engine.scoring.predict import Target, each_alone, predict_targets
from stimmung.engine.scoring.score import SCORING_VERSION
from stimmung.store.adapter_folders import restore
from stimmung.store.keys import digest_of_content, library_versions
from stimmung.store.paths import Store
from stimmung.store.prediction_cache import cached_predictions
from stimmung.study.reading import load_codebook
from stimmung.text.personas import rendering_of
from stimmung.vocabulary.arms import ARMS, Arm
from stimmung.vocabulary.atomic_files import digest_of_file
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.few_shot import FewShot
from stimmung.vocabulary.not_asked import NotAsked
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.predictions_by_target import write_predictions
from stimmung.vocabulary.scoring import Scoring
from stimmung.vocabulary.view import View
from stimmung.vocabulary.votes_schemas import PROMPTS, RESPONDENTS, SPLITS
from stimmung.workflow.run import run

AS_DRAWN = FewShot()


def score_respondents(
    *,
    base: Path,
    adapters: list[Path],
    respondents: Path,
    prompts: list[Path],
    splits: list[Path],
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
    views: Sequence[View | None] = (None,),
    not_asked: NotAsked | None = None,
) -> None:
    """Write the predictions of one arm, condition and seed, of all targets in one pass.

    ``adapters`` are the weights by fold, none for an untuned arm. Prompts and splits are one table for each target, in the order of
    ``views``.
    """
    use_threads(threads)
    kind, kept = ARMS[arm], Store(store)
    words = [load_codebook(codebook, view) for view in views]
    folders = [weights.parent for weights in adapters]

    def predict(missing: Sequence[int]) -> list[pd.DataFrame]:
        chosen = [words[place] for place in missing]
        if kind.classifies:
            # Imports PEFT and the Trainer, which takes seconds.
            from stimmung.engine.classifier.classifier_scorer import ClassifierScorer

            scorers: list[Any] = [
                ClassifierScorer(base.parent, folders, len(one.target_labels(language))) for one in chosen
            ]
        else:
            model = load_base(base.parent)
            renderings = [rendering_of(one, language, model.tokenizer, chat, kind.persona) for one in chosen]
            answers = [_answers(one, kind, language) for one in chosen]
            scorers = [
                LocalScorer(model, *wording, folders, scoring, tokens_per_batch)
                for wording in zip(renderings, answers, strict=True)
            ]
        people = read_table(respondents, RESPONDENTS)
        targets = [
            Target(
                scorer,
                read_table(prompts[place], PROMPTS).drop(columns="text"),  # the messages say the same
                read_table(splits[place], SPLITS),
                shown_answers(people, not_asked, words[place].target),
                words[place].target_labels(language),
                words[place].predictors_without(drop_items),
            )
            for scorer, place in zip(scorers, missing, strict=True)
        ]
        found = predict_targets(
            targets,
            each_alone if kind.classifies else score_together,
            examples=examples,
            few_shot=few_shot,
            seed=seed,
        )
        return [table.assign(method=method, seed=seed) for table in found]

    digests = [digest_of_file(path) for path in (respondents, *prompts, *splits)]
    of_adapters = [restore(folder, kept) for folder in folders]
    keys = [
        digest_of_content(
            [
                SCORING_VERSION,
                library_versions(),
                read_description(base.parent)["digest"],
                of_adapters,
                [digests[0], of_prompts, of_splits],
                _wording(one, kind, language, chat),
                examples,
                # Nothing for the default, so that what was scored before there were others is found again.
                *([] if few_shot == AS_DRAWN else [few_shot.model_dump(), sorted(drop_items)]),
                scoring.model_dump(),
                seed,
            ]
        )
        for one, of_prompts, of_splits in zip(
            words, digests[1 : 1 + len(prompts)], digests[1 + len(prompts) :], strict=True
        )
    ]
    found = cached_predictions(kept, keys, str(predictions), predict)
    tables = {one.target: table.assign(method=method) for one, table in zip(words, found, strict=True)}
    several = any(view is not None and view.others for view in views)
    write_predictions(tables, predictions, several=several)


def _answers(words: Codebook, kind: Arm, language: str) -> list[str]:
    """Return the words whose probability is read, one for each option."""
    return words.persona_answers(language) if kind.persona else words.target_labels(language)


def _wording(words: Codebook, kind: Arm, language: str, chat: bool) -> list[Any]:
    """Return all that a key holds of how a target is asked for."""
    options, question = words.target_labels(language), rendering_of(words, language, None, chat, kind.persona)
    wording = [language, chat, kind.persona, kind.classifies, options, _answers(words, kind, language)]
    # Nothing where only the instruction asks, so that what was scored so is found again.
    return [*wording, question.question, *(["asked in turns"] if chat and words.asks_any_target else [])]


if __name__ == "__main__":
    run(score_respondents, snakemake)
