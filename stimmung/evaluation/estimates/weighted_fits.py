"""Weighted means, linear and logistic regressions, each with the influence of every row on its estimates."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LARGEST_LOGIT = (
    25.0  # a choice: beyond it a fitted probability is 0 or 1 to ten digits, as where classes are separated
)


class NotIdentifiedError(ValueError):
    """The rows do not determine the estimate; the message says why, in words for a table's note."""


@dataclass(frozen=True)
class Fitted:
    """Estimates of shape (k,), and how far each of n rows moves them, shape (n, k)."""

    value: Floats
    influence: Floats


# From an outcome and weights of shape (n,) and a design matrix of shape (n, k).
Fit = Callable[[Floats, Floats, Floats], Fitted]


def fit_mean(outcome: Floats, weights: Floats, _: Floats) -> Fitted:
    """Return the weighted mean; a design matrix is not looked at."""
    total = weights.sum()
    if not total > 0:
        raise NotIdentifiedError("no rows")
    mean = weights @ outcome / total
    return Fitted(np.array([mean]), (weights * (outcome - mean) / total)[:, None])


def fit_linear(outcome: Floats, weights: Floats, design: Floats) -> Fitted:
    """Return the coefficients of weighted least squares."""
    _check_rank(design)
    bread = np.linalg.inv(design.T @ (weights[:, None] * design))
    value = bread @ design.T @ (weights * outcome)
    return Fitted(value, (weights * (outcome - design @ value))[:, None] * design @ bread)


def fit_logistic(outcome: Floats, weights: Floats, design: Floats) -> Fitted:
    """Return the coefficients of a weighted logistic regression; an outcome may be a probability (pseudo maximum likelihood)."""
    import statsmodels.api as sm  # a second, which means and shares do not need

    _check_rank(design)
    if np.ptp(outcome) == 0:
        raise NotIdentifiedError("the outcome does not vary")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of separation; it is looked for below
        result = sm.GLM(outcome, design, family=sm.families.Binomial(), var_weights=weights).fit(tol=1e-12)
    value = np.asarray(result.params)
    logits = design @ value
    if not np.isfinite(value).all() or np.abs(logits).max() > LARGEST_LOGIT:
        raise NotIdentifiedError("the items separate the answers")
    probability = 1 / (1 + np.exp(-logits))
    bread = np.linalg.inv(design.T @ ((weights * probability * (1 - probability))[:, None] * design))
    return Fitted(value, (weights * (outcome - probability))[:, None] * design @ bread)


def _check_rank(design: Floats) -> None:
    if len(design) <= design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]:
        raise NotIdentifiedError("too few rows, or an item that does not vary")
