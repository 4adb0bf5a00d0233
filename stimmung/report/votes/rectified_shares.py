"""Estimates from the answers of some respondents and the predictions of all, beside those from answers alone."""

from stimmung.report.style import language_models_first, method_label
from stimmung.report.survey_results import SurveyResult, SurveyTables
from stimmung.report.tables import Cell, Group, Row, Table, interval, number
from stimmung.vocabulary.votes_schemas import RECTIFIED

COLUMNS = [
    *("Method", "Estimate", "By answers alone", "By predictions alone", "Rectified"),
    *("Power", "Labelled", "Effective n", "Design effect", "Note"),
]
SELECTIONS = {
    "at random": "labelled drawn from all",
    "by answering": "labelled are of those who answered",
    "by group": "a group is not labelled: not valid for everybody",
}


def rectified_table(tables: SurveyTables) -> Table:
    """Return classical and rectified estimates: a row for each method and estimate, grouped by condition."""
    groups = []
    for (condition, selection), part in tables["rectified"].groupby(["condition", "selection"], sort=False):
        rows = [
            _row(row)
            for method in language_models_first(part["method"].unique())
            for _, row in part[part["method"] == method].iterrows()
        ]
        groups.append(Group(f"{condition}: {SELECTIONS[str(selection)]}", rows))
    caption = (
        "What all respondents would have answered, estimated from the answers of the labelled (who answered and are trained on) and "
        "the predictions of everybody (prediction-powered inference, Angelopoulos, Duchi and Zrnic 2023), with 95 % intervals. Shares "
        "in per cent. Power: how much predictions count, 0 to 1, tuned. Effective n: how many labelled respondents would be as good "
        "without predictions, with its 95 % interval, but below 40 labelled, where none holds. Predicted respondents are no "
        "respondents."
    )
    return Table(caption, COLUMNS, groups)


def _row(row: Row) -> list[Cell]:
    is_share = row["model"] == "share"
    times, digits = (100.0, 1) if is_share else (1.0, 3)

    def shown(value: str, low: str = "", high: str = "") -> Cell:
        ends = interval(times * row[low], times * row[high], digits) if low else ""
        return Cell(number(times * row[value], digits), ends)

    name = str(row["term"]) if row["model"] in ("share", "mean") else f"{row['model']}; {row['term']}"
    n_effective = number(row["n_effective"], 0)
    ends = interval(row["n_effective_low"], row["n_effective_high"], 0)
    return [
        Cell(method_label(str(row["method"]))),
        Cell(f"{'share of' if is_share else 'mean of' if row['model'] == 'mean' else ''} {name}".strip()),
        shown("classical", "classical_low", "classical_high"),
        shown("predicted"),
        shown("estimate", "ci_low", "ci_high"),
        Cell(number(row["power"], 2)),
        Cell(str(row["n_labelled"])),
        Cell(n_effective, ends),
        Cell(number(row["design_effect"], 2)),
        Cell(str(row["note"])),
    ]


RESULT = SurveyResult(
    schema=RECTIFIED,
    compute=lambda survey: survey.rectified,
    table=rectified_table,
    title="Rectified estimates",
    text=(
        "Predictions of everybody are cheap and biased; answers are unbiased and few. What the predictions are off by is measured "
        "where both are known, and taken off. Useless predictions then change nothing, and good ones shorten the interval. Where a "
        "condition leaves a group out, the labelled are not like the rest, and the estimate is not valid for everybody."
    ),
)
