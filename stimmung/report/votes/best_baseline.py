"""Each language model against the best baseline, fold by fold."""

from dataclasses import replace

from stimmung.evaluation.votes.comparisons import compare_with_best_baseline
from stimmung.evaluation.votes.vote_metrics import VOTE_METRICS
from stimmung.report.style import method_label
from stimmung.report.survey_results import INTERVAL, SurveyResult, SurveyTables
from stimmung.report.table_rows import table_by_method
from stimmung.report.tables import Cell, Row, Table, estimate, p_value
from stimmung.vocabulary.votes_schemas import COMPARISONS


def comparisons_table(tables: SurveyTables) -> Table:
    """Return each language model minus the best baseline: a row for each, grouped by condition."""
    comparisons = tables["comparisons"]
    headings = {name: VOTE_METRICS[name].heading for name in comparisons["metric"].unique()}
    caption = (
        "Each language model minus the baseline that is best by the metric on the same folds. Positive differences favour "
        "the language model where higher is better (↑), negative ones where lower is better (↓). "
        f"{INTERVAL} p from the corrected resampled t-test, adjusted by Holm's method over all models and conditions "
        "within a metric."
    )
    return table_by_method(comparisons, "metric", headings, caption, cell=_difference)


def _difference(row: Row) -> Cell:
    note = f"{method_label(row['baseline'])}, p {p_value(row['p_adjusted'])}"
    return replace(estimate(row, "difference"), note=note)


RESULT = SurveyResult(
    schema=COMPARISONS,
    compute=lambda survey: compare_with_best_baseline(survey.folds),
    table=comparisons_table,
    title="Against the best baseline",
)
