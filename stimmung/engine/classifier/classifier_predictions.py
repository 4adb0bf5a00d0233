"""Votes of held-out respondents, as each fold's classifier predicts them."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from stimmung.engine.classifier.classifier import classify
from stimmung.engine.scoring.predict import averaged
from stimmung.engine.scoring.survey_prompts import answers_texts, held_out_ids
from stimmung.vocabulary.votes_schemas import NO_FOLD, OPTION_PREFIX


def predict_by_classifiers(
    base: Path,
    adapters: Sequence[Path],
    *,
    prompts: pd.DataFrame,
    splits: pd.DataFrame,
    weights: "pd.Series[float]",
    options: Sequence[str],
) -> pd.DataFrame:
    """Return one row for each respondent, with a probability for each answer option.

    Parameters
    ----------
    base
        The model's directory.
    adapters
        Directories by fold.
    prompts, splits, weights, options
        As for ``stimmung.engine.scoring.predict.predict_respondents``.

    Returns
    -------
    DataFrame
        The columns of a predictions table but for ``method`` and ``seed``.

    Raises
    ------
    InputError
        See ``stimmung.engine.classifier.classifier.classify``.
    """
    ids: list[str] = []
    rows: list[dict[str, float | int | str]] = []
    for fold, adapter in enumerate(adapters):
        # Who did not answer is in no fold: every classifier reads them, and their probabilities are averaged.
        read = [*held_out_ids(splits, fold), *held_out_ids(splits, NO_FOLD)]
        probabilities, lengths = classify(base, adapter, len(options), answers_texts(prompts, read))
        for chances, length in zip(probabilities, lengths, strict=True):
            row = {OPTION_PREFIX + one: float(chance) for one, chance in zip(options, chances, strict=True)}
            # A head has no answers but the options, so all probability is on them.
            rows.append({**row, "option_mass": 1.0, "n_tokens": length, "normalization": "none"})
        ids += read
    return averaged(ids, rows, prompts, splits, weights)
