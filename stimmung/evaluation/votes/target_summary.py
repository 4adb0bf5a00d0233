"""All targets of a survey side by side: how well each method predicts each, and how well the best baseline does."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from stimmung.evaluation.votes.comparisons import best_baseline
from stimmung.vocabulary.parquet_tables import typed_table
from stimmung.vocabulary.votes_schemas import TARGETS

SUMMARISED = ("accuracy", "macro_f1", "correlation", "mean_absolute_error")


def summarize_targets(metrics: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return a TARGETS table from each target's METRICS table: a row for each target, condition and method.

    A value is the mean over folds. ``{metric}_baseline`` is the baseline with the best value of that metric for the same target and
    condition, and ``{metric}_of_baseline`` its value; both are empty if no baseline has one. A target whose options stand in no order
    has no ``correlation`` and no ``mean_absolute_error``.
    """
    rows: list[dict[str, Any]] = []
    for target, table in metrics.items():
        chosen = table[table["metric"].isin(SUMMARISED)]
        for condition, part in chosen.groupby("condition", sort=False):
            best = {metric: _best(part[part["metric"] == metric], metric) for metric in SUMMARISED}
            for method, own in part.groupby("method", sort=False):
                row: dict[str, Any] = {"target": target, "condition": condition, "method": method}
                row["n_respondents"] = own["n_respondents"].max()
                row |= dict(zip(own["metric"], own["value"], strict=True))
                for metric, (baseline, value) in best.items():
                    row |= {f"{metric}_baseline": baseline, f"{metric}_of_baseline": value}
                rows.append(row)
    return typed_table(rows, TARGETS)


def _best(of_metric: pd.DataFrame, metric: str) -> tuple[str | None, float]:
    name = best_baseline(of_metric, metric)
    if name is None:
        return None, float("nan")
    return name, float(of_metric.set_index("method")["value"][name])
