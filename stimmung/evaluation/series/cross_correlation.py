"""Correlation of every series with the survey at every lag: as published, and by tests that hold their level."""

from typing import Any

import numpy as np
import pandas as pd

from stimmung.evaluation.series import correlation, inference, series_steps
from stimmung.evaluation.series.bootstrap import bootstrap_interval
from stimmung.evaluation.series.dcca import detrended_by_lag
from stimmung.evaluation.series.prewhitening import whiten
from stimmung.evaluation.series.series_steps import MINIMUM_PAIRS, Family, Floats
from stimmung.vocabulary.moods_schemas import CCF

Resampling = tuple[int, int, float]  # number of resamples, seed, level of the interval


def cross_correlate_series(
    posts: pd.DataFrame,
    survey: pd.DataFrame,
    *,
    max_lag_weeks: int = 8,
    rolling_weeks: int = 3,
    window_weeks: int = 12,
    n_resamples: int = 1000,
    n_simulations: int = 1999,
    level: float = 0.95,
    seed: int,
) -> pd.DataFrame:
    """Correlate each series of the posts with the survey's of the same question and option, at each lag.

    The result is a CCF table, sorted by model, question, option and lag. A family is all options and lags of one model and
    question; ``p_adjusted`` and ``p_family`` allow for all of it, and its numbers depend on no other family. They and
    ``p_prewhitened`` hold their level for stationary series; the others are what is usually reported.

    ============================ ============================================================================
    r, p, n                      as published: both series averaged over ``rolling_weeks``, naive p
    n_effective                  n, reduced for autocorrelation (``correlation.effective_sample_size``)
    ci_low, ci_high              of r, by the stationary bootstrap (``bootstrap.bootstrap_interval``)
    r_raw, n_raw                 of the series as they are
    n_effective_raw, p_raw       their effective number of weeks, and Student's t with it
    ci_low_raw, ci_high_raw      of r_raw, by the stationary bootstrap
    r_differences, p_differences of changes from week to week; Student's t with their effective number
    r_prewhitened, p_prewhitened of innovations (``prewhitening.whiten``): the test of zero correlation
    ci_low_prewhitened, …_high_… of r_prewhitened, by Fisher's transformation
    p_adjusted                   p_prewhitened adjusted for the false discovery rate over the family
    p_family                     r_prewhitened against the best of the family (``inference.familywise_p``)
    r_detrended                  detrended over ``window_weeks`` (``dcca``), NaN in shorter series
    note                         why a row has no numbers: the posts' series is constant, or too short
    ============================ ============================================================================

    ``posts`` have the columns model, week, question, option, value: series of models, baselines or signals. Values of the same
    week and option (seeds) are averaged. Weeks are the days they start on. A week without a row is a gap. The survey is a TRACKER
    table. Options and questions that no posts have are left out; waves before and after the posts are used at the lags that reach
    them. lag_weeks > 0 means that the posts lead the survey. Raises the InputErrors of :func:`series_steps.align_families`.
    """
    resampling = n_resamples, seed, level
    windows = rolling_weeks, window_weeks
    families = [*series_steps.align_families(posts, survey, max_lag_weeks)]  # all are checked first
    tables = [
        _family_table(family, max_lag_weeks, *windows, n_simulations, resampling) for family in families
    ]
    return pd.concat(tables, ignore_index=True)[list(CCF.columns)]


def _family_table(
    family: Family,
    reach: int,
    rolling_weeks: int,
    window_weeks: int,
    n_simulations: int,
    resampling: Resampling,
) -> pd.DataFrame:
    _, seed, level = resampling
    notes = [_note(series, other) for series, other in zip(family.posts, family.survey, strict=True)]
    tested = np.array([note == "" for note in notes])
    posts, survey = np.where(tested[:, None], family.posts, np.nan), family.survey
    smooth = series_steps.rolling_mean(posts, rolling_weeks), series_steps.rolling_mean(survey, rolling_weeks)
    change = series_steps.differences(posts), series_steps.differences(survey)
    column: dict[str, Floats] = {}

    column["r"], column["p"], column["n"] = correlation.published_correlation(
        posts, survey, reach, rolling_weeks
    )
    column["n_effective"] = correlation.effective_by_lag(*smooth, reach)
    column["ci_low"], column["ci_high"] = _intervals(*smooth, reach, *resampling)

    column["r_raw"], column["n_raw"] = correlation.correlate_lags(posts, survey, reach)
    column["n_effective_raw"] = correlation.effective_by_lag(posts, survey, reach)
    column["p_raw"] = correlation.p_value(column["r_raw"], column["n_effective_raw"])
    column["ci_low_raw"], column["ci_high_raw"] = _intervals(posts, survey, reach, *resampling)

    column["r_differences"], _ = correlation.correlate_lags(*change, reach)
    column["p_differences"] = correlation.p_value(
        column["r_differences"], correlation.effective_by_lag(*change, reach)
    )

    innovations, survey_innovations = whiten(np.stack([posts, survey]))
    r, n = inference.correlate_innovations(innovations, survey_innovations, reach)
    column["r_prewhitened"], column["p_prewhitened"] = r, correlation.p_value(r, n)
    column["ci_low_prewhitened"], column["ci_high_prewhitened"] = inference.fisher_interval(r, n, level)
    column["p_adjusted"] = inference.adjust_p(column["p_prewhitened"])
    column["p_family"] = inference.familywise_p(posts, survey, reach, n_simulations, seed)
    column["r_detrended"] = detrended_by_lag(posts, survey, reach, window_weeks)

    lags = correlation.lag_range(reach)
    table = pd.DataFrame({name: values.ravel() for name, values in column.items()})
    return table.astype({"n": int, "n_raw": int}).assign(
        model=family.model,
        question=family.question,
        option=np.repeat(family.options, lags.size),
        lag_weeks=np.tile(lags, len(family.options)),
        note=np.repeat(notes, lags.size),
    )


def _note(posts: Floats, survey: Floats) -> str:
    if int((~np.isnan(posts) & ~np.isnan(survey)).sum()) < MINIMUM_PAIRS:
        return f"fewer than {MINIMUM_PAIRS} weeks"
    return "constant series" if series_steps.is_constant(posts) else ""


def _intervals(posts: Floats, survey: Floats, *resampling: Any) -> Floats:
    """Return the bootstrap intervals of each option, shape (2, options, lags)."""
    pairs = zip(posts, survey, strict=True)
    return np.stack([bootstrap_interval(x, y, *resampling) for x, y in pairs], axis=1)
