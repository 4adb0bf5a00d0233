"""Shares, means and regressions of one completed data set, each with variances that know the survey's design."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stimmung.evaluation.estimates.survey_design import SurveyDesign
from stimmung.vocabulary.errors import InputError

Floats = NDArray[np.float64]
MAX_STEPS = 100  # of Newton's method, a choice: a fit that converges takes fewer than ten
TOLERANCE = 1e-10  # of the largest step


@dataclass(frozen=True)
class Fit:
    """Estimates of k quantities, shape (k,), the variance of each, and the degrees of freedom."""

    estimates: Floats
    variances: Floats
    df: float


def weighted_means(values: Floats, design: SurveyDesign) -> Fit:
    """Return weighted means of ``values``, shape (n, k): of indicators, they are shares. Variances by linearisation."""
    _check_df(design)
    found = design.estimate_means(values)
    return Fit(found.mean, found.standard_error**2, found.df)


def linear_regression(y: Floats, x: Floats, design: SurveyDesign | None) -> Fit:
    """Return the coefficients of least squares of ``y`` on ``x``, shape (n, k), an intercept among its columns.

    Without a design the variances are the usual ones, of equal errors; with one, those of linearisation, as of ``svyglm`` of R's
    survey. Raises an InputError if a predictor repeats others.
    """
    from stimmung.evaluation.estimates.weighted_fits import NotIdentifiedError, fit_linear

    try:
        found = fit_linear(y, np.ones(len(y)) if design is None else design.weights, x)
    except NotIdentifiedError as error:
        raise InputError(
            f"a linear regression has no coefficients: {error}", "Use fewer predictors."
        ) from error
    k = x.shape[1]
    if design is not None:
        return Fit(found.value, *_linearised(found.influence, design, k))
    variance = ((y - x @ found.value) ** 2).sum() / (len(y) - k)
    return Fit(found.value, np.asarray(variance * np.diag(np.linalg.inv(x.T @ x))), len(y) - k)


def multinomial_regression(
    y: NDArray[np.intp], x: Floats, n_options: int, design: SurveyDesign | None
) -> Fit:
    """Return the coefficients of a multinomial logistic regression, of two options a logistic one.

    ``y`` are options, from 0, of which the first is the reference; ``x`` has shape (n, k). The ``(n_options - 1) k`` estimates stand
    option by option. statsmodels' ``MNLogit`` takes no weights, so the (pseudo-)likelihood is maximised here, by Newton's method.
    Variances as in :func:`linear_regression`.

    Raises
    ------
    InputError
        If there is no finite maximum: an answer is predicted perfectly, or a predictor repeats others.
    """
    n, k = x.shape
    w = np.ones(n) if design is None else design.weights
    chosen = (y[:, None] == np.arange(1, n_options)).astype(float)
    beta = np.zeros((n_options - 1, k))
    for _ in range(MAX_STEPS):
        p = _probabilities(x, beta)
        scores = ((w[:, None] * (chosen - p))[:, :, None] * x[:, None, :]).reshape(n, -1)
        information = _information(x, p, w)
        try:
            step = np.linalg.solve(information, scores.sum(axis=0)).reshape(beta.shape)
        except np.linalg.LinAlgError:
            break
        if np.abs(step).max() < TOLERANCE * (1 + np.abs(beta).max()):
            inverse = np.asarray(np.linalg.inv(information), dtype=np.float64)
            if design is None:
                return Fit(beta.ravel(), np.diag(inverse), n - beta.size)
            return Fit(beta.ravel(), *_linearised(scores @ inverse, design, beta.size))
        # Halved until the likelihood rises, so that a far step does not diverge.
        here = _loglikelihood(x, beta, y, w)
        while (
            _loglikelihood(x, beta + step, y, w) < here - 1e-9 * abs(here) and np.abs(step).max() > TOLERANCE
        ):
            step = step / 2
        beta = beta + step
        if np.abs(beta).max() > 1e3:
            break
    raise InputError(
        "a logistic regression has no finite coefficients: its predictors tell an answer perfectly, or repeat each other",
        "Use fewer predictors, or merge rare answers.",
    )


def _probabilities(x: Floats, beta: Floats) -> Floats:
    """Return the probability of each option but the first, shape (n, n_options - 1)."""
    logits = np.column_stack([np.zeros(len(x)), x @ beta.T])
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray((odds / odds.sum(axis=1, keepdims=True))[:, 1:])


def _loglikelihood(x: Floats, beta: Floats, y: NDArray[np.intp], w: Floats) -> float:
    logits = np.column_stack([np.zeros(len(x)), x @ beta.T])
    top = logits.max(axis=1)
    total = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
    return float(w @ (logits[np.arange(len(y)), y] - total))


def _information(x: Floats, p: Floats, w: Floats) -> Floats:
    of_pairs = w[:, None, None] * (p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None, :])
    blocks = np.einsum("nij,nk,nl->ikjl", of_pairs, x, x, optimize=True)
    size = p.shape[1] * x.shape[1]
    return np.asarray(blocks.reshape(size, size))


def _linearised(influence: Floats, design: SurveyDesign, n_estimates: int) -> tuple[Floats, float]:
    """Return the variances of estimates by the design, and the degrees of freedom that they leave, counted as by R's svyglm."""
    _check_df(design)
    variances = (design.scores(influence) ** 2).sum(axis=0)
    return np.asarray(variances), max(design.df + 1.0 - n_estimates, 1.0)


def _check_df(design: SurveyDesign) -> None:
    if design.df < 1:
        raise InputError("one respondent or one cluster alone has no variance", "There must be at least two.")
