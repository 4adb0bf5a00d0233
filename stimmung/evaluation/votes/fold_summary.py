"""Means over cross-validation folds, with intervals that allow for the training rows that the folds share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special
from scipy.optimize import brentq

from stimmung.evaluation.votes.vote_metrics import VOTE_METRICS

LEVEL = 0.95
MOST_LOG_ODDS = 3.0  # a choice: further from the mean, the delta method says nothing


@dataclass(frozen=True)
class FoldSummary:
    """Mean over folds, standard deviation over folds, 95 % interval, and p of a mean of 0 (two-sided)."""

    mean: float
    sd: float
    ci_low: float
    ci_high: float
    p: float
    n_folds: int

    def estimate(self, name: str) -> dict[str, Any]:
        """Return the mean as ``name``, with its interval."""
        return {name: self.mean, "ci_low": self.ci_low, "ci_high": self.ci_high}


def corrected_resampled_t(
    values: NDArray[np.float64],
    n_test: NDArray[np.int64],
    n_training: NDArray[np.int64],
    answer_variance: float = 0.0,
) -> FoldSummary:
    """Summarise one value for each fold by the corrected resampled t statistic.

    The folds of a cross-validation train on nearly the same respondents, so their values are not independent and the plain t
    interval is too short. Nadeau and Bengio (2003, Inference for the generalization error, Machine Learning 52) multiply the
    variance over folds not by 1/K but by 1/K + n_test/n_training, and keep K - 1 degrees of freedom.

    ``n_training`` is the number of rows that were trained on, also where a condition trains on a share only: all folds then
    share the same few rows, and the ratio must grow. It stops at K - 2. Two folds of K have (K - 2) / (K - 1) of their training
    rows in common, and what is learned from two samples cannot be correlated by more than the share that they have in common
    (for symmetric functions of the rows; from the decomposition of Hoeffding 1948, A class of statistics with asymptotically
    normal distribution).

    ``answer_variance`` is what folds do not show (:func:`stimmung.evaluation.votes.fold_metrics.answer_errors`); it makes the interval
    longer (:func:`_reach`), and p with it. VALIDATION.md has the coverage, for folds stratified by the answer, by group, and without
    regard to the answer. Without the correction for shared rows it fell to .43, with the ratio of the full design, 1 / (K - 1), to
    .62; without ``answer_variance`` to .17 for a constant prediction, and to .44 for the error of a zero-shot model's share; without
    what the rows trained on decide about the F1 of an option that is named by a hair to .03.

    All arguments have shape (K,). A fold whose value is NaN is left out. ``n_training`` 0 means that the method sees no training
    rows: its folds are independent, and the interval is the plain one. Interval and p are NaN with fewer than two folds. If all
    folds agree exactly, the interval has no length, and p is 1 for a mean of 0 and NaN otherwise: there is no spread to judge by.
    """
    defined = ~np.isnan(values)
    values, n_test, n_training = values[defined], n_test[defined], n_training[defined]
    n_folds = len(values)
    mean = float(values.mean()) if n_folds else np.nan
    if n_folds < 2:
        return FoldSummary(mean, np.nan, np.nan, np.nan, np.nan, n_folds)
    sd = float(values.std(ddof=1))
    if sd < 1e-12 and answer_variance < 1e-24:
        return FoldSummary(mean, 0.0, mean, mean, 1.0 if abs(mean) < 1e-12 else np.nan, n_folds)
    ratio = float(np.divide(n_test, n_training, out=np.zeros(n_folds), where=n_training > 0).mean())
    ratio = min(ratio, max(n_folds - 2, 1 / (n_folds - 1)))
    errors = sd * np.sqrt(1 / n_folds + ratio), np.sqrt(answer_variance)
    reach = _reach((1 - LEVEL) / 2, *errors, n_folds - 1)
    p = _two_sided_p(abs(mean), *errors, n_folds - 1)
    return FoldSummary(mean, sd, mean - reach, mean + reach, p, n_folds)


def _reach(tail: float, of_folds: float, of_answers: float, df: int) -> float:
    """Return half the length of the interval: Student's t of the folds, and the normal of the answers, as two legs of a triangle.

    It is never shorter than that of the folds alone, which Satterthwaite's degrees of freedom (1946, Biometrics 2:110) do not ensure.
    """
    # What scipy.stats computes with, without its hundred microseconds for each argument that it checks.
    return float(np.hypot(special.stdtrit(df, tail) * of_folds, special.ndtri(tail) * of_answers))


def _two_sided_p(distance: float, of_folds: float, of_answers: float, df: int) -> float:
    """Return the level at which the interval's end is ``distance`` from the mean."""
    if of_answers == 0:
        return float(2 * special.stdtr(df, -distance / of_folds))
    lowest = 1e-300
    if distance <= 0 or _reach(lowest / 2, of_folds, of_answers, df) <= distance:
        return 1.0 if distance <= 0 else lowest
    log_p = brentq(lambda x: _reach(np.exp(x) / 2, of_folds, of_answers, df) - distance, np.log(lowest), 0.0)
    return float(np.exp(log_p))


def summarize_fold_values(folds: pd.DataFrame) -> FoldSummary:
    """Summarise rows of a FOLD_METRICS table: one metric of one method and condition, one row for each fold."""
    return corrected_resampled_t(
        folds["value"].to_numpy(),
        folds["n_test"].to_numpy(),
        folds["n_training"].to_numpy(),
        float((_answer_errors(folds) ** 2).sum()),
    )


def _answer_errors(folds: pd.DataFrame, column: str = "answer_errors") -> NDArray[np.float64]:
    """Return the list that all folds have, 0 if the table has none."""
    if column not in folds or folds.empty:
        return np.zeros(1)
    return np.asarray(folds[column].iloc[0], dtype=float)


def summarize_folds(
    folds: pd.DataFrame, ranges: Mapping[str, tuple[float, float]] | None = None
) -> pd.DataFrame:
    """Return a METRICS table from a FOLD_METRICS table.

    Intervals are those of ``corrected_resampled_t``, cut at the ends of the metric's range, in ``ranges`` or as registered. That of an
    option's F1 also reaches as far as on the scale of log-odds, since the F1 of an option that is rarely named is skewed.
    ``n_training`` is the mean over folds, 0 for a method that sees no training rows; ``n_folds`` counts the folds in which the metric
    is defined.
    """
    ends = {name: one.range for name, one in VOTE_METRICS.items()} if ranges is None else ranges
    keys = ["method", "condition", "metric", "option"]
    rows = []
    for key, part in folds.groupby(keys, sort=False, dropna=False):
        summary = summarize_fold_values(part)
        reach = summary.ci_low, summary.ci_high
        if key[2] == "f1" and 0 < summary.mean < 1:
            reach = _and_in_log_odds(summary.mean, *reach)
        interval = np.clip(reach, *ends[str(key[2])])
        counts = summary.n_folds, int(part["n_test"].sum()), float(part["n_training"].mean())
        rows.append((*key, summary.mean, summary.sd, *interval, *counts))
    columns = ["value", "sd_over_folds", "ci_low", "ci_high", "n_folds", "n_respondents", "n_training"]
    return pd.DataFrame(rows, columns=[*keys, *columns]).astype({"option": "str"})


def _and_in_log_odds(mean: float, low: float, high: float) -> tuple[float, float]:
    """Return the ends of an interval of a mean within 0 and 1, and of the same in log-odds (delta method), whichever is further."""
    reach = min((high - low) / 2 / (mean * (1 - mean)), MOST_LOG_ODDS)
    ends = special.expit(special.logit(mean) + np.array([-reach, reach]))
    return float(np.minimum(low, ends[0])), float(np.maximum(high, ends[1]))


def paired_difference(first: pd.DataFrame, second: pd.DataFrame) -> FoldSummary:
    """Summarise ``first`` - ``second``, fold by fold, each as for :func:`summarize_fold_values`.

    Folds that only one of them has are left out. Where both are trained, the smaller training set counts: it gives the longer
    interval.
    """
    both = first.merge(second, on="fold", suffixes=("", "_second"), validate="one_to_one")
    trained = both[["n_training", "n_training_second"]].to_numpy()
    n_training = np.where(trained.min(axis=1) > 0, trained.min(axis=1), trained.max(axis=1))
    difference = (both["value"] - both["value_second"]).to_numpy()
    return corrected_resampled_t(difference, both["n_test"].to_numpy(), n_training, _variance_apart(both))


def _variance_apart(both: pd.DataFrame) -> float:
    """Return the variance of a difference that folds do not show.

    What the numbers of answers among the tested do to two methods is taken off one another; so is what the training rows do to them,
    if both learned from the same. Of two conditions the rows of the smaller training set are among those of the larger. What they did
    to the mean of these is common to both: n_smaller / n_larger of their own variance, and at most all of the other's.
    """
    first, second = _answer_errors(both), _answer_errors(both, "answer_errors_second")
    n_first, n_second = both[["n_training", "n_training_second"]].mean()
    if n_first == n_second or min(n_first, n_second) == 0:
        return float(((first - second) ** 2).sum())
    half = len(first) // 2
    smaller, larger = (first, second) if n_first < n_second else (second, first)
    of_answers, (few, many) = first[:half] - second[:half], (smaller[half:], larger[half:])
    common = np.minimum(few**2 * min(n_first, n_second) / max(n_first, n_second), many**2) * np.sign(
        few * many
    )
    return float((of_answers**2).sum() + (few**2 + many**2 - 2 * common).sum())
