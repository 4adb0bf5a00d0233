"""Whether a language model beats the best baseline, and what a condition changes, fold by fold."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from stimmung.evaluation.votes.fold_summary import paired_difference
from stimmung.evaluation.votes.vote_metrics import VOTE_METRICS
from stimmung.vocabulary.parquet_tables import BASELINE_PREFIX, typed_table
from stimmung.vocabulary.votes_schemas import COMPARISONS


def compare_with_best_baseline(folds: pd.DataFrame) -> pd.DataFrame:
    """Return the COMPARISONS table of a FOLD_METRICS table: each arm minus the best baseline, by condition and metric.

    The best baseline is the one with the best mean over folds in that very metric and condition, so an arm always meets the
    strongest opponent (of equals, the first). Because it is picked on the folds on which it is then compared, its value is a
    little too good: the claim that an arm is better is conservative, the claim that it is worse is not.

    The test is the corrected resampled t-test (Nadeau and Bengio 2003) on the differences of the folds. ``p_adjusted`` is
    Holm's (1979), over all arms and conditions of the table within one metric. The metrics are views of the same predictions
    and are not adjusted for one another. Conditions without a baseline, or without an arm, have no rows.
    """
    compared = folds[folds["metric"].isin([name for name, one in VOTE_METRICS.items() if one.compared])]
    rows = []
    for (condition, metric), part in compared.groupby(["condition", "metric"], sort=False):
        baseline = best_baseline(part, str(metric))
        if baseline is None:
            continue
        opponent = part[part["method"] == baseline]
        for method, arm in part[~_is_baseline(part)].groupby("method", sort=False):
            summary = paired_difference(arm, opponent)
            row = {"method": method, "condition": condition, "baseline": baseline, "metric": metric}
            difference = _cut(summary.estimate("difference"), str(metric))
            rows.append({**row, **difference, "p": summary.p, "n_folds": summary.n_folds})
    return adjust_within_metric(typed_table(rows, COMPARISONS), "p")


def adjust_within_metric(table: pd.DataFrame, p: str) -> pd.DataFrame:
    """Add the column ``{p}_adjusted``: Holm's (1979) p-values, over all rows of a metric that have a value in column ``p``."""
    adjusted = pd.Series(np.nan, index=table.index)
    for _, values in table[p].dropna().groupby(table["metric"]):
        adjusted[values.index] = multipletests(values, method="holm")[1]
    return table.assign(**{f"{p}_adjusted": adjusted})


def best_baseline(folds: pd.DataFrame, metric: str) -> str | None:
    """Return the baseline with the best mean over ``folds``, rows of one condition and metric; None if no baseline has one."""
    means = folds[_is_baseline(folds)].groupby("method", sort=False)["value"].mean().dropna()
    if means.empty:
        return None
    return str(means.idxmax() if VOTE_METRICS[metric].higher_is_better else means.idxmin())


def compare_conditions(folds: pd.DataFrame, pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Return what conditions do to each method of a FOLD_METRICS table: F1 and predicted share minus the reference's.

    Columns: method, condition, reference, metric (macro_f1, f1, predicted_share), option ('' for macro_f1), difference, ci_low,
    ci_high. ``pairs`` are conditions and their references, e.g. [('no-democrats', 'full')]; methods that did not run under both
    are left out. The intervals are those of ``corrected_resampled_t``, for the smaller of the two training sets.
    """
    columns = ["method", "condition", "reference", "metric", "option", "difference", "ci_low", "ci_high"]
    wanted = folds[folds["metric"].isin(("macro_f1", "f1", "predicted_share"))].fillna({"option": ""})
    return pd.DataFrame([row for pair in pairs for row in changes_of(wanted, *pair)], columns=columns)


def changes_of(folds: pd.DataFrame, condition: str, reference: str) -> list[dict[str, Any]]:
    """Return the change of each method, metric and option: one row each, with its mean ``before`` and ``after``."""
    keys = ["method", "metric", "option"]
    before = dict(list(folds[folds["condition"] == reference].groupby(keys, sort=False)))
    rows = []
    for key, after in folds[folds["condition"] == condition].groupby(keys, sort=False):
        if key in before:
            change = paired_difference(after, before[key])
            about = dict(zip(keys, key, strict=True)) | {"condition": condition, "reference": reference}
            means = {"before": float(before[key]["value"].mean()), "after": float(after["value"].mean())}
            difference = _cut(change.estimate("difference"), str(key[1]))
            rows.append({**about, **means, **difference, "p": change.p})
    return rows


def _cut(difference: dict[str, Any], metric: str) -> dict[str, Any]:
    """Return a difference with its interval cut at what two values of the metric, or two shares, can differ by."""
    low, high = VOTE_METRICS[metric].range if metric in VOTE_METRICS else (0.0, 1.0)
    ends = {end: float(np.clip(difference[end], low - high, high - low)) for end in ("ci_low", "ci_high")}
    return {**difference, **ends}


def _is_baseline(folds: pd.DataFrame) -> "pd.Series[bool]":
    return folds["method"].str.startswith(BASELINE_PREFIX)
