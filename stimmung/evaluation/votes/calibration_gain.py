"""What scaling does to calibration: the errors of the probabilities before and after, by answer option and by subgroup."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stimmung.evaluation.votes.calibration import N_BINS, bin_of
from stimmung.evaluation.votes.fold_metrics import answer_codes
from stimmung.evaluation.votes.resampling import LEVEL, N_RESAMPLES, bias_corrected_interval, resample
from stimmung.vocabulary.parquet_tables import typed_table
from stimmung.vocabulary.votes_schemas import CALIBRATION_GAIN, option_columns, options_of

Floats = NDArray[np.float64]

Cell = tuple[str | None, str | None]  # subgroup or everybody, answer option or all together

RANGES = {
    "expected_calibration_error": (0.0, 1.0),
    "log_loss": (0.0, np.inf),
    "brier": (0.0, 2.0),
    "slope": (-np.inf, np.inf),
}
_FLOOR = np.finfo(float).eps  # a probability of 0 counts as this in logarithms, as in ``vote_metrics``
_NEWTON_STEPS = 50  # far more than a fit needs that exists
# Where the log-odds of respondents differ by less (standard deviation), a slope over them says nothing: a choice.
_LEAST_SPREAD = 0.05


def compare_calibration(
    predictions: pd.DataFrame,
    scaled: pd.DataFrame,
    subgroups: Mapping[str, Sequence[str]],
    *,
    weighted: bool = False,
    design: pd.DataFrame | None = None,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Return a CALIBRATION_GAIN table: for each method and condition four metrics before and after scaling, and the change.

    Without an option, the metrics are of all options together: the expected calibration error of the most probable one, log-loss
    and Brier score as in ``vote_metrics``, and the slope b with which p^b, scaled to 1, fits the answers best. With one, they are
    of its own probability against whether it was chosen, the Brier score is its squared error, and the slope that of a logistic
    regression on its log-odds (Cox 1958, Two further applications of a model for binary regression, Biometrika 45). A slope
    below 1 is overconfident, above 1 underconfident. Without a subgroup they are of all respondents.

    Rows of all folds and seeds are pooled, so that the expected calibration error is less biased than its mean over folds.
    Intervals are those of ``bias_corrected_interval``, of a bootstrap of respondents, or of what the survey's ``design`` drew
    (``design_table``), the same resamples for all; that of the expected calibration error, which is never 0, begins at 0 where a
    calibrated model would have one as large; the slope takes one Newton step from the sample's in each (Davidson and MacKinnon 1999,
    Bootstrap testing in nonlinear models). They take the models, and what scales, as they are.

    ``predictions`` is a PREDICTIONS table of respondents with a fold, ``scaled`` the CALIBRATED table of the same rows in the same
    order; ``subgroups`` are names and the ids of their respondents. With ``weighted``, survey weights count.
    """
    respondents = predictions.drop_duplicates("respondent_id").sort_values(["fold", "respondent_id"])
    ids = pd.Index(respondents["respondent_id"])
    counts = resample(respondents, design, n_resamples, np.random.default_rng(seed))
    if weighted:
        counts = counts * respondents["weight"].to_numpy()
    masks: dict[str | None, NDArray[np.bool_]] = {None: np.ones(len(ids), dtype=bool)}
    masks |= {name: np.asarray(ids.isin(list(members))) for name, members in subgroups.items()}
    columns, codes, options = option_columns(predictions), answer_codes(predictions), options_of(predictions)
    # The probabilities of two options are one number.
    single = options if len(options) > 2 else options[:1]
    cells: list[Cell] = [(name, None) for name in masks] + [(None, option) for option in single]
    runs: dict[Any, Any] = predictions.groupby(["method", "condition"], sort=False).indices
    rows: list[dict[str, Any]] = []
    for (method, condition), places in runs.items():
        who = ids.get_indexer(pd.Index(predictions["respondent_id"].iloc[places]))
        stages = []
        for table in (predictions, scaled):
            probabilities = table[columns].to_numpy()[places]
            probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
            stages.append(_values(probabilities, codes[places], who, cells, masks, counts, options))
        about = {"method": method, "condition": condition, "calibrated_on": in_words(scaled.iloc[places])}
        # One step for all, (1 + resamples, stages, cells, metrics): before, after, and the change.
        values = np.stack([*stages, stages[1] - stages[0]], axis=1)
        ends = bias_corrected_interval(values, (-np.inf, np.inf))
        # A calibrated model has an error as well, of few respondents. Where it would have as much, the interval begins at 0.
        as_calibrated = values[0, :2, :, 0] <= np.nanquantile(values[1:, :2, :, -1], LEVEL, axis=0)
        ends[0][:2, :, 0][as_calibrated] = 0.0
        for place, (subgroup, option) in enumerate(cells):
            n = int(masks[subgroup].sum())
            where = {**about, "subgroup": subgroup, "option": option, "n_respondents": n}
            for nth, (metric, limits) in enumerate(RANGES.items()):
                numbers: dict[str, float] = {}
                for stage, name in enumerate(("before", "after", "change")):
                    low, high = (end[stage, place, nth] for end in ends)
                    if name != "change":
                        low, high = np.clip([low, high], *limits)
                    numbers |= {name: values[0, stage, place, nth], f"{name}_low": low, f"{name}_high": high}
                rows.append({**where, "metric": metric, **numbers})
    return typed_table(rows, CALIBRATION_GAIN)


def in_words(run: pd.DataFrame) -> str:
    """Return what the rows of a CALIBRATED table were scaled by, in words: of one method and condition, all folds."""
    n = run.loc[run["scaling"] != "none", "n_calibrated_on"]
    if n.empty:
        return str(run["calibrated_on"].iloc[0])
    span = f"{n.min()}" if n.min() == n.max() else f"{n.min()} to {n.max()}"
    scaling = run.loc[n.index, "scaling"].iloc[0]
    without = run.loc[run["scaling"] == "none", "fold"].nunique()
    unscaled = f"; {without} folds unscaled" if without else ""
    return f"{scaling}, {span} respondents of the other folds{unscaled}"


def _values(
    probabilities: Floats,
    codes: NDArray[np.intp],
    who: NDArray[np.intp],
    cells: Sequence[Cell],
    masks: Mapping[str | None, NDArray[np.bool_]],
    counts: Floats,
    options: Sequence[str],
) -> Floats:
    """Return what ``_metrics`` does, (1 + resamples, cells, metrics + 1); rows of several seeds share a respondent in ``who``."""
    from scipy.sparse import csr_array

    terms, slopes = [], []
    for subgroup, option in cells:
        weights = counts[0][who] * masks[subgroup][who]
        if option is None:
            found, slope = _terms(probabilities, codes, weights, together=True)
        else:
            place = options.index(option)
            one = np.column_stack([probabilities[:, place], 1 - probabilities[:, place]])
            found, slope = _terms(one, np.where(codes == place, 0, 1), weights, together=False)
        terms.append(found)
        slopes.append(slope)
    rows = np.arange(len(who))
    of_respondent = csr_array((np.ones(len(who)), (who, rows)), shape=(counts.shape[1], len(who)))
    sums = np.split(counts @ (of_respondent @ np.concatenate(terms, axis=1)), len(cells), axis=1)
    return np.stack([_metrics(one, slope) for one, slope in zip(sums, slopes, strict=True)], axis=1)


def _terms(
    probabilities: Floats, answers: NDArray[np.intp], weights: Floats, together: bool
) -> tuple[Floats, float]:
    """Return what is summed over respondents (n, 5 + N_BINS), and the slope that fits the sample.

    The terms are one, gap by bin, log-loss, Brier, score and information of the slope; 0 where the weight is.
    """
    n = len(answers)
    chosen = probabilities.argmax(axis=1) if together else np.zeros(n, dtype=np.intp)
    confidence = probabilities[np.arange(n), chosen]
    gaps = np.zeros((n, N_BINS))
    gaps[np.arange(n), bin_of(confidence)] = confidence - (chosen == answers)
    logs = np.log(np.maximum(probabilities, _FLOOR))
    errors = probabilities - (np.arange(probabilities.shape[1]) == answers[:, None])
    brier = (errors**2).sum(axis=1) if together else errors[:, 0] ** 2
    slope, score, information = _fit_slope(logs, answers, weights, together)
    parts = [np.ones(n), *gaps.T, -logs[np.arange(n), answers], brier, score, information]
    return np.column_stack(parts) * (weights > 0)[:, None], slope


def _metrics(sums: Floats, slope: float) -> Floats:
    """Return the metrics in the order of ``RANGES``, from the sums of the terms: (1 + resamples, metrics + 1).

    The last column is the calibration error that chance alone adds: that of the gaps' distances from the sample's.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        means = sums[:, 1:] / sums[:, :1]
        error = np.abs(means[:, :N_BINS]).sum(axis=1)
        loss, brier, score, information = means[:, N_BINS:].T
        by_chance = np.abs(means[:, :N_BINS] - means[0, :N_BINS]).sum(axis=1)
        return np.stack([error, loss, brier, slope + score / information, by_chance], axis=1)


def _fit_slope(
    logs: Floats, answers: NDArray[np.intp], weights: Floats, together: bool
) -> tuple[float, Floats, Floats]:
    """Return the slope b of softmax(b logs + a), and each row's score and information of b at it, shape (n,).

    The intercept a of the first option is 0 where options are ``together``; else it is fitted as well, and taken out of score
    and information (the efficient score). NaN where the rows say nothing of the slope.
    """
    nothing = np.nan, np.full(len(answers), np.nan), np.full(len(answers), np.nan)
    total = weights.sum()
    log_odds = logs[:, 0] - logs[:, 1]
    if total == 0 or (not together and _spread(log_odds, weights) < _LEAST_SPREAD):
        return nothing
    slope, intercept = 0.0, 0.0  # from where all options are equal, Newton's steps do not overshoot
    first = np.arange(logs.shape[1]) == 0
    for _ in range(_NEWTON_STEPS):
        scaled = slope * logs + intercept * first
        powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        fitted = powers / powers.sum(axis=1, keepdims=True)
        expected = (fitted * logs).sum(axis=1)
        of_slope = logs[np.arange(len(answers)), answers] - expected
        information = (fitted * logs**2).sum(axis=1) - expected**2
        of_intercept = (answers == 0) - fitted[:, 0]
        both = fitted[:, 0] * (logs[:, 0] - expected)
        second = fitted[:, 0] * (1 - fitted[:, 0])
        share = 0.0 if together else (weights @ both) / max(weights @ second, _FLOOR)
        score, information = of_slope - share * of_intercept, information - share * both
        needed = weights @ information
        if needed < _FLOOR * total:
            return nothing
        step = float(np.clip(weights @ score / needed, -2, 2))
        slope += step
        if not together:
            intercept += float(
                np.clip(
                    (weights @ of_intercept - step * (weights @ both)) / max(weights @ second, _FLOOR), -2, 2
                )
            )
        if abs(step) < 1e-8:
            return slope, score, information
    return nothing  # separable answers: no slope is steep enough


def _spread(values: Floats, weights: Floats) -> float:
    mean = np.average(values, weights=weights)
    return float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))
