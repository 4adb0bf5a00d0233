"""Systematic non-response, EQ2a: what becomes of the answer option whose voters are absent from the training rows."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from stimmung.evaluation.votes.comparisons import adjust_within_metric, best_baseline
from stimmung.evaluation.votes.fold_summary import paired_difference
from stimmung.vocabulary.parquet_tables import BASELINE_PREFIX, typed_table
from stimmung.vocabulary.votes_schemas import ABSENT, NO_FOLD


def absent_option(predictions: pd.DataFrame, splits: pd.DataFrame, condition: str, reference: str) -> str:
    """Return the option that loses the largest part of the training rows under a condition.

    The rows that leave are chosen by an item, such as party identification; which option their votes were for is seen
    from the votes.

    Parameters
    ----------
    predictions
        A PREDICTIONS table, for the respondents' answers.
    splits
        The SPLITS tables of both conditions.
    condition, reference
        Who is learned from, and who was before.
    """
    target = predictions.drop_duplicates("respondent_id").set_index("respondent_id")["target"]
    shares = []
    for name in (reference, condition):
        part = splits[(splits["condition"] == name) & splits["in_training"] & (splits["fold"] != NO_FOLD)]
        shares.append(target[part["respondent_id"]].value_counts(normalize=True))
    lost = shares[0].sub(shares[1], fill_value=0.0).sort_index()
    return str(lost.idxmax())


def compare_absent(
    predictions: pd.DataFrame,
    splits: pd.DataFrame,
    folds: pd.DataFrame,
    pairs: Sequence[tuple[str, str]],
) -> pd.DataFrame:
    """Return an ABSENT table: F1 and predicted share of the absent option before and after its voters left.

    ``difference`` is after minus before, of one method. ``advantage`` is an arm's value after, minus that of the
    baseline that has the best F1 for the option after: how much better the arm copes, not how much it lost; NaN for
    baselines. Both are tested by the corrected resampled t-test, and adjusted by Holm's method over all methods and
    conditions within a metric.

    Parameters
    ----------
    predictions, splits
        Tables of these names.
    folds
        The FOLD_METRICS table of the predictions.
    pairs
        Conditions and their references, e.g. [('no-democrats', 'full')].
    """
    rows: list[dict[str, Any]] = []
    ran = set(folds["condition"])
    for condition, reference in pairs:
        if not {condition, reference} <= ran:
            continue
        option = absent_option(predictions, splits, condition, reference)
        of_option = folds[folds["option"] == option]
        after = of_option[of_option["condition"] == condition]
        before = of_option[of_option["condition"] == reference]
        baseline = best_baseline(after[after["metric"] == "f1"], "f1")
        for metric in ("f1", "predicted_share"):
            now = dict(list(after[after["metric"] == metric].groupby("method", sort=False)))
            then = dict(list(before[before["metric"] == metric].groupby("method", sort=False)))
            for method, part in now.items():
                if method not in then:
                    continue
                change = paired_difference(part, then[method])
                row = {
                    "condition": condition,
                    "reference": reference,
                    "option": option,
                    "method": method,
                    "metric": metric,
                    "before": float(then[method]["value"].mean()),
                    "after": float(part["value"].mean()),
                    "difference": change.mean,
                    "ci_low": change.ci_low,
                    "ci_high": change.ci_high,
                    "p": change.p,
                    "baseline": "",
                }
                if metric == "f1" and baseline is not None and not str(method).startswith(BASELINE_PREFIX):
                    lead = paired_difference(part, now[baseline])
                    row |= {
                        "baseline": baseline,
                        "advantage": lead.mean,
                        "advantage_low": lead.ci_low,
                        "advantage_high": lead.ci_high,
                        "advantage_p": lead.p,
                    }
                rows.append(row)
    return adjust_within_metric(adjust_within_metric(typed_table(rows, ABSENT), "p"), "advantage_p")
