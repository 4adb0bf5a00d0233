"""A bootstrap of respondents that all methods share, and the intervals that come of it."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

LEVEL = 0.95
N_RESAMPLES = 200  # enough for a standard error (Efron and Tibshirani 1993, An introduction to the bootstrap, section 6.4)


def resample(
    tested: pd.DataFrame, design: pd.DataFrame | None, n_resamples: int, rng: np.random.Generator
) -> Floats:
    """Return how often each of n respondents is drawn, shape (1 + resamples, n), the sample itself first.

    ``tested`` has a row for each, with ``respondent_id`` and ``fold``. ``design`` says how the sample was drawn
    (:func:`stimmung.evaluation.estimates.survey_design.design_table`): whole clusters are drawn, within strata. Without strata they
    are drawn within test folds, if each stands in one; without clusters, respondents are.
    """
    own = pd.DataFrame(index=tested.index) if design is None else design.loc[tested["respondent_id"]]
    units = (own["cluster"] if "cluster" in own else tested["respondent_id"]).to_numpy()
    if "stratum" in own:
        strata = own["stratum"].to_numpy()
    else:
        strata = tested["fold"].to_numpy()
        if pd.Series(strata).groupby(units).nunique().max() > 1:
            strata = np.zeros(len(units), dtype="int8")
    return draw_units(strata, units, n_resamples, rng)


def draw_units(
    stratum_of: NDArray[Any], unit_of: NDArray[Any], n_resamples: int, rng: np.random.Generator
) -> Floats:
    """Return how often each row is drawn, shape (1 + resamples, n), the sample itself first; rows of a unit together.

    Of the m units of a stratum m - 1 are drawn with replacement and count m / (m - 1) times, so that the variance over resamples is
    right also for strata of two (Rao and Wu 1988, J. Am. Stat. Assoc. 83:231; Rao, Wu and Yue 1992, Surv. Methodol. 18:209). Strata
    of one unit are taken together; one such alone does not vary.
    """
    counts = np.ones((1 + n_resamples, len(stratum_of)))
    names_of = pd.Series(pd.factorize(stratum_of)[0])
    n_units = pd.Series(unit_of).groupby(names_of.to_numpy()).nunique()
    strata = names_of.where(names_of.map(n_units) > 1, -1).to_numpy()
    for stratum in np.unique(strata):
        own = strata == stratum
        # The same name in two strata that are taken together is two units.
        names = pd.Series(unit_of[own]).astype(str) + "\0" + pd.Series(stratum_of[own]).astype(str)
        members, found = pd.factorize(names if stratum < 0 else unit_of[own])
        n = len(found)
        if n > 1:
            drawn = rng.multinomial(n - 1, np.full(n, 1 / n), size=n_resamples)
            counts[1:, own] = drawn[:, members] * (n / (n - 1))
    return counts


def bias_corrected_interval(values: Floats, range: tuple[float, float]) -> tuple[Floats, Floats]:
    """Return the ends of 95 % intervals, of ``values`` (1 + resamples, …) whose first row is the sample's.

    The normal approximation, corrected for the bias that the resamples show (Davison and Hinkley 1997, Bootstrap methods and their
    application, section 5.2.1), cut at the ends of the ``range``. The correction matters for what is never negative, such as a
    distance: in every resample it is larger than in the sample. The interval reaches at least as far from the sample's value as 95 of
    100 resamples are, to both sides: near its maximum a variance moves in one direction only, its resamples are skewed, and the normal
    interval of a ratio of variances held the truth in .84 of simulated surveys. NaN where the sample's value is, or the values of a
    tenth of the resamples.
    """
    sample, resamples = values[0], values[1:]
    with np.errstate(invalid="ignore"):
        defined = np.isfinite(sample) & (np.isfinite(resamples).mean(axis=0) > 0.9)
    kept = np.where(np.isfinite(resamples) & defined, resamples, np.where(defined, sample, 0.0))
    sample = np.where(defined, sample, np.nan)
    centre = 2 * sample - kept.mean(axis=0)
    reach = stats.norm.ppf((1 + LEVEL) / 2) * kept.std(axis=0, ddof=1)
    furthest = np.quantile(np.abs(kept - np.where(defined, sample, 0.0)), LEVEL, axis=0)
    low, high = np.minimum(centre - reach, sample - furthest), np.maximum(centre + reach, sample + furthest)
    return np.clip(low, *range), np.clip(high, *range)
