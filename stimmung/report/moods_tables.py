"""The tables of one panel, for readers."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from stimmung.report.style import is_baseline, method_label
from stimmung.report.tables import Cell, Group, Table, interval, number, p_value

Row: TypeAlias = "pd.Series[Any]"
CHANGES = "changes from week to week"


def correlations_table(ccf: pd.DataFrame, rolling_weeks: int, constructed: str | None = None) -> Table:
    """Return correlations at lag 0: a row for each option, a column for each series.

    Four groups for each question: as published, of the raw series, of innovations, and of changes from week to week.

    Parameters
    ----------
    ccf
        A CCF table.
    rolling_weeks
        Of the published smoothing.
    constructed
        'simulated', 'constructed', or nothing.
    """
    here = ccf[ccf["lag_weeks"] == 0]
    models = in_order(here)
    groups = []
    for question, part in here.groupby("question", sort=False):
        rows = {(row["model"], row["option"]): row for _, row in part.iterrows()}
        options = list(part["option"].unique())
        for title, cell in (
            (f"as published (means of {rolling_weeks} weeks)", _published),
            ("raw series", _raw),
            ("innovations", _innovations),
            (CHANGES, _changes),
        ):
            groups.append(Group(f"{question}: {title}", _side_by_side(rows, options, models, cell)))
    caption = (
        "Correlation of each weekly series with the survey at lag 0. As published: of smoothed series, with "
        "naive p, which takes them for independent weeks. Raw series: with the 95 % interval of the stationary "
        "bootstrap, and p for the effective number of weeks n. Innovations: of prewhitened series, with the 95 % "
        "interval by Fisher's transformation; p holds its level under autocorrelation; adj.: adjusted for the "
        "false discovery rate over all options and lags; fam.: against the best of all options and lags. Changes: of "
        "first differences, with p for their effective number, and the detrended coefficient of the raw series."
    )
    return _table(caption, ["Option", *map(method_label, models)], groups, constructed)


def confirmations_table(confirmations: pd.DataFrame, constructed: str | None = None) -> Table:
    """Return the lags found on the first half of the weeks and tested on the second: grouped by series."""
    groups = []
    for model in in_order(confirmations):
        for question, part in confirmations[confirmations["model"] == model].groupby("question", sort=False):
            rows = [
                [
                    Cell(str(row["option"])),
                    Cell(number(row["lag_weeks"], 0)),
                    Cell(number(row["r_found"], 2), note=f"n {row['n_found']}"),
                    Cell(number(row["r_confirmed"], 2), note=f"n {row['n_confirmed']}"),
                    Cell(p_value(row["p_confirmed"])),
                    Cell(p_value(row["p_adjusted"])),
                ]
                for _, row in part.iterrows()
            ]
            groups.append(Group(f"{question}: {method_label(model)}", rows))
    caption = (
        "The lag with the largest correlation of innovations on the first half of the weeks, and the correlation "
        "at that lag on the second half, which it was not picked on. p: one test, one-sided in the direction "
        "found; adjusted for the false discovery rate over options. A lag above 0: the posts lead the survey."
    )
    columns = ["Option", "Lag in weeks", "r, first half", "r, second half", "p", "adjusted p"]
    return _table(caption, columns, groups, constructed)


def recovery_table(recovery: pd.DataFrame, constructed: str | None = None) -> Table:
    """Return how well each series recovers the known mood: a row for each option, the mean first."""
    models = in_order(recovery)
    groups = []
    for question, part in recovery.groupby("question", sort=False):
        part = part.assign(option=part["option"].fillna("mean over options"))
        rows = {(row["model"], row["option"]): row for _, row in part.iterrows()}
        options = list(part["option"].unique())
        groups.append(Group(str(question), _side_by_side(rows, options, models, _recovered)))
    caption = (
        "Pearson's correlation of each raw weekly series with the known mood behind the posts, with the 95 % "
        "bootstrap interval over weeks, and Spearman's rank correlation ρ, also of the seed with the lowest. "
        "The mean weighs options alike."
    )
    return _table(caption, ["Option", *map(method_label, models)], groups, constructed)


def in_order(frame: pd.DataFrame) -> list[str]:
    """Return the series of a table, language models first."""
    return sorted(frame["model"].unique(), key=lambda model: (is_baseline(model), model))


def _side_by_side(
    rows: dict[tuple[str, str], Row],
    options: Sequence[str],
    models: Sequence[str],
    cell: Callable[[Row], Cell],
) -> list[list[Cell]]:
    return [
        [
            Cell(option),
            *(cell(rows[model, option]) if (model, option) in rows else Cell("–") for model in models),
        ]
        for option in options
    ]


def _published(row: Row) -> Cell:
    return _absent(row) or Cell(number(row["r"], 2), note=f"p {p_value(row['p'])}")


def _raw(row: Row) -> Cell:
    span = interval(row["ci_low_raw"], row["ci_high_raw"], 2)
    size = number(row["n_effective_raw"], 0)
    return _absent(row) or Cell(number(row["r_raw"], 2), span, f"n {size}, p {p_value(row['p_raw'])}")


def _innovations(row: Row) -> Cell:
    span = interval(row["ci_low_prewhitened"], row["ci_high_prewhitened"], 2)
    allowed = f"adj. {p_value(row['p_adjusted'])}, fam. {p_value(row['p_family'])}"
    note = f"p {p_value(row['p_prewhitened'])}, {allowed}"
    return _absent(row) or Cell(number(row["r_prewhitened"], 2), span, note)


def _changes(row: Row) -> Cell:
    note = f"p {p_value(row['p_differences'])}, detrended {number(row['r_detrended'], 2)}"
    return _absent(row) or Cell(number(row["r_differences"], 2), note=note)


def _recovered(row: Row) -> Cell:
    worst = "" if np.isnan(row["rho_worst_seed"]) else f", worst seed {number(row['rho_worst_seed'], 2)}"
    note = f"ρ {number(row['rho'], 2)}{worst}"
    return Cell(number(row["r"], 2), interval(row["ci_low"], row["ci_high"], 2), note)


def _absent(row: Row) -> Cell | None:
    return Cell("–", note=str(row["note"])) if row["note"] else None


def _table(caption: str, columns: list[str], groups: list[Group], constructed: str | None) -> Table:
    if constructed == "constructed":
        caption += " Constructed weeks: nobody wrote these posts in them."
    return Table(caption, columns, groups, simulated=constructed == "simulated")
