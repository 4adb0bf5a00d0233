"""Weighted means, linear and (multinomial) logistic regressions, each with the influence of every row on its estimates."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Relative to the largest coefficient. Where there is no finite maximum, each step of Newton's method goes on by about 1.
LARGEST_STEP = 1e-6


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
    _check_rank(design)
    if np.ptp(outcome) == 0:
        raise NotIdentifiedError("the outcome does not vary")
    return fit_multinomial(np.column_stack([1 - outcome, outcome]), weights, design)[0]


def fit_multinomial(shares: Floats, weights: Floats, design: Floats) -> tuple[Fitted, Floats]:
    """Return the coefficients of a weighted multinomial logistic regression, and the inverse of their information matrix.

    ``shares`` has shape (n, K): 1 for the option that a row chose, or a probability of each (pseudo maximum likelihood). The first
    option is the reference; the (K - 1) k coefficients stand option by option. By scikit-learn, since statsmodels' MNLogit takes no
    weights, and its GLM, for two options, takes thirty times as long.
    """
    from sklearn.linear_model import LogisticRegression  # not needed for means and shares

    _check_rank(design)
    n_options = shares.shape[1]
    rows, option = np.nonzero(shares)
    if len(np.unique(option)) < n_options:
        raise NotIdentifiedError("nobody chose one of the answers")
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10, fit_intercept=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of separation; it is looked for below
        model.fit(design[rows], option, sample_weight=weights[rows] * shares[rows, option])
    found = model.coef_ if n_options == 2 else model.coef_[1:] - model.coef_[0]
    logits = np.column_stack([np.zeros(len(design)), design @ found.T])
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = (odds / odds.sum(axis=1, keepdims=True))[:, 1:]
    scores = ((weights[:, None] * (shares[:, 1:] - p))[:, :, None] * design[:, None, :]).reshape(
        len(design), -1
    )
    try:
        inverse = np.linalg.inv(_information(design, p, weights))
    except np.linalg.LinAlgError:
        inverse = np.full((found.size, found.size), np.inf)
    with np.errstate(invalid="ignore"):
        step = np.abs(scores.sum(axis=0) @ inverse).max()
    if not step < LARGEST_STEP * (1 + np.abs(found).max()):
        raise NotIdentifiedError("the items separate the answers")
    return Fitted(found.ravel(), scores @ inverse), np.asarray(inverse, dtype=np.float64)


def _information(x: Floats, p: Floats, w: Floats) -> Floats:
    of_pairs = w[:, None, None] * (p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None, :])
    blocks = np.einsum("nij,nk,nl->ikjl", of_pairs, x, x, optimize=True)
    size = p.shape[1] * x.shape[1]
    return np.asarray(blocks.reshape(size, size))


def _check_rank(design: Floats) -> None:
    if len(design) <= design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]:
        raise NotIdentifiedError("too few rows, or an item that does not vary")
