"""How many weeks each series has, and on how many of them it stands beside the others."""

import pandas as pd

from stimmung.evaluation.series.weekly_series import count_weeks, in_order_asked, weeks_in_common
from stimmung.report.panel_results import PanelData, PanelResult, PanelTables
from stimmung.report.style import method_label
from stimmung.report.table_rows import models_in_order
from stimmung.report.tables import Cell, Group, Table
from stimmung.vocabulary.moods_schemas import SERIES_WEEKS


def count(panel: PanelData) -> pd.DataFrame:
    """Return the SERIES_WEEKS table, in the order of the questionnaire."""
    table = count_weeks(panel.posts)
    return in_order_asked(table.assign(option=None), panel.questions)[list(SERIES_WEEKS.columns)]


def weeks_table(tables: PanelTables) -> Table:
    """Return the numbers of weeks: a row for each series, grouped by question."""
    counts, groups = tables["series_weeks"], []
    for question, part in counts.groupby("question", sort=False):
        of = part.set_index("model")
        rows = [
            [
                Cell(method_label(model)),
                Cell(str(of.loc[model, "n_own"])),
                Cell(str(of.loc[model, "n_compared"])),
            ]
            for model in models_in_order(part)
        ]
        groups.append(Group(str(question), rows))
    caption = (
        "Weeks of each series within the panel. Series that stand side by side are compared over the weeks that all of them "
        "have; one with less than half the weeks of the longest takes none from the others, and is compared over those that it has."
    )
    return Table(caption, ["Series", "Weeks", "compared"], groups)


RESULT = PanelResult(
    schema=SERIES_WEEKS,
    compute=count,
    table=weeks_table,
    title="Weeks compared",
    shown=lambda tables: bool(weeks_in_common(tables["series_weeks"])),
)
