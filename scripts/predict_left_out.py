"""Predict every respondent with the baselines that belong to what a condition leaves out: waves, or an item that nobody was asked."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from stimmung.baselines.nearest_item import answers_of_item, most_similar
from stimmung.baselines.predict_folds import Predict, predict_each_fold
from stimmung.baselines.registry import UNASKED_BASELINES
from stimmung.baselines.waves import last_value, told, trend
from stimmung.data.surveys.hidden_answers import shown_answers
from stimmung.study.reading import load_codebook
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.not_asked import NotAsked
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.similar_items import same_options
from stimmung.vocabulary.view import View
from stimmung.vocabulary.votes_schemas import PREDICTIONS, RESPONDENTS, SPLITS
from stimmung.workflow.run import run

logger = logging.getLogger(__name__)


def predict_left_out(
    *,
    respondents: Path,
    splits: Path,
    codebook: Path,
    predictions: Path,
    baseline: str,
    language: str,
    drop_items: Sequence[str],
    left_out: Mapping[str, Sequence[str]],
    condition: str,
    seed: int,
    view: View | None = None,
    not_asked: NotAsked | None = None,
) -> None:
    """Write the predictions table of one baseline; ``left_out`` is the item of the waves, with those left out."""
    words = load_codebook(codebook, view)
    people, folds = read_table(respondents, RESPONDENTS), read_table(splits, SPLITS)
    options = words.target_labels(language)
    unasked = baseline in UNASKED_BASELINES
    predict = (
        _by_item(words, options, language, drop_items, not_asked, baseline)
        if unasked
        else _by_wave(words.target, options, left_out, baseline)
    )
    table = predict_each_fold(
        baseline,
        shown_answers(people, not_asked, words.target),
        folds,
        predict,
        target=words.target,
        options=options,
        condition=condition,
        seed=seed,
        learns=not unasked,
    )
    write_table(table, predictions, PREDICTIONS)


def _by_item(
    words: Codebook,
    options: Sequence[str],
    language: str,
    drop_items: Sequence[str],
    not_asked: NotAsked | None,
    baseline: str,
) -> Predict:
    hidden = [] if not_asked is None else not_asked.items
    similar = most_similar(words, same_options(words, [*drop_items, *hidden], language), language)
    others = most_similar(words, words.predictors_without([*drop_items, *hidden]), language)
    nearest = next(iter(similar))
    logger.info(
        "the item most similar to '%s' by its wording: '%s' (%.2f)", words.target, nearest, similar[nearest]
    )
    if refused := [name for name, value in others.items() if value > similar[nearest]]:
        logger.info("more similar, with other options, and not used: %s", ", ".join(refused))
    return partial(answers_of_item, item=nearest, options=options, own=baseline == "nearest-item")


def _by_wave(
    target: str, options: Sequence[str], left_out: Mapping[str, Sequence[str]], baseline: str
) -> Predict:
    ((wave, waves),) = left_out.items()
    shares = trend if baseline == "trend" else last_value
    said: set[str] = set()

    def predict(train: pd.DataFrame, test: pd.DataFrame) -> npt.NDArray[np.float64]:
        line = ", ".join(told(train, test[test[wave].isin(list(waves))], wave))
        if baseline == "last-value" and line not in said:
            logger.info("last value of %s: %s", wave, line)
        said.add(line)  # nearly always the same in all folds
        return shares(train, test, target, options, wave)

    return predict


if __name__ == "__main__":
    run(predict_left_out, snakemake)
