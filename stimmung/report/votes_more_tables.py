"""Tables of one survey that answer one question each: who is absent, what a model is worth, how subgroups fare."""

from typing import Any

import numpy as np
import pandas as pd

from stimmung.report.conditions import Conditions, reference_conditions
from stimmung.report.style import is_baseline, method_label
from stimmung.report.tables import Cell, Group, Table, estimate, interval, number, p_value
from stimmung.report.votes_tables import INTERVAL, METRIC_LABELS


def absent_table(absent: pd.DataFrame, simulated: bool = False) -> Table:
    """Return what becomes of the option whose voters are absent from training: a row for each method."""
    groups = []
    for (condition, option), part in absent.groupby(["condition", "option"], sort=False):
        rows = []
        for method in sorted(part["method"].unique(), key=is_baseline):
            own = {row["metric"]: row for _, row in part[part["method"] == method].iterrows()}
            f1, share = own["f1"], own["predicted_share"]
            change = estimate(f1, "difference")
            rows.append(
                [
                    Cell(method_label(method)),
                    Cell(number(f1["before"])),
                    Cell(number(f1["after"])),
                    Cell(change.text, change.interval, _p(f1["p_adjusted"])),
                    _advantage(f1),
                    Cell(number(100 * share["before"], 1)),
                    Cell(number(100 * share["after"], 1)),
                    Cell(
                        number(100 * share["difference"], 1),
                        interval(100 * share["ci_low"], 100 * share["ci_high"], 1),
                        _p(share["p_adjusted"]),
                    ),
                ]
            )
        groups.append(Group(f"{condition}: {option}", rows))
    caption = (
        "The answer option whose voters are absent from the training rows: its F1 and its predicted share in per cent with "
        "all training rows, without them, and the change; and the F1 without them minus that of the baseline that copes "
        f"best. {INTERVAL} p from the corrected resampled t-test, adjusted by Holm's method over methods and conditions."
    )
    columns = ["Method", "F1, all", "F1, absent", "Change", "Against the best baseline"]
    columns += ["Share, all", "Share, absent", "Change, points"]
    return Table(caption, columns, groups, simulated=simulated)


def effective_table(effective: pd.DataFrame, simulated: bool = False) -> Table:
    """Return how many respondents the best baseline needs to equal a tuned model: a row for each share."""
    groups = []
    for (method, metric), part in effective.groupby(["method", "metric"], sort=False):
        rows = []
        for _, row in part.sort_values("n_training").iterrows():
            whole = f"[{_count(row, 'ci_low')}, {_count(row, 'ci_high')}]"
            inside = row["n_effective"] > 0 and np.isfinite(row["n_effective"])
            times = number(row["n_effective"] / row["n_training"], 1) if inside else "–"
            rows.append(
                [
                    Cell(str(row["condition"])),
                    Cell(f"{row['n_training']:.0f}"),
                    Cell(_count(row, "n_effective"), whole),
                    Cell(times),
                ]
            )
        label = METRIC_LABELS[str(metric)].rstrip("\u00a0↑↓")
        groups.append(Group(f"{method_label(str(method))}, {label}", rows))
    caption = (
        "Effective respondents, after the effective data transferred of Hernandez et al. (2021): how many training "
        "respondents the best baseline of each share needs to equal the language model, read off its learning curve. "
        "A > stands for more than all there are, a < for fewer than the smallest share has; how many times as many is then "
        "not known. In brackets the 95 % percentile interval of a bootstrap of folds, and of respondents within them."
    )
    return Table(
        caption, ["Condition", "Learned from", "Worth", "Times as many"], groups, simulated=simulated
    )


def subgroups_table(conditions: Conditions, subgroups: pd.DataFrame, simulated: bool = False) -> Table:
    """Return macro F1, the F1 of each option and accuracy of each subgroup, under the conditions with all rows."""
    shown = subgroups[
        subgroups["condition"].isin(reference_conditions(conditions))
        & subgroups["metric"].isin(("macro_f1", "f1", "accuracy"))
    ]
    # One condition after the other, so that its subgroups stand together.
    shown = shown.sort_values("condition", key=lambda names: names.map(list(conditions).index), kind="stable")
    named = shown.assign(column=shown["option"].where(shown["metric"] == "f1", shown["metric"]))
    labels = {"macro_f1": "Macro F1", "accuracy": "Accuracy"}
    options = [name for name in named["column"].unique() if name not in labels]
    columns = {**labels, **{option: option for option in options}}
    groups = []
    for (condition, subgroup), part in named.groupby(["condition", "subgroup"], sort=False):
        rows = []
        for method in sorted(part["method"].unique(), key=is_baseline):
            own = {row["column"]: row for _, row in part[part["method"] == method].iterrows()}
            cells = [estimate(own[name]) if name in own else Cell("–") for name in columns]
            rows.append([Cell(method_label(method)), *cells])
        n = int(part["n_respondents"].max())
        groups.append(Group(f"{condition}, {subgroup} ({n} respondents)", rows))
    caption = (
        f"F1 by answer option and accuracy of subgroups of the test respondents, mean over folds. {INTERVAL}"
    )
    return Table(caption, ["Method", *columns.values()], groups, simulated=simulated)


def _p(value: float) -> str:
    return "" if np.isnan(value) else f"p {p_value(value)}"


def _advantage(row: "pd.Series[Any]") -> Cell:
    if not row["baseline"]:
        return Cell("–")
    low, high = row["advantage_low"], row["advantage_high"]
    note = f"{method_label(row['baseline'])}, {_p(row['advantage_p_adjusted'])}".rstrip(", ")
    return Cell(number(row["advantage"]), interval(low, high), note)


def _count(row: "pd.Series[Any]", name: str) -> str:
    if np.isinf(row[name]):
        return f"> {row['n_largest']:.0f}"
    return f"< {row['n_smallest']:.0f}" if row[name] == 0 else f"{row[name]:.0f}"
