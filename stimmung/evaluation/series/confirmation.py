"""A lag that was picked because it looked best, tested on weeks that it was not picked on."""

import numpy as np
import pandas as pd

from stimmung.evaluation.series.correlation import p_value
from stimmung.evaluation.series.inference import adjust_p, best_lag, correlate_innovations
from stimmung.evaluation.series.prewhitening import whiten
from stimmung.evaluation.series.series_steps import MINIMUM_PAIRS, Family, align_families
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import CONFIRMATIONS


class TooFewWeeksError(InputError):
    """The weeks are too few to be split; correlations may exist all the same."""


def confirm_lags(
    posts: pd.DataFrame, survey: pd.DataFrame, *, max_lag_weeks: int = 8, share: float = 0.5
) -> pd.DataFrame:
    """Find each option's best lag on the first ``share`` of the posts' weeks and test that lag alone on the rest.

    Cross-validation of one split in time (Stone 1974, J. R. Stat. Soc. B 36:111), as Garcia et al. (2021, arXiv 2107.13236)
    split their weeks at a date set beforehand. Both parts are prewhitened on their own and share no week of either side. The lag
    with the largest correlation of innovations is tested on the rest in the direction found: ``p_confirmed`` is one-sided, a
    single test, and needs no allowance for the lags searched; ``p_adjusted`` controls the false discovery rate over the options
    of the model and question. The result is a CONFIRMATIONS table; NaN where a series does not vary within a part.

    Arguments are those of ``cross_correlation.cross_correlate_series``. The largest lag searched is less where the shorter part
    would leave fewer than ``MINIMUM_PAIRS`` pairs; the column ``max_lag_weeks`` says how much. Raises a TooFewWeeksError if a part
    has too few weeks for any test, and the InputErrors of :func:`align_families`.
    """
    families = align_families(posts, survey, max_lag_weeks)
    tables = [_confirm(family, max_lag_weeks, share) for family in families]
    return pd.concat(tables, ignore_index=True)[list(CONFIRMATIONS.columns)]


def _confirm(family: Family, max_lag_weeks: int, share: float) -> pd.DataFrame:
    written = np.flatnonzero(~np.isnan(family.posts).all(axis=0))
    if np.isnan(family.survey).all():
        raise TooFewWeeksError(
            f"'{family.model}', question '{family.question}': no week in common with the survey"
        )
    cut = written[0] + round(share * (written[-1] + 1 - written[0]))
    shorter = min(int((written < cut).sum()), int((written >= cut).sum()))
    if shorter < MINIMUM_PAIRS + 1:
        raise TooFewWeeksError(
            f"'{family.model}', question '{family.question}': {shorter} weeks are too few to confirm a lag",
            f"Each part needs at least {MINIMUM_PAIRS + 1} weeks with posts.",
        )
    reach = min(max_lag_weeks, shorter - MINIMUM_PAIRS)
    weeks = slice(None, cut), slice(cut, None)
    parts = [whiten(np.stack([family.posts[:, part], family.survey[:, part]])) for part in weeks]
    (r_found, n_found), (r_rest, n_rest) = [correlate_innovations(x, y, reach) for x, y in parts]
    rows = []
    for row, option in enumerate(family.options):
        lag = best_lag(r_found[row], n_found[row], reach)
        at = row, lag + reach
        p = one_sided(float(p_value(r_rest[at], n_rest[at])), r_rest[at] * r_found[at] > 0)
        p = np.nan if np.isnan(r_found[at]) else p
        rows.append((option, lag, r_found[at], int(n_found[at]), r_rest[at], int(n_rest[at]), p))
    columns = ["option", "lag_weeks", "r_found", "n_found", "r_confirmed", "n_confirmed", "p_confirmed"]
    table = pd.DataFrame(rows, columns=columns)
    table = table.assign(model=family.model, question=family.question, max_lag_weeks=reach)
    return table.assign(p_adjusted=adjust_p(table["p_confirmed"].to_numpy(float)))


def one_sided(p: float, same_direction: bool) -> float:
    """Return the p of a test in the direction set beforehand from that of a two-sided one."""
    return p / 2 if same_direction else 1 - p / 2
