"""What the waves in which an item was asked say of those in which it was not: a trend, and the wave before."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from stimmung.baselines.predict_folds import Predict
from stimmung.vocabulary.errors import InputError

logger = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]


def wave_shares(
    train: pd.DataFrame, target: str, options: Sequence[str], wave: str
) -> tuple[Floats, Floats, Floats]:
    """Return the waves of the training rows in their order, (n,), each option's weighted share there, (n, n_options), and the weights.

    A wave is the number that its answer is worded as; if one is no number, the place of the answer among the item's options. Raises an
    InputError if no training row has a wave.
    """
    asked = train[train[wave].notna()]
    if asked.empty:
        raise InputError(f"left_out: no training row has an answer to '{wave}'")
    chosen = np.stack([(asked[target] == option).to_numpy(float) for option in options], axis=1)
    weights = asked["weight"].to_numpy(float)
    found, place = np.unique(wave_numbers(asked[wave]), return_inverse=True)
    sums = np.zeros((len(found), len(options)))
    np.add.at(sums, place, chosen * weights[:, None])
    totals = np.bincount(place, weights).astype(float)
    return found, sums / totals[:, None], totals


def wave_numbers(answers: "pd.Series[str]") -> Floats:
    """Return each answer's wave as a number, NaN where there is none, shape (n,)."""
    labels = list(answers.cat.categories)
    numbers = pd.to_numeric(pd.Series(labels), errors="coerce")
    if numbers.isna().any():
        numbers = pd.Series(np.arange(len(labels)))
    return np.append(numbers.to_numpy(float), np.nan)[answers.cat.codes.to_numpy()]


def trend(train: pd.DataFrame, test: pd.DataFrame, target: str, options: Sequence[str], wave: str) -> Floats:
    """Return the options' shares in the wave of each test row, (n_test, n_options), on a line through those of the waves asked.

    Least squares of each option's share on the wave, waves weighted by their respondents' weights, which is the line through the
    respondents themselves; cut at 0 and 1 and scaled to 1. With one wave asked, its shares. A row without a wave gets the mean.
    """
    waves, shares, weights = wave_shares(train, target, options, wave)
    mean, middle = weights @ shares / weights.sum(), weights @ waves / weights.sum()
    spread = weights @ (waves - middle) ** 2
    slope = (weights * (waves - middle)) @ shares / spread if spread else np.zeros(len(options))
    away = np.nan_to_num(wave_numbers(test[wave]) - middle)
    line = np.clip(mean + away[:, None] * slope, 0, 1)
    return np.asarray(line / line.sum(axis=1, keepdims=True))


def last_value(
    train: pd.DataFrame, test: pd.DataFrame, target: str, options: Sequence[str], wave: str
) -> Floats:
    """Return the options' shares in the latest wave asked before that of each test row, (n_test, n_options).

    A row of a wave before the first gets the shares of the first, one without a wave the mean of all.
    """
    waves, shares, weights = wave_shares(train, target, options, wave)
    wanted = wave_numbers(test[wave])
    before = np.searchsorted(waves, wanted, side="left") - 1
    predicted = shares[np.maximum(before, 0)]
    predicted[np.isnan(wanted)] = weights @ shares / weights.sum()
    return predicted


def told(train: pd.DataFrame, test: pd.DataFrame, wave: str) -> list[str]:
    """Return for each wave of ``test`` which wave of ``train`` is its last value, in words."""
    waves = np.unique(wave_numbers(train[wave].dropna()))
    wanted = np.unique(wave_numbers(test[wave].dropna()))
    before = np.maximum(np.searchsorted(waves, wanted, side="left") - 1, 0)
    return [f"{one:g} from {waves[place]:g}" for one, place in zip(wanted, before, strict=True)]


def by_wave(
    target: str, options: Sequence[str], left_out: Mapping[str, Sequence[str]], baseline: str
) -> Predict:
    """Return what predicts the target by 'trend' or 'last-value' of the waves asked; ``left_out`` is their item, with those left out.

    Which wave is the last value of which is told in the log.
    """
    ((wave, waves),) = left_out.items()
    shares = trend if baseline == "trend" else last_value
    said: set[str] = set()

    def predict(train: pd.DataFrame, test: pd.DataFrame) -> Floats:
        line = ", ".join(told(train, test[test[wave].isin(list(waves))], wave))
        if baseline == "last-value" and line not in said:
            logger.info("last value of %s: %s", wave, line)
        said.add(line)  # nearly always the same in all folds
        return shares(train, test, target, options, wave)

    return predict
