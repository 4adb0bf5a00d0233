"""Prediction-powered inference: estimates from few answers and many predictions, corrected by where both are known.

Predictions of everybody are cheap and biased; answers are unbiased and few. The bias is estimated on those who have both, and taken
off. How much the predictions count (``power``) is tuned, so that useless ones cost nothing.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stimmung.evaluation.estimates.survey_design import SurveyDesign, share_interval, t_quantile
from stimmung.evaluation.estimates.weighted_fits import Fit, NotIdentifiedError

Floats = NDArray[np.float64]

# Below these degrees of freedom, of the labelled or of the rest, the power is 0: tuned on fewer labelled, intervals with a useless
# predictor are longer than the classical ones (benchmarks/rectification.py: by 1 % at 9, 6 % at 4, twice as long at 2).
FEWEST_TO_TUNE = 9
NO_VARIANCE = 1e-12  # relative: of a sum of squares that is rounding alone


@dataclass(frozen=True)
class Rectified:
    """An estimate by answers alone (classical), by predictions alone, and by both; with 95 % intervals."""

    classical: float
    classical_error: float
    classical_low: float
    classical_high: float
    predicted: float
    estimate: float
    error: float
    low: float
    high: float
    power: float  # lambda of PPI++: 0 where predictions do not count, 1 where they count in full
    correlation: float  # of what answers and predictions add to the estimate, among the labelled
    gain: float  # classical over rectified variance
    gain_low: float
    gain_high: float
    shift: float  # of the predictions: the unlabelled less the labelled, in the unit of the estimate
    shift_error: float
    df: float
    note: str = ""


def rectify(
    fit: Fit,
    observed: Floats,
    predicted: Floats,
    labelled: NDArray[np.bool_],
    design: SurveyDesign,
    matrix: Floats | None = None,
) -> list[Rectified]:
    """Return one estimate for each coefficient of ``fit``.

    The estimate is theta_L(y) + power (theta_U(f) - theta_L(f)): of the labelled L by their answers y, and of both groups by their
    predictions f. For means and least squares this is PPI++ (Angelopoulos, Duchi and Zrnic 2023, arXiv 2311.01453), with the power
    of each coefficient tuned by itself; for other estimators it is predict-then-debias (Kluger et al. 2025, arXiv 2501.18577). If
    the predictions of the labelled are held out by fold and those of the unlabelled are means over folds, it is cross-prediction
    (Zrnic and Candes 2024, PNAS 121 e2322083121).

    Variances are linearised over the clusters of the design, whether a cluster is labelled, unlabelled or both; the power that
    minimises them is cut to 0 to 1. The tuning costs one degree of freedom, in the variance and in Student's t.

    Parameters
    ----------
    observed
        Answers, shape (n,); those of the unlabelled are not looked at.
    predicted
        Predictions, shape (n,): numbers on the scale of the answers, such as the probability of an option.
    labelled
        Whose answers count, shape (n,).
    design
        Of all n rows.
    matrix
        Design matrix of a regression, shape (n, k).

    Returns
    -------
    list of Rectified
        NaN with a note where the labelled do not determine the estimate; the classical estimate with a note where predictions
        cannot improve it.
    """
    matrix = np.ones((len(labelled), 1)) if matrix is None else matrix
    weights = np.asarray(design.weights)
    n_coefficients = matrix.shape[1]
    fits, failed = {}, {}
    groups = {
        "own": (labelled, observed),
        "shadow": (labelled, predicted),
        "rest": (~labelled, predicted),
        "all": (np.ones(len(labelled), dtype=bool), predicted),
    }
    for name, (rows, outcome) in groups.items():
        try:
            fits[name] = fit(outcome[rows], weights[rows], matrix[rows])
        except NotIdentifiedError as error:
            failed[name] = str(error)
    alone = fits["all"].value if "all" in fits else np.full(n_coefficients, np.nan)
    if "own" in failed:
        return [_unidentified(value, failed["own"]) for value in alone]
    own = np.zeros((len(labelled), n_coefficients))
    own[labelled] = fits["own"].influence
    by_group = _by_group(design, labelled)
    df, df_rest = (by_group.rows(rows).df + 1 - n_coefficients for rows in (labelled, ~labelled))
    if "shadow" in failed or "rest" in failed:
        why = (
            "nobody is left to predict"
            if labelled.all()
            else f"predictions: {failed.get('shadow') or failed['rest']}"
        )
        other, shift = np.zeros_like(own), np.full(n_coefficients, np.nan)
    else:
        why = too_few(df, "labelled") or too_few(df_rest, "left to predict")
        other, shift = np.zeros_like(own), fits["rest"].value - fits["shadow"].value
        other[labelled], other[~labelled] = fits["shadow"].influence, -fits["rest"].influence
    scores = np.split(by_group.scores(np.hstack([own, other])), 2, axis=1)
    correlations = [_correlation(own[labelled, k], other[labelled, k]) for k in range(n_coefficients)]
    return [
        _combined(
            fits["own"].value[k],
            alone[k],
            shift[k],
            scores[0][:, k],
            scores[1][:, k],
            df,
            correlations[k],
            why,
        )
        for k in range(n_coefficients)
    ]


def with_share_intervals(one: Rectified, labelled: SurveyDesign) -> Rectified:
    """Return the estimate of a share with intervals within 0 and 1, which have a length also where nobody gave the answer.

    They are Wilson's, for the number of simply drawn respondents whose share would be as uncertain; ``labelled`` is the design of the
    labelled rows.
    """
    if np.isnan(one.classical):
        return one
    variance = one.classical * (1 - one.classical)
    simple = len(labelled.weights) / labelled.kish_effect
    n = variance / one.classical_error**2 if one.classical_error > 0 else simple
    classical = share_interval(one.classical, n, labelled.df)
    low, high = share_interval(one.estimate, n * one.gain, one.df)
    return replace(one, classical_low=classical[0], classical_high=classical[1], low=low, high=high)


def _combined(
    own: float, alone: float, shift: float, a: Floats, b: Floats, df: float, correlation: float, note: str
) -> Rectified:
    """Return the estimate from the scores of the answers, ``a``, and of the difference of predictions, ``b``."""
    classical, of_both, of_shift = float(a @ a), float(a @ b), float(b @ b)
    power = 0.0
    if not note and of_shift <= NO_VARIANCE * max(classical, NO_VARIANCE):
        note = "predictions do not vary"
    elif not note:
        power = min(max(of_both / of_shift, 0.0), 1.0)
    variance, df_used = classical, df
    relative = np.zeros_like(a)
    if power > 0:
        left = a - power * b
        df_used = df - 1
        variance = float(left @ left) * df / df_used
        # Where predictions explain everything, of the labelled and the rest, nothing is left to be uncertain about.
        if classical > 0 and variance > NO_VARIANCE * classical:
            relative = a**2 / classical - left**2 / float(left @ left)
    gain = classical / variance if variance > 0 else 1.0
    log_error = float(np.sqrt((relative**2).sum()))
    quantile, quantile_used = t_quantile(df), t_quantile(df_used)
    estimate = own + power * (shift if power > 0 else 0.0)
    error, own_error = float(np.sqrt(variance)), float(np.sqrt(classical))
    reach_of_gain = np.exp(quantile_used * log_error) if log_error > 0 else 1.0
    if not note and gain / reach_of_gain <= 1:
        note = "no gain" if gain <= 1 else "no gain beyond chance"
    return Rectified(
        classical=own,
        classical_error=own_error,
        classical_low=own - quantile * own_error if own_error > 0 else own,
        classical_high=own + quantile * own_error if own_error > 0 else own,
        predicted=alone,
        estimate=estimate,
        error=error,
        low=estimate - quantile_used * error if error > 0 else estimate,
        high=estimate + quantile_used * error if error > 0 else estimate,
        power=power,
        correlation=correlation,
        gain=gain,
        gain_low=gain / reach_of_gain,
        gain_high=gain * reach_of_gain,
        shift=shift,
        shift_error=float(np.sqrt(of_shift)) if np.isfinite(shift) else np.nan,
        df=df_used,
        note=note,
    )


def too_few(df: float, which: str) -> str:
    """Return the note that there are too few respondents to tune the power on, or nothing."""
    return f"too few {which}: {df:g} degrees of freedom" if df < FEWEST_TO_TUNE else ""


def _by_group(design: SurveyDesign, labelled: NDArray[np.bool_]) -> SurveyDesign:
    """Return the design with labelled and unlabelled rows as two samples, unless they share clusters, which then stay whole."""
    if design.clusters is not None:
        clusters = design.cluster_of
        if np.intersect1d(clusters[labelled], clusters[~labelled]).size:
            return design
    cells = design.stratum_of * 2 + labelled
    return SurveyDesign(design.weights, cells, design.clusters)


def _correlation(a: Floats, b: Floats) -> float:
    """Return the correlation of two influences, which have mean 0; NaN if one of them is constant."""
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(np.clip(a @ b / size, -1, 1)) if size > NO_VARIANCE**2 else float("nan")


def _unidentified(alone: float, note: str) -> Rectified:
    values: dict[str, Any] = dict.fromkeys((one.name for one in fields(Rectified)), float("nan"))
    return Rectified(**values | {"predicted": alone, "power": 0.0, "note": note})
