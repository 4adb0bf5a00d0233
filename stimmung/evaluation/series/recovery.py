"""How well weekly series recover a mood that is known because the posts were simulated or mixed."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from stimmung.evaluation.series.bootstrap import block_length, resampled_counts, weighted_correlation
from stimmung.evaluation.series.correlation import correlate_lags
from stimmung.evaluation.series.series_steps import Floats
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import RECOVERY


def measure_recovery(
    posts: pd.DataFrame,
    truth: pd.DataFrame,
    *,
    seeds: pd.DataFrame | None = None,
    serial: bool = True,
    n_resamples: int = 1000,
    level: float = 0.95,
    seed: int,
) -> pd.DataFrame:
    """Correlate each raw series with the known mood, and average over the options, in a RECOVERY table.

    For each model, question and option it has Pearson's r with its percentile interval, Spearman's rho, and n, the weeks; in a row
    without option the means over the options. An option whose series is constant recovers nothing and has r and rho 0, so that it
    counts in the mean. ``rho_worst_seed`` is the lowest rho of any seed, NaN for series without seeds.

    Columns of ``posts`` and ``truth``: model (posts only), week, question, option, value; ``seeds`` are the posts' series by seed,
    with a column seed. Options that the truth does not have are left out. If weeks follow each other (``serial``), the interval is
    by the stationary bootstrap (see ``bootstrap``), with blocks of the longest optimal length of any option; if not, single weeks
    are drawn (Efron 1979, Ann. Stat. 7:1). Weeks are drawn for all options together, so the interval of the mean allows for the
    dependence of options of a week. Raises an InputError if a series has no option or fewer than 3 weeks in common with the truth.
    """
    tables = []
    for (model, question), part in posts.groupby(["model", "question"], sort=True):
        known = truth[truth["question"] == question].pivot(index="week", columns="option", values="value")
        found = part.pivot(index="week", columns="option", values="value")
        options, weeks = found.columns.intersection(known.columns), found.index.intersection(known.index)
        if options.empty or len(weeks) < 3:
            raise InputError(
                f"'{model}', question '{question}': nothing to compare with the known mood",
                f"They share {len(options)} options and {len(weeks)} weeks; 3 weeks are needed.",
            )
        x = found.loc[weeks, options].to_numpy(float).T
        y = known.loc[weeks, options].to_numpy(float).T
        table = _recovery(x, y, serial, n_resamples, level, seed)
        table["option"] = pd.Series([None, *options], dtype=object)
        table["rho_worst_seed"] = _worst_seed(seeds, str(model), str(question), known.loc[weeks, options])
        tables.append(table.assign(model=str(model), question=str(question), n=len(weeks)))
    return pd.concat(tables, ignore_index=True)[list(RECOVERY.columns)]


def _recovery(x: Floats, y: Floats, serial: bool, n_resamples: int, level: float, seed: int) -> pd.DataFrame:
    """Return r, ci_low, ci_high and rho of (options, weeks), the mean in the first row."""
    varies = _varies(x, y)
    r = np.nan_to_num(correlate_lags(x, y, 0)[0][:, 0])
    rho = _rank_correlations(x, y)
    blocks = 1.0
    if serial and varies.any():
        blocks = max(block_length(one, other) for one, other in zip(x[varies], y[varies], strict=True))
    counts = resampled_counts(blocks, x.shape[1], n_resamples, seed)
    pairs = zip(x[..., None], y[..., None], strict=True)
    drawn = np.stack([weighted_correlation(counts, *pair)[:, 0] for pair in pairs], axis=1)
    # A resample of a single week repeated has no correlation; a constant series has none in any.
    drawn[:, ~varies] = 0
    drawn = np.column_stack([drawn.mean(axis=1), drawn])
    tail = (1 - level) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail], axis=0)
    return pd.DataFrame({"r": [r.mean(), *r], "ci_low": low, "ci_high": high, "rho": [rho.mean(), *rho]})


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
