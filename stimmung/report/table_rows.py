"""The rows of tables that set methods, weekly series or answer options side by side."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from stimmung.report.style import language_models_first, method_label
from stimmung.report.tables import DASH, Cell, Group, Row, Table, estimate


def rows_of(
    frame: pd.DataFrame, by: str, key: str, columns: Sequence[Any], cell: Callable[[Row], Cell]
) -> list[list[Cell]]:
    """Return a row for each value of ``by``, baselines last, with a cell for each of ``columns``, which are values of ``key``."""
    rows = []
    for name in language_models_first(frame[by].unique()):
        own = {row[key]: row for _, row in frame[frame[by] == name].iterrows()}
        cells = [cell(own[one]) if one in own else Cell(DASH) for one in columns]
        rows.append([Cell(method_label(name)), *cells])
    return rows


def table_by_method(
    frame: pd.DataFrame,
    key: str,
    columns: Mapping[str, str],
    caption: str,
    by: str = "condition",
    cell: Callable[[Row], Cell] = estimate,
) -> Table:
    """Return a table with a row for each method, in a group for each value of ``by``.

    ``columns`` are the values of ``key`` that are shown, and their headings.
    """
    groups = [
        Group(str(heading), rows_of(part, "method", key, list(columns), cell))
        for heading, part in frame.groupby(by, sort=False)
    ]
    return Table(caption, ["Method", *columns.values()], groups)


def models_in_order(frame: pd.DataFrame) -> list[str]:
    """Return the series of a table, language models first."""
    return language_models_first(sorted(frame["model"].unique()))
