"""How well weekly series recover a mood that is known because the posts were simulated or mixed."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from stimmung.evaluation.series.correlation import correlate_lags
from stimmung.evaluation.series.inference import correlation_interval
from stimmung.evaluation.series.series_steps import Floats
from stimmung.vocabulary.moods_schemas import RECOVERY

FEWEST_WEEKS = 3
NUMBERS = ["r", "ci_low", "ci_high", "rho", "rho_worst_seed"]


def measure_recovery(
    posts: pd.DataFrame,
    truth: pd.DataFrame,
    *,
    seeds: pd.DataFrame | None = None,
    serial: bool = True,
    level: float = 0.95,
) -> pd.DataFrame:
    """Correlate each raw series with the known mood, and average over the options, in a RECOVERY table.

    For each model, question and option it has Pearson's r with its interval, Spearman's rho, and n, the weeks; in a row without
    option the means over the options. An option whose series is constant recovers nothing and has r and rho 0, so that it counts in
    the mean, and no interval. A series that has fewer than 3 weeks or no option in common with the truth has no number but n.
    ``rho_worst_seed`` is the lowest rho of any seed, NaN for series without seeds.

    Columns of ``posts`` and ``truth``: model (posts only), week, question, option, value; ``seeds`` are the posts' series by seed,
    with a column seed. Options that the truth does not have are left out. Intervals are those of ``inference.correlation_interval``,
    ``serial`` if weeks follow each other. Options of a week depend on each other
    in an unknown way: the ends of the mean's interval are the means of theirs, which is right if all options err alike, and
    wider than needed otherwise.
    """
    tables = []
    for (model, question), part in posts.groupby(["model", "question"], sort=True):
        known = truth[truth["question"] == question].pivot(index="week", columns="option", values="value")
        found = part.pivot(index="week", columns="option", values="value")
        options = found.columns.intersection(known.columns)
        weeks = found[options].dropna().index.intersection(known[options].dropna().index)
        if options.empty or len(weeks) < FEWEST_WEEKS:
            table = pd.DataFrame(
                {"option": pd.Series([None], dtype=object), **dict.fromkeys(NUMBERS, np.nan)}
            )
        else:
            x = found.loc[weeks, options].to_numpy(float).T
            y = known.loc[weeks, options].to_numpy(float).T
            table = _recovery(x, y, serial, level)
            table["option"] = pd.Series([None, *options], dtype=object)
            table["rho_worst_seed"] = _worst_seed(seeds, str(model), str(question), known.loc[weeks, options])
        tables.append(table.assign(model=str(model), question=str(question), n=len(weeks)))
    return pd.concat(tables, ignore_index=True)[list(RECOVERY.columns)]


def _recovery(x: Floats, y: Floats, serial: bool, level: float) -> pd.DataFrame:
    """Return r, ci_low, ci_high and rho of (options, weeks), the mean in the first row."""
    r = correlate_lags(x, y, 0)[0][:, 0]
    ends = np.stack(correlation_interval(x, y, serial=serial, level=level))[..., 0]
    r, rho = np.nan_to_num(r), _rank_correlations(x, y)
    # A constant series has no interval, and none to give to the mean: it stands there with its 0.
    low, high = np.where(np.isnan(ends) & ~_varies(x, y), 0.0, ends).mean(axis=1)
    return pd.DataFrame(
        {
            "r": [r.mean(), *r],
            "ci_low": [low, *ends[0]],
            "ci_high": [high, *ends[1]],
            "rho": [rho.mean(), *rho],
        }
    )


def _varies(x: Floats, y: Floats) -> NDArray[np.bool_]:
    return np.asarray((np.ptp(x, axis=1) > 0) & (np.ptp(y, axis=1) > 0))


def _rank_correlations(x: Floats, y: Floats) -> Floats:
    """Return Spearman's rho of each row of (options, weeks); 0 where one of the two is constant."""
    rho = np.zeros(len(x))
    varies = _varies(x, y)
    pairs = zip(x[varies], y[varies], strict=True)
    rho[varies] = [stats.spearmanr(one, other).statistic for one, other in pairs]
    return rho


def _worst_seed(seeds: pd.DataFrame | None, model: str, question: str, known: pd.DataFrame) -> Floats | float:
    """Return the lowest rho of any seed: of the mean over options, and of each option."""
    if seeds is None:
        return np.nan
    rho = []
    for _, part in seeds[(seeds["model"] == model) & (seeds["question"] == question)].groupby("seed"):
        series = part.pivot(index="week", columns="option", values="value").loc[known.index, known.columns]
        of_options = _rank_correlations(series.to_numpy(float).T, known.to_numpy(float).T)
        rho.append([of_options.mean(), *of_options])
    return np.asarray(np.min(rho, axis=0)) if rho else np.nan
