"""Correlation of every series with the survey at every lag: as published, and by tests that hold their level."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stimmung.evaluation.series import correlation, inference, series_steps
from stimmung.evaluation.series.dcca import detrended_by_lag
from stimmung.evaluation.series.prewhitening import whiten
from stimmung.evaluation.series.series_steps import MINIMUM_PAIRS, Family, Floats
from stimmung.vocabulary.moods_schemas import CCF


def cross_correlate_series(
    posts: pd.DataFrame,
    survey: pd.DataFrame,
    *,
    max_lag_weeks: int = 8,
    rolling_weeks: int = 3,
    window_weeks: int = 12,
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
    ci_low, ci_high              of r (``inference.correlation_interval``)
    r_raw, n_raw                 of the series as they are
    n_effective_raw, p_raw       their effective number of weeks, and Student's t with it
    ci_low_raw, ci_high_raw      of r_raw, likewise; too short at long lags of series that are nearly the same and near a random walk
    r_differences, p_differences of changes from week to week; Student's t with their effective number
    r_prewhitened, p_prewhitened of innovations (``prewhitening.whiten``): the test of zero correlation
    ci_low_prewhitened, …_high_… of r_prewhitened, likewise
    p_adjusted                   p_prewhitened adjusted for the false discovery rate over the family
    p_family                     r_prewhitened against the best of the family (``inference.familywise_p``)
    r_detrended                  detrended over ``window_weeks`` (``dcca``), NaN in shorter series
    note                         why a row has no numbers but n: a series is constant, or weeks are too few, perhaps at
                                 this lag only
    ============================ ============================================================================

    ``posts`` have the columns model, week, question, option, value: series of models, baselines or signals. Values of the same
    week and option (seeds) are averaged. Weeks are the days they start on. A week without a row is a gap. The survey is a TRACKER
    table. Options and questions that no posts have are left out; waves before and after the posts are used at the lags that reach
    them. lag_weeks > 0 means that the posts lead the survey. A series that is too short or constant takes nothing from the others.
    Raises the InputErrors of :func:`series_steps.align_families`.
    """
    windows = rolling_weeks, window_weeks
    families = [*series_steps.align_families(posts, survey, max_lag_weeks)]  # all are checked first
    tables = [
        _family_table(family, max_lag_weeks, *windows, n_simulations, seed, level) for family in families
    ]
    return pd.concat(tables, ignore_index=True)[list(CCF.columns)]


def _family_table(
    family: Family,
    reach: int,
    rolling_weeks: int,
    window_weeks: int,
    n_simulations: int,
    seed: int,
    level: float,
) -> pd.DataFrame:
    notes = _notes(family, reach)
    tested = (notes == "").any(axis=1)
    posts, survey = np.where(tested[:, None], family.posts, np.nan), family.survey
    smooth = series_steps.rolling_mean(posts, rolling_weeks), series_steps.rolling_mean(survey, rolling_weeks)
    change = series_steps.differences(posts), series_steps.differences(survey)
    column: dict[str, Floats] = {}

    column["r"], column["p"], _ = correlation.published_correlation(posts, survey, reach, rolling_weeks)
    column["n_effective"] = correlation.effective_by_lag(*smooth, reach)
    column["ci_low"], column["ci_high"] = inference.correlation_interval(*smooth, reach, level=level)

    column["r_raw"], _ = correlation.correlate_lags(posts, survey, reach)
    column["n_effective_raw"] = correlation.effective_by_lag(posts, survey, reach)
    column["p_raw"] = correlation.p_value(column["r_raw"], column["n_effective_raw"])
    column["ci_low_raw"], column["ci_high_raw"] = inference.correlation_interval(
        posts, survey, reach, level=level
    )

    column["r_differences"], _ = correlation.correlate_lags(*change, reach)
    column["p_differences"] = correlation.p_value(
        column["r_differences"], correlation.effective_by_lag(*change, reach)
    )

    innovations, survey_innovations = whiten(np.stack([posts, survey]))
    r, n = inference.correlate_innovations(innovations, survey_innovations, reach)
    column["r_prewhitened"], column["p_prewhitened"] = r, correlation.p_value(r, n)
    column["ci_low_prewhitened"], column["ci_high_prewhitened"] = inference.correlation_interval(
        innovations, survey_innovations, reach, centred=False, level=level
    )
    column["p_adjusted"] = inference.adjust_p(column["p_prewhitened"])
    column["p_family"] = inference.familywise_p(posts, survey, reach, n_simulations, seed)
    column["r_detrended"] = detrended_by_lag(posts, survey, reach, window_weeks)

    column = {name: np.where(notes == "", values, np.nan) for name, values in column.items()}
    # Of the series as they are, also where they are too short.
    column["n_raw"] = _pairs(family, reach)
    column["n"] = correlation.published_correlation(family.posts, family.survey, reach, rolling_weeks)[2]
    lags = correlation.lag_range(reach)
    table = pd.DataFrame({name: values.ravel() for name, values in column.items()})
    return table.astype({"n": int, "n_raw": int}).assign(
        model=family.model,
        question=family.question,
        option=np.repeat(family.options, lags.size),
        lag_weeks=np.tile(lags, len(family.options)),
        note=notes.ravel(),
    )


def _pairs(family: Family, reach: int) -> Floats:
    """Return how many weeks of posts and survey meet at each lag, shape (options, lags)."""
    return correlation.correlate_lags(family.posts, family.survey, reach)[1]


def _notes(family: Family, reach: int) -> NDArray[np.object_]:
    """Return why an option has no correlation at a lag, '' if it has one, shape (options, lags)."""
    pairs = _pairs(family, reach)
    too_few = f"fewer than {MINIMUM_PAIRS} weeks"
    notes = np.where(pairs < MINIMUM_PAIRS, f"{too_few} at this lag", "").astype(object)
    for row, (posts, survey) in enumerate(zip(family.posts, family.survey, strict=True)):
        if pairs[row].max() < MINIMUM_PAIRS:
            notes[row] = too_few if pairs[row].max() else "no week in common with the survey"
        elif series_steps.is_constant(posts):
            notes[row] = "constant series"
        elif series_steps.is_constant(survey):
            notes[row] = "constant survey"
    return notes
