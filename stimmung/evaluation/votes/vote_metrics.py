"""The metrics of predicted votes: a function here, with its label, range and direction, is all that it takes to add one.

It is then computed in every fold, summarised over folds, and shown in the report's tables.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Libraries that compute metrics are imported where they are used: the report needs labels and ranges, and they take a second.

Floats = NDArray[np.float64]
UNIT = (0.0, 1.0)
NO_BREAK_SPACE = "\u00a0"


@dataclass(frozen=True)
class Fold:
    """What one method predicted for the n respondents of one test fold, with one seed; a row for each."""

    target: NDArray[np.intp]  # index of the option that the respondent chose
    probabilities: Floats  # (n, options); each row sums to 1
    survey_weights: Floats
    weights: Floats | None  # the survey weights if they count in all metrics
    option_mass: Floats  # probability on any valid option before it was scaled to 1
    n_unseen: NDArray[np.int64]  # options that a server did not show
    option_values: Floats | None = (
        None  # (options,), rising numbers of ordered options; None: their places, from 0
    )

    @cached_property
    def predicted(self) -> NDArray[np.intp]:
        """Index of the most probable option, of equals the first, shape (n,)."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @cached_property
    def recall_and_f1(self) -> tuple[Floats, Floats]:
        """Recall and F1 of each option, shape (options,); NaN for an option neither chosen nor predicted."""
        chosen, named, both = self._sums(self.predicted)
        with np.errstate(invalid="ignore"):
            return np.where(chosen > 0, both / chosen, np.nan), 2 * both / (chosen + named)

    def f1_of(self, predicted: NDArray[np.intp]) -> Floats:
        """Return the F1 of each option if ``predicted``, of shape (n,), were the most probable ones; shape (options,)."""
        chosen, named, both = self._sums(predicted)
        with np.errstate(invalid="ignore"):
            return np.asarray(2 * both / (chosen + named))

    def _sums(self, predicted: NDArray[np.intp]) -> list[Floats]:
        """Return the weight of those who chose each option, for whom it is predicted, and of both, each of shape (options,)."""
        # As scikit-learn's precision_recall_fscore_support, whose checks of its arguments take a hundred times as long.
        hit = self.target == predicted
        rows = [(self.target, slice(None)), (predicted, slice(None)), (predicted, hit)]
        n = len(self.every_option)
        weights = np.ones(len(self.target)) if self.weights is None else self.weights
        return [
            np.asarray(np.bincount(codes[own], weights=weights[own], minlength=n), dtype=np.float64)
            for codes, own in rows
        ]

    @cached_property
    def values(self) -> Floats:
        """The number of each option, shape (options,)."""
        return self.every_option.astype(float) if self.option_values is None else self.option_values

    @cached_property
    def answers(self) -> Floats:
        """The number of each respondent's option, shape (n,)."""
        return np.asarray(self.values[self.target])

    @cached_property
    def expected(self) -> Floats:
        """Mean of the options' numbers by their probabilities, shape (n,)."""
        return np.asarray(self.probabilities @ self.values)

    @cached_property
    def median(self) -> Floats:
        """The number of the first option up to which the probabilities make half, shape (n,)."""
        # So that 0.1 + 0.4 counts as half.
        return np.asarray(self.values[(self.probabilities.cumsum(axis=1) > 0.5 - 1e-9).argmax(axis=1)])

    @property
    def every_option(self) -> NDArray[np.intp]:
        """Index of each option, shape (options,)."""
        return np.arange(self.probabilities.shape[1])

    @cached_property
    def predicted_shares(self) -> Floats:
        """Weighted mean probability of each option, shape (options,)."""
        return np.average(self.probabilities, axis=0, weights=self.survey_weights)

    @cached_property
    def observed_shares(self) -> Floats:
        """Weighted share of the respondents who chose each option, shape (options,)."""
        chosen = np.bincount(self.target, weights=self.survey_weights, minlength=len(self.every_option))
        return np.asarray(chosen / self.survey_weights.sum())


@dataclass(frozen=True)
class Metric:
    """How a metric is computed, and what readers are told of it; a ValueError if there is no label or the range is empty."""

    name: str  # as in the column ``metric`` of all tables
    label: str  # as in the head of a table for readers
    range: tuple[float, float]  # the lowest and highest possible value; intervals are cut there
    higher_is_better: bool | None  # None if neither direction is better
    compute: Callable[[Fold], Any]  # a number, or, with ``by_option``, one for each option, shape (options,)
    by_option: bool = False
    ordered: bool = False  # computed only for a target whose options stand in an order
    compared: bool = False  # whether language models are compared with the best baseline by this metric
    explanation: str = ""  # a sentence for the caption of the table, if the label needs one

    def __post_init__(self) -> None:
        if not self.label.strip():
            raise ValueError(f"metric '{self.name}' has no label")
        if not self.range[0] < self.range[1]:
            raise ValueError(f"metric '{self.name}': no value lies in its range {self.range}")

    @property
    def heading(self) -> str:
        """The label with an arrow in the better direction."""
        if self.higher_is_better is None:
            return self.label
        return self.label + NO_BREAK_SPACE + ("↑" if self.higher_is_better else "↓")


VOTE_METRICS: dict[str, Metric] = {}  # by name, in the order of tables


def metric(
    label: str, range: tuple[float, float], higher_is_better: bool | None, **more: Any
) -> Callable[[Callable[[Fold], Any]], Callable[[Fold], Any]]:
    """Register the decorated function as :class:`Metric` of its name; a ValueError if another metric has the name."""

    def register(compute: Callable[[Fold], Any]) -> Callable[[Fold], Any]:
        name = compute.__name__
        if name in VOTE_METRICS:
            raise ValueError(f"two metrics are named '{name}'")
        VOTE_METRICS[name] = Metric(name, label, range, higher_is_better, compute, **more)
        return compute

    return register


@metric("Accuracy", UNIT, higher_is_better=True, compared=True)
def accuracy(fold: Fold) -> Any:
    """Share of the respondents whose most probable option is their answer."""
    return np.average(fold.predicted == fold.target, weights=fold.weights)


@metric("Balanced accuracy", UNIT, higher_is_better=True)
def balanced_accuracy(fold: Fold) -> Any:
    """Mean recall over the options that somebody chose."""
    return fold.recall_and_f1[0][np.unique(fold.target)].mean()


@metric("Macro F1", UNIT, higher_is_better=True, compared=True)
def macro_f1(fold: Fold) -> Any:
    """Mean F1 over the options that have one."""
    return np.nanmean(fold.recall_and_f1[1])


@metric("Log-loss", (0.0, np.inf), higher_is_better=False, compared=True)
def log_loss(fold: Fold) -> Any:
    """In nats. A probability of 0 counts as 2.2e-16 (the float's resolution): certain and wrong costs 36 nats."""
    from sklearn import metrics

    options, weights = fold.every_option, fold.weights
    return metrics.log_loss(fold.target, fold.probabilities, labels=options, sample_weight=weights)


@metric("Brier", (0.0, 2.0), higher_is_better=False, compared=True)
def brier(fold: Fold) -> Any:
    """Sum over options of the squared error, mean over respondents (Brier 1950): 0 to 2, also for two options."""
    from sklearn.metrics import brier_score_loss

    how = {"labels": fold.every_option, "sample_weight": fold.weights, "scale_by_half": False}
    return brier_score_loss(fold.target, fold.probabilities, **how)


@metric("ECE", UNIT, higher_is_better=False, explanation="ECE: expected calibration error.")
def expected_calibration_error(fold: Fold) -> Any:
    """See :func:`stimmung.evaluation.votes.calibration.expected_calibration_error`."""
    from stimmung.evaluation.votes import calibration

    confidence = fold.probabilities[np.arange(len(fold.target)), fold.predicted]
    return calibration.expected_calibration_error(confidence, fold.predicted == fold.target, fold.weights)


@metric(
    "Total variation",
    UNIT,
    higher_is_better=False,
    explanation="Total variation and Jensen-Shannon: distances, 0 to 1, of the predicted shares from the observed ones.",
)
def total_variation(fold: Fold) -> Any:
    """Half the sum of the absolute errors of the predicted shares.

    A fold's observed shares have sampling error, so this and the next are not 0 for a perfect model, and the fewer
    respondents a fold has, the larger they are.
    """
    return np.abs(fold.predicted_shares - fold.observed_shares).sum() / 2


@metric("Jensen-Shannon", UNIT, higher_is_better=False)
def jensen_shannon(fold: Fold) -> Any:
    """Root of the Jensen-Shannon divergence, in bits, of the predicted shares from the observed ones."""
    from stimmung.evaluation.votes import group_distances

    # Not scipy's, which is NaN where rounding leaves the divergence of equal shares below 0.
    return group_distances.jensen_shannon(fold.predicted_shares, fold.observed_shares)


@metric(
    "Option mass",
    UNIT,
    higher_is_better=True,
    explanation="Option mass: the probability on any valid option.",
)
def option_mass(fold: Fold) -> Any:
    """Mean probability on any valid option, before it is scaled to 1."""
    return np.average(fold.option_mass, weights=fold.weights)


@metric("Not all shown", UNIT, higher_is_better=False)
def unseen(fold: Fold) -> Any:
    """Share of the respondents for whom a server did not show every option; their option mass is a lower bound."""
    return np.average(fold.n_unseen > 0, weights=fold.weights)


@metric("F1", UNIT, higher_is_better=True, by_option=True)
def f1(fold: Fold) -> Any:
    """F1 of each option, as in scikit-learn: 0 if it was predicted and nobody chose it, NaN if neither."""
    return fold.recall_and_f1[1]


@metric("Predicted share", UNIT, higher_is_better=None, by_option=True)
def predicted_share(fold: Fold) -> Any:
    """Weighted mean probability of each option."""
    return fold.predicted_shares


@metric("Error of the share", (-1.0, 1.0), higher_is_better=None, by_option=True)
def share_error(fold: Fold) -> Any:
    """Predicted minus observed share of each option. Unlike the distances above, it has no bias."""
    return fold.predicted_shares - fold.observed_shares


@metric(
    "RPS",
    UNIT,
    higher_is_better=False,
    ordered=True,
    explanation="RPS: ranked probability score, in which a neighbouring answer costs less than a far one.",
)
def ranked_probability_score(fold: Fold) -> Any:
    """Squared error of the cumulated probabilities, mean over the way from the first option to the last and over respondents.

    Each step counts by its length (the continuous score of Matheson and Winkler 1976, divided by the length of the scale); of options
    at equal distances this is that of Epstein (1969).
    """
    observed = fold.target[:, None] <= fold.every_option[:-1]
    errors = fold.probabilities.cumsum(axis=1)[:, :-1] - observed
    return np.average(np.average(errors**2, axis=1, weights=np.diff(fold.values)), weights=fold.weights)


@metric("Weighted kappa", (-1.0, 1.0), higher_is_better=True, ordered=True)
def weighted_kappa(fold: Fold) -> Any:
    """Agreement beyond chance of answer and most probable option, by their distance (Cohen 1968, linear weights)."""
    size = len(fold.values)
    pairs = np.bincount(fold.target * size + fold.predicted, weights=fold.weights, minlength=size**2)
    shares = pairs.reshape(size, size) / pairs.sum()
    distances = np.abs(np.subtract.outer(fold.values, fold.values))
    by_chance = (np.outer(shares.sum(axis=1), shares.sum(axis=0)) * distances).sum()
    # NaN where all answers and all predictions are one option.
    return 1 - (shares * distances).sum() / by_chance if by_chance > 0 else np.nan


@metric(
    "r",
    (-1.0, 1.0),
    higher_is_better=True,
    ordered=True,
    explanation="r: correlation of the answer with the mean of the probabilities, in steps, or in a numeric item's numbers.",
)
def correlation(fold: Fold) -> Any:
    """Pearson's r of the answer's number and its expectation; NaN where either is the same for all."""
    weights = np.ones(len(fold.target)) if fold.weights is None else fold.weights
    (own, both), (_, other) = np.cov(fold.answers, fold.expected, aweights=weights, ddof=0)
    # A baseline that knows shares only expects the same of all, but for rounding.
    return both / np.sqrt(own * other) if own > 0 and other > 1e-12 * np.ptp(fold.values) ** 2 else np.nan


@metric(
    "MAE",
    (0.0, np.inf),
    higher_is_better=False,
    ordered=True,
    explanation="MAE: mean absolute error of the median of the probabilities. RMSE: root of the mean squared error of their mean.",
)
def mean_absolute_error(fold: Fold) -> Any:
    """Of the median of each respondent's probabilities, which has the least of all predictions (Gneiting 2011)."""
    return np.average(np.abs(fold.median - fold.answers), weights=fold.weights)


@metric("RMSE", (0.0, np.inf), higher_is_better=False, ordered=True)
def root_mean_squared_error(fold: Fold) -> Any:
    """Of the mean of each respondent's probabilities, which has the least of all predictions (Gneiting 2011)."""
    return np.sqrt(np.average((fold.expected - fold.answers) ** 2, weights=fold.weights))


@metric("Error of the mean", (-np.inf, np.inf), higher_is_better=None, ordered=True)
def mean_error(fold: Fold) -> Any:
    """Predicted minus observed mean of the answers' numbers, by the survey's weights."""
    return np.average(fold.expected - fold.answers, weights=fold.survey_weights)
