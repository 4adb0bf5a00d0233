"""A lag that was picked because it looked best, held against weeks that it was not picked on."""

import numpy as np
import pandas as pd

from stimmung.evaluation.series.correlation import p_value
from stimmung.evaluation.series.inference import adjust_p, best_lag, correlate_innovations
from stimmung.evaluation.series.prewhitening import whiten
from stimmung.evaluation.series.series_steps import MINIMUM_PAIRS, Family, Floats, align_families
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import CONFIRMATIONS


class TooFewWeeksError(InputError):
    """The weeks are too few to be split; correlations may exist all the same."""


def confirm_lags(
    posts: pd.DataFrame, survey: pd.DataFrame, *, max_lag_weeks: int = 8, share: float = 0.5
) -> pd.DataFrame:
    """Find each option's best lag on the first weeks of the posts and test that lag alone on the rest.

    Cross-validation of one split in time (Stone 1974, J. R. Stat. Soc. B 36:111), as Garcia et al. (2021,
    arXiv 2107.13236) split their weeks at a date set beforehand. Both parts are prewhitened on their own and
    share no week of either side. The lag with the largest correlation of innovations is tested on the rest in
    the direction found: ``p_confirmed`` is one-sided, a single test, and needs no allowance for the lags
    searched; ``p_adjusted`` controls the false discovery rate over the options of the model and question.

    Parameters
    ----------
    posts, survey
        As for ``cross_correlation.cross_correlate_series``.
    max_lag_weeks
        The largest lag searched; fewer where the shorter part leaves under ``MINIMUM_PAIRS`` pairs, as the
        column says.
    share
        Of the weeks of the posts that the lag is found on.

    Returns
    -------
    DataFrame
        A CONFIRMATIONS table: model, question, option, lag_weeks, max_lag_weeks, r_found, n_found,
        r_confirmed, n_confirmed, p_confirmed, p_adjusted; NaN where a series does not vary within a part.

    Raises
    ------
    InputError
        As ``series.align_families`` says.
    TooFewWeeksError
        If a part has too few weeks for any test.
    """
    tables = [
        _confirm(family, max_lag_weeks, share) for family in align_families(posts, survey, max_lag_weeks)
    ]
    return pd.concat(tables, ignore_index=True)[list(CONFIRMATIONS.columns)]


def _confirm(family: Family, max_lag_weeks: int, share: float) -> pd.DataFrame:
    written = np.flatnonzero(~np.isnan(family.posts).all(axis=0))
    cut = written[0] + round(share * (written[-1] + 1 - written[0]))
    shorter = min(int((written < cut).sum()), int((written >= cut).sum()))
    if shorter < MINIMUM_PAIRS + 1:
        raise TooFewWeeksError(
            f"'{family.model}', question '{family.question}': {shorter} weeks are too few to confirm a lag",
            f"Each part needs at least {MINIMUM_PAIRS + 1} weeks with posts.",
        )
    reach = min(max_lag_weeks, shorter - MINIMUM_PAIRS)
    r_found, n_found = _correlate_part(family, slice(None, cut), reach)
    r_rest, n_rest = _correlate_part(family, slice(cut, None), reach)
    rows = []
    for option, found, found_n, rest, rest_n in zip(
        family.options, r_found, n_found, r_rest, n_rest, strict=True
    ):
        lag = best_lag(found, found_n, reach)
        here = lag + reach
        two_sided = float(p_value(rest[here], rest_n[here]))
        rows.append(
            {
                "option": option,
                "lag_weeks": lag,
                "r_found": found[here],
                "n_found": int(found_n[here]),
                "r_confirmed": rest[here],
                "n_confirmed": int(rest_n[here]),
                "p_confirmed": np.nan
                if np.isnan(found[here])
                else one_sided(two_sided, rest[here] * found[here] > 0),
            }
        )
    table = pd.DataFrame(rows).assign(model=family.model, question=family.question, max_lag_weeks=reach)
    return table.assign(p_adjusted=adjust_p(table["p_confirmed"].to_numpy(float)))


def one_sided(p: float, same_direction: bool) -> float:
    """Return the p of a test in the direction set beforehand from that of a two-sided one."""
    return p / 2 if same_direction else 1 - p / 2


def _correlate_part(family: Family, weeks: slice, reach: int) -> tuple[Floats, Floats]:
    posts, survey = whiten(np.stack([family.posts[:, weeks], family.survey[:, weeks]]))
    return correlate_innovations(posts, survey, reach)
