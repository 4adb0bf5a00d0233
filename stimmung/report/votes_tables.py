"""The tables of one survey, for readers."""

from dataclasses import replace
from typing import Any

import pandas as pd

from stimmung.report.style import is_baseline, method_label
from stimmung.report.tables import Cell, Group, Table, estimate, interval, number, p_value

METRIC_LABELS = {
    "accuracy": "Accuracy ↑",
    "balanced_accuracy": "Balanced accuracy ↑",
    "macro_f1": "Macro F1 ↑",
    "log_loss": "Log-loss ↓",
    "brier": "Brier ↓",
    "expected_calibration_error": "ECE ↓",
    "total_variation": "Total variation ↓",
    "jensen_shannon": "Jensen-Shannon ↓",
    "option_mass": "Option mass ↑",
    "unseen": "Not all shown ↓",
}
INTERVAL = (
    "In brackets the 95 % interval over folds, corrected for shared training rows (Nadeau and Bengio 2003)."
)


def metrics_table(metrics: pd.DataFrame, simulated: bool = False) -> Table:
    """Return all metrics that are not about one option: a row for each method, grouped by condition."""
    # Only servers leave options out, so the column stands only where one did.
    labels = {name: label for name, label in METRIC_LABELS.items() if name != "unseen" or _left_some(metrics)}
    wanted = metrics[metrics["metric"].isin(labels)]
    caption = (
        "Predictions of held-out respondents, mean over folds; ↑ higher is better, ↓ lower is. ECE: expected calibration "
        "error. Total variation and Jensen-Shannon: distances, 0 to 1, of the predicted shares from the observed ones. Option "
        f"mass: the probability on any valid option. {INTERVAL}"
    )
    return _wide(wanted, "metric", labels, caption, simulated)


def f1_table(metrics: pd.DataFrame, simulated: bool = False) -> Table:
    """Return macro F1 and the F1 of each option: a row for each method, grouped by condition."""
    wanted = metrics[metrics["metric"].isin(("macro_f1", "f1"))].fillna({"option": "Macro F1"})
    names = ["Macro F1", *(name for name in wanted["option"].unique() if name != "Macro F1")]
    caption = f"F1 by answer option, mean over folds. {INTERVAL}"
    return _wide(wanted, "option", dict(zip(names, names, strict=True)), caption, simulated)


def shares_table(shares: pd.DataFrame, simulated: bool = False) -> Table:
    """Return observed and predicted shares in per cent: a row for each method, grouped by condition."""
    options = list(shares["option"].unique())
    percent = shares.copy()
    columns = ["predicted", "predicted_low", "predicted_high", "observed", "observed_low", "observed_high"]
    percent[columns] *= 100
    groups = []
    for condition, part in percent.groupby("condition", sort=False):
        first = part[part["method"] == part["method"].iloc[0]].set_index("option")
        rows = [[Cell("observed"), *(_share(first.loc[name], "observed") for name in options), Cell("–")]]
        for method in _in_order(part):
            own = part[part["method"] == method].set_index("option")
            distance = (own["predicted"] - own["observed"]).abs().sum() / 2
            cells = [_share(own.loc[name], "predicted") for name in options]
            rows.append([Cell(method_label(method)), *cells, Cell(number(distance, 1))])
        groups.append(Group(str(condition), rows))
    caption = (
        "Shares of the answer options in per cent: observed, weighted, with Wilson's 95 % interval for the "
        "effective sample size; predicted, the weighted mean probability, with the 95 % interval over "
        "folds. Total variation: half the sum of the absolute differences, of all respondents together."
    )
    return Table(caption, ["Method", *options, "Total variation"], groups, simulated=simulated)


def comparisons_table(comparisons: pd.DataFrame, simulated: bool = False) -> Table:
    """Return each language model minus the best baseline: a row for each, grouped by condition."""
    metrics = list(comparisons["metric"].unique())
    groups = []
    for condition, part in comparisons.groupby("condition", sort=False):
        rows = []
        for method in part["method"].unique():
            own = {row["metric"]: row for _, row in part[part["method"] == method].iterrows()}
            rows.append([Cell(method_label(method)), *(_difference(own[metric]) for metric in metrics)])
        groups.append(Group(str(condition), rows))
    caption = (
        "Each language model minus the baseline that is best by the metric on the same folds. Positive "
        "differences favour the language model where higher is better (↑), negative ones where lower is "
        f"(↓). {INTERVAL} p from the corrected resampled t-test, adjusted by Holm's method over all models "
        "and conditions within a metric."
    )
    return Table(caption, ["Method", *(METRIC_LABELS[name] for name in metrics)], groups, simulated=simulated)


def left_out_table(changes: pd.DataFrame, simulated: bool = False) -> Table:
    """Return what leaving out a group of respondents changes: a row for each method.

    Grouped by condition, and within it first the changes of F1, then those of the predicted shares.
    """
    options = [name for name in changes["option"].unique() if name]
    groups = []
    for (condition, reference), part in changes.groupby(["condition", "reference"], sort=False):
        for title, wanted in (("F1", ("macro_f1", "f1")), ("predicted share, points", ("predicted_share",))):
            rows = []
            for method in _in_order(part):
                own = part[(part["method"] == method) & part["metric"].isin(wanted)]
                mine = {row["option"]: row for _, row in own.iterrows()}
                cells = [_change(mine[name]) if name in mine else Cell("–") for name in ("", *options)]
                rows.append([Cell(method_label(method)), *cells])
            groups.append(Group(f"{condition} − {reference}: {title}", rows))
    caption = (
        "Change of F1, and of predicted shares in percentage points, when a group is left out of the "
        f"training rows. {INTERVAL}"
    )
    return Table(caption, ["Method", "Macro F1", *options], groups, simulated=simulated)


def _wide(frame: pd.DataFrame, key: str, labels: dict[str, str], caption: str, simulated: bool) -> Table:
    groups = []
    for condition, part in frame.groupby("condition", sort=False):
        rows = []
        for method in _in_order(part):
            own = {row[key]: row for _, row in part[part["method"] == method].iterrows()}
            cells = [estimate(own[name]) if name in own else Cell("–") for name in labels]
            rows.append([Cell(method_label(method)), *cells])
        groups.append(Group(str(condition), rows))
    return Table(caption, ["Method", *labels.values()], groups, simulated=simulated)


def _left_some(metrics: pd.DataFrame) -> bool:
    return bool((metrics.loc[metrics["metric"] == "unseen", "value"] > 0).any())


def _difference(row: "pd.Series[Any]") -> Cell:
    cell = estimate(row, "difference")
    return replace(cell, note=f"{method_label(row['baseline'])}, p {p_value(row['p_adjusted'])}")


def _change(row: "pd.Series[Any]") -> Cell:
    if row["metric"] != "predicted_share":
        return estimate(row, "difference")
    low, high = 100 * row["ci_low"], 100 * row["ci_high"]
    return Cell(number(100 * row["difference"], 1), interval(low, high, 1))


def _share(row: "pd.Series[float]", kind: str) -> Cell:
    return Cell(number(row[kind], 1), interval(row[f"{kind}_low"], row[f"{kind}_high"], 1))


def _in_order(frame: pd.DataFrame) -> list[str]:
    """Return the methods of a table, language models first."""
    return sorted(frame["method"].unique(), key=is_baseline)
