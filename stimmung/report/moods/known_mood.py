"""How well each weekly series recovers the mood behind the posts, where it is known."""

import numpy as np
import pandas as pd

from stimmung.evaluation.series.recovery import measure_recovery
from stimmung.evaluation.series.weekly_series import in_order_asked
from stimmung.report.panel_results import PanelData, PanelResult, PanelTables
from stimmung.report.style import method_label
from stimmung.report.table_rows import models_in_order, rows_of
from stimmung.report.tables import DASH, Cell, Group, Row, Table, interval, number
from stimmung.vocabulary.moods_schemas import RECOVERY
from stimmung.vocabulary.parquet_tables import empty_table


def recover(panel: PanelData) -> pd.DataFrame:
    """Return the RECOVERY table; no rows where nobody knows the mood."""
    if panel.known.empty:
        return empty_table(RECOVERY)
    table = measure_recovery(
        panel.compared[panel.compared["question"].isin(panel.known["question"])],
        panel.known,
        seeds=panel.affect,
        serial=not panel.mixed,
    )
    return in_order_asked(table, panel.questions)


def recovery_table(tables: PanelTables) -> Table:
    """Return how well each series recovers the known mood: a row for each option, the mean first."""
    recovery = tables["recovery"]
    models = models_in_order(recovery)
    groups = []
    for question, part in recovery.groupby("question", sort=False):
        part = part.assign(option=part["option"].fillna("mean over options"))
        groups.append(Group(str(question), rows_of(part, "option", "model", models, _recovered)))
    caption = (
        "Pearson's correlation of each raw weekly series with the known mood behind the posts, with its 95 % interval, "
        "and Spearman's rank correlation ρ, also of the seed with the lowest; n: weeks. "
        "The mean weights options equally; the ends of its interval are the means of theirs. A constant series counts 0."
    )
    return Table(caption, ["Option", *map(method_label, models)], groups)


def rank_correlation(row: Row) -> str:
    """Return the rank correlation of the mean over seeds, and of the seed with the lowest if there are several."""
    worst = "" if np.isnan(row["rho_worst_seed"]) else f", worst seed {number(row['rho_worst_seed'], 2)}"
    return f"ρ {number(row['rho'], 2)}{worst}"


def _recovered(row: Row) -> Cell:
    if np.isnan(row["r"]):
        return Cell(DASH, note=f"{row['n']} weeks are too few")
    span = interval(row["ci_low"], row["ci_high"], 2)
    if not span and row["r"] == 0:
        return Cell(number(row["r"], 2), note="constant series")
    return Cell(number(row["r"], 2), span, f"{rank_correlation(row)}, n {row['n']}")


RESULT = PanelResult(schema=RECOVERY, compute=recover, table=recovery_table, title="The known mood")
