"""Predicted and observed shares of each wave or group that a condition leaves out."""

from stimmung.evaluation.votes.shares_left_out import compare_left_out_shares
from stimmung.report.style import language_models_first, method_label
from stimmung.report.survey_results import SurveyResult, SurveyTables
from stimmung.report.tables import DASH, Cell, Group, Table, number, percentage
from stimmung.vocabulary.votes_schemas import LEFT_OUT_SHARES


def left_out_table(tables: SurveyTables) -> Table:
    """Return observed and predicted shares in per cent: a row for each method, grouped by condition and answer left out."""
    shares = tables["left_out_shares"]
    options = list(shares["option"].unique())
    groups = []
    for (condition, item, answer), part in shares.groupby(["condition", "item", "answer"], sort=False):
        by_method = {str(name): own.set_index("option") for name, own in part.groupby("method", sort=False)}
        first = next(iter(by_method.values()))
        observed = [
            percentage(first.loc[name], "observed", "observed_low", "observed_high") for name in options
        ]
        rows = [[Cell("observed"), *observed, Cell(DASH)]]
        for method in language_models_first(by_method):
            own = by_method[method]
            distance = (own["predicted"] - own["observed"]).abs().sum() / 2
            cells = [Cell(number(100 * own["predicted"][name], 1)) for name in options]
            rows.append([Cell(method_label(method)), *cells, Cell(number(100 * distance, 1))])
        n = part["n_respondents"].max()
        groups.append(Group(f"{condition}, {item} {answer} ({n} respondents)", rows))
    caption = (
        "Shares of the answer options in per cent among those whose answers were left out: observed, weighted, with Wilson's 95 % "
        "interval for the effective sample size; predicted, the weighted mean probability. Total variation: half the sum of the "
        "absolute differences. An observed share is that of a sample: even a perfect prediction is off by its sampling error."
    )
    return Table(caption, ["Method", *options, "Total variation"], groups)


RESULT = SurveyResult(
    schema=LEFT_OUT_SHARES,
    compute=lambda survey: compare_left_out_shares(survey.predictions, survey.respondents, survey.conditions),
    table=left_out_table,
    title="Shares where answers were left out",
)
