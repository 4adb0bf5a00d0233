"""Shares, means and regressions of one completed data set, each with variances that know the survey's design."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stimmung.evaluation.estimates.survey_design import SurveyDesign
from stimmung.vocabulary.errors import InputError

Floats = NDArray[np.float64]


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
    option by option. Variances as in :func:`linear_regression`.

    Raises
    ------
    InputError
        If there is no finite maximum: an answer is predicted perfectly, or a predictor repeats others.
    """
    from stimmung.evaluation.estimates.weighted_fits import NotIdentifiedError, fit_multinomial

    weights = np.ones(len(y)) if design is None else design.weights
    try:
        found, inverse = fit_multinomial(np.eye(n_options)[y], weights, x)
    except NotIdentifiedError as error:
        raise InputError(
            "a logistic regression has no finite coefficients: its predictors tell an answer perfectly, or repeat each other",
            "Use fewer predictors, or merge rare answers.",
        ) from error
    if design is None:
        return Fit(found.value, np.diag(inverse), len(y) - found.value.size)
    return Fit(found.value, *_linearised(found.influence, design, found.value.size))


def _linearised(influence: Floats, design: SurveyDesign, n_estimates: int) -> tuple[Floats, float]:
    """Return the variances of estimates by the design, and the degrees of freedom that they leave, counted as by R's svyglm."""
    _check_df(design)
    variances = (design.scores(influence) ** 2).sum(axis=0)
    return np.asarray(variances), max(design.df + 1.0 - n_estimates, 1.0)


def _check_df(design: SurveyDesign) -> None:
    if design.df < 1:
        raise InputError("one respondent or one cluster alone has no variance", "There must be at least two.")
