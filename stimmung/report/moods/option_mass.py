"""How much of a model's probability the options have in each wording, and how the series of each goes with the survey."""

import pandas as pd

from stimmung.evaluation.series.affect import BASE
from stimmung.evaluation.series.correlation import correlate_lags
from stimmung.evaluation.series.weekly_series import in_order_asked
from stimmung.report.panel_results import PanelData, PanelResult, PanelTables
from stimmung.report.style import method_label
from stimmung.report.tables import DASH, Cell, Group, Table, number
from stimmung.vocabulary.moods_schemas import WORDING_MASS
from stimmung.vocabulary.parquet_tables import typed_table

_BY = ["model", "question", "variant", "option"]


def measure(panel: PanelData) -> pd.DataFrame:
    """Return the WORDING_MASS table; no rows where no language model was asked."""
    known = (
        panel.known if panel.mixed or panel.survey.empty else panel.survey.rename(columns={"share": "value"})
    )
    truth = known.set_index(["question", "option", "week"])["value"]
    rows = []
    untuned = panel.wordings[panel.wordings["week"] == ""].set_index(_BY)["option_mass"]
    for key, part in panel.wordings[panel.wordings["week"] != ""].groupby(_BY, sort=False):
        model, question, variant, option = key
        mass = part["option_mass"]
        beside = truth.reindex(pd.MultiIndex.from_product([[question], [option], part["week"]]))
        r, n = correlate_lags(part["value"].to_numpy(float), beside.to_numpy(float), 0)
        rows.append(
            {
                **dict(zip(_BY, key, strict=True)),
                "weight": part["weight"].iloc[0],
                "mass_base": untuned.get((f"{str(model).split('/')[0]}/{BASE}", question, variant, option)),
                "mass": mass.mean(),
                "mass_min": mass.min(),
                "mass_max": mass.max(),
                "r": r[0],
                "n": int(n[0]),
            }
        )
    return in_order_asked(typed_table(rows, WORDING_MASS), panel.questions)


def mass_table(tables: PanelTables) -> Table:
    """Return a row for each wording, grouped by question and model."""
    groups = []
    for (question, model), part in tables["wording_mass"].groupby(["question", "model"], sort=False):
        rows = [_wording(str(variant), of) for variant, of in part.groupby("variant", sort=False)]
        groups.append(Group(f"{question}: {method_label(str(model))}", rows))
    caption = (
        "Probability that any of the options follows the question in a wording: before tuning, and of the tuned models on "
        "average, with the lowest and highest week. Where it is small, the model would say something else, and what it says "
        "about the options is a small part of it. Weight: of the wording in the series. Last: at lag 0, the median correlation "
        "of the wording's own raw series with the survey, or the known mood, and how many options have one above 0."
    )
    columns = ["Wording", "mass, untuned", "mass, tuned", "weight", "median r"]
    return Table(caption, columns, groups)


def _wording(variant: str, part: pd.DataFrame) -> list[Cell]:
    first, r = part.iloc[0], part["r"].dropna()
    span = f"[{small_number(first['mass_min'])}, {small_number(first['mass_max'])}]"
    goes = (
        Cell(number(r.median(), 2), note=f"{(r > 0).sum()} of {len(r)}, n {part['n'].max()}")
        if len(r)
        else Cell(DASH)
    )
    return [
        Cell(variant),
        Cell(small_number(first["mass_base"])),
        Cell(small_number(first["mass"]), span),
        Cell(number(first["weight"], 2)),
        goes,
    ]


def small_number(value: float) -> str:
    """Return a share with two digits that count, however small: 0.43, 0.00012, 3e−07; a dash for NaN."""
    return DASH if pd.isna(value) else f"{value:.2g}".replace("-", "−")


RESULT = PanelResult(schema=WORDING_MASS, compute=measure, table=mass_table, title="Option mass by wording")
