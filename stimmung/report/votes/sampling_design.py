"""What weights, strata and clusters of the sample do to the observed shares."""

from stimmung.evaluation.estimates.observed_shares import observed_shares
from stimmung.report.survey_results import SurveyResult, SurveyTables
from stimmung.report.tables import Cell, Group, Table, number, percentage
from stimmung.vocabulary.votes_schemas import SAMPLING_DESIGN

COLUMNS = ["Answer", "Share, %", "Standard error, points", "Design effect", "by weights alone", "Effective n"]


def sampling_design_table(tables: SurveyTables) -> Table:
    """Return the observed share of each option with its design effect: one row for each."""
    shares = tables["sampling_design"]
    rows = [
        [
            Cell(str(row["option"])),
            percentage(row, "share"),
            Cell(number(100 * row["standard_error"], 2)),
            Cell(number(row["design_effect"], 2)),
            Cell(number(row["kish_effect"], 2)),
            Cell(number(row["n_effective"], 0)),
        ]
        for _, row in shares.iterrows()
    ]
    caption = (
        "Observed shares, weighted, with standard errors linearised over the sample's strata and clusters, the first stage "
        "counting as drawn with replacement, and Wilson's 95 % interval for the effective number of respondents. Design effect: "
        "variance against that of a simple random sample of as many; by weights alone as Kish (1965)."
    )
    return Table(caption, COLUMNS, [Group(_heading(tables), rows)] if rows else [])


def _heading(tables: SurveyTables) -> str:
    first = tables["sampling_design"].iloc[0]
    parts = [f"{first['n']} respondents", f"{first['n_strata']} strata", f"{first['n_clusters']} clusters"]
    if first["n_strata"] == 1:
        del parts[1]
    if first["n_clusters"] >= first["n"]:
        parts.pop()
    lonely = f"; {first['n_lonely']} strata have one cluster only" if first["n_lonely"] else ""
    return ", ".join(parts) + lonely


RESULT = SurveyResult(
    schema=SAMPLING_DESIGN,
    compute=lambda survey: observed_shares(survey.answers, survey.respondents),
    table=sampling_design_table,
    title="Sampling design",
    text=(
        "A sample that is weighted, or drawn in clusters, says less than as many respondents drawn one by one; one drawn from strata "
        "may say more."
    ),
)
