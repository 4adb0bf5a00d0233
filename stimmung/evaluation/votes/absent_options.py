"""Systematic non-response: what becomes of the answer option whose voters are absent from the training rows."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from stimmung.evaluation.votes.comparisons import adjust_within_metric, best_baseline, changes_of
from stimmung.evaluation.votes.fold_summary import paired_difference
from stimmung.vocabulary.parquet_tables import BASELINE_PREFIX, typed_table
from stimmung.vocabulary.votes_schemas import ABSENT, NO_FOLD


def absent_option(predictions: pd.DataFrame, splits: pd.DataFrame, condition: str, reference: str) -> str:
    """Return the option whose share of the training rows falls most from ``reference`` to ``condition``.

    Respondents are excluded by an item, such as party identification; for which option they voted is seen from their answers in
    ``predictions``, a PREDICTIONS table. ``splits`` are the SPLITS tables of both conditions.
    """
    target = predictions.drop_duplicates("respondent_id").set_index("respondent_id")["target"]
    shares = []
    for name in (reference, condition):
        part = splits[(splits["condition"] == name) & splits["in_training"] & (splits["fold"] != NO_FOLD)]
        shares.append(target[part["respondent_id"]].value_counts(normalize=True))
    lost = shares[0].sub(shares[1], fill_value=0.0).sort_index()
    return str(lost.idxmax())


def compare_absent(
    predictions: pd.DataFrame, splits: pd.DataFrame, folds: pd.DataFrame, pairs: Sequence[tuple[str, str]]
) -> pd.DataFrame:
    """Return an ABSENT table: F1 and predicted share of the absent option before and after its voters left.

    ``difference`` is after minus before, of one method. ``advantage`` is an arm's F1 after, minus that of the baseline that
    then has the best F1 for the option: how much better the arm copes, not how much it lost; NaN for baselines. Both are
    tested by the corrected resampled t-test, and adjusted by Holm's method over all methods and conditions within a metric.

    ``folds`` is the FOLD_METRICS table of the predictions. ``pairs`` are conditions and their references, e.g.
    [('no-democrats', 'full')]; those that did not run are left out.
    """
    rows: list[dict[str, Any]] = []
    ran = set(folds["condition"])
    for condition, reference in pairs:
        if not {condition, reference} <= ran:
            continue
        option = absent_option(predictions, splits, condition, reference)
        of_option = folds[folds["option"] == option]
        after = of_option[(of_option["condition"] == condition) & (of_option["metric"] == "f1")]
        baseline = best_baseline(after, "f1")
        f1 = dict(list(after.groupby("method", sort=False)))
        for metric in ("f1", "predicted_share"):
            for row in changes_of(of_option[of_option["metric"] == metric], condition, reference):
                is_arm = not str(row["method"]).startswith(BASELINE_PREFIX)
                rows.append({**row, "baseline": ""})
                if metric == "f1" and baseline is not None and is_arm:
                    lead = paired_difference(f1[row["method"]], f1[baseline])
                    ends = {"advantage_low": lead.ci_low, "advantage_high": lead.ci_high}
                    rows[-1] |= {"baseline": baseline, "advantage": lead.mean, **ends, "advantage_p": lead.p}
    return adjust_within_metric(adjust_within_metric(typed_table(rows, ABSENT), "p"), "advantage_p")
