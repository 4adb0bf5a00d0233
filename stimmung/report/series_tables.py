"""Tables with a row for each answer option and a column for each weekly series."""

from collections.abc import Callable, Sequence

import pandas as pd

from stimmung.report.style import is_baseline
from stimmung.report.tables import Cell, Row, row_of


def models_in_order(frame: pd.DataFrame) -> list[str]:
    """Return the series of a table, language models first."""
    return sorted(frame["model"].unique(), key=lambda model: (is_baseline(model), model))


def side_by_side(part: pd.DataFrame, models: Sequence[str], cell: Callable[[Row], Cell]) -> list[list[Cell]]:
    """Return a row for each option of a table, with a cell for each series."""
    rows = []
    for option, own in part.groupby("option", sort=False):
        by_model = {row["model"]: row for _, row in own.iterrows()}
        rows.append(row_of(str(option), models, by_model, cell))
    return rows
