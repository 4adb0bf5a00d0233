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
# Below these degrees of freedom a gain has no interval: at 9 and 19 it held a share's true gain in .78 to .93 of simulated samples.
FEWEST_FOR_GAIN_INTERVAL = 40
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
        note, correlation = "predictions do not vary", float("nan")
    elif not note and not classical > 0:
        note = "the answers of the labelled do not vary"
    elif not note:
        power = min(max(of_both / of_shift, 0.0), 1.0)
    df_used = df - 1 if power > 0 else df
    left = a - power * b
    variance = float(left @ left) * df / df_used if power > 0 else classical
    gain, gain_low, gain_high = (1.0, 1.0, 1.0) if note else _gain(a, b, power, df)
    if not note and df < FEWEST_FOR_GAIN_INTERVAL:
        gain_low = gain_high = float("nan")
        note = f"too few labelled to know the gain: {df:g} degrees of freedom" if gain > 1 else "no gain"
    elif not note and gain_low <= 1:
        note = "no gain" if gain <= 1 else "no gain beyond chance"
    quantile, quantile_used = t_quantile(df), t_quantile(df_used)
    estimate = own + power * (shift if power > 0 else 0.0)
    error, own_error = float(np.sqrt(variance)), float(np.sqrt(classical))
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
        gain_low=gain_low,
        gain_high=gain_high,
        shift=shift,
        shift_error=float(np.sqrt(of_shift)) if np.isfinite(shift) else np.nan,
        df=df_used,
        note=note,
    )


def _gain(a: Floats, b: Floats, power: float, df: float) -> tuple[float, float, float]:
    """Return the classical over the rectified variance, with its 95 % interval, from the scores of answers and of predictions.

    At the best power it is 1 / (1 - r^2), for r the correlation of the scores, or 1 where r is not positive. The interval is Fisher's
    for r, its standard error from what each cluster adds to r, so that it needs no normal distribution. At a power cut to 1 it is
    that of the logarithm of the ratio of variances.
    """
    classical, of_both, of_shift = float(a @ a), float(a @ b), float(b @ b)
    quantile, few = t_quantile(df - 1), (df + 1) / (df - 2)  # Fisher's n - 3 for n
    left = a - power * b
    variance = float(left @ left)
    gain = classical / variance * (df - 1) / df if power > 0 and variance > 0 else 1.0
    if power == 1:
        log_error = np.sqrt(few * ((a**2 / classical - left**2 / variance) ** 2).sum())
        return gain, float(gain * np.exp(-quantile * log_error)), float(gain * np.exp(quantile * log_error))
    r = of_both / np.sqrt(classical * of_shift)
    added = a * b / np.sqrt(classical * of_shift) - r / 2 * (a**2 / classical + b**2 / of_shift)
    reach = quantile * np.sqrt(few * (added**2).sum()) / (1 - r**2)
    low, high = (max(float(np.tanh(np.arctanh(r) + step)), 0.0) for step in (-reach, reach))
    return gain, min(1 / (1 - low**2), gain), max(1 / (1 - high**2), gain)


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
