"""Every metric that is not about one answer option, mean over folds with its interval."""

from stimmung.evaluation.votes.fold_summary import summarize_folds
from stimmung.evaluation.votes.vote_metrics import VOTE_METRICS
from stimmung.report.survey_results import INTERVAL, SurveyResult, SurveyTables
from stimmung.report.table_rows import table_by_method
from stimmung.report.tables import Table
from stimmung.vocabulary.votes_schemas import METRICS


def metrics_table(tables: SurveyTables) -> Table:
    """Return all metrics that are not about one option: a row for each method, by condition; KeyError for one without an entry."""
    metrics = tables["metrics"]
    # Only servers hide options, so the column is there only where one did.
    hidden = (metrics.loc[metrics["metric"] == "unseen", "value"] > 0).any()
    found = {name for name in metrics["metric"].unique() if not VOTE_METRICS[name].by_option}
    headings = {
        name: metric.heading
        for name, metric in VOTE_METRICS.items()
        if name in found and (name != "unseen" or hidden)
    }
    explained = (VOTE_METRICS[name].explanation for name in headings)
    explanations = " ".join(filter(None, explained))
    caption = (
        "Predictions of held-out respondents, mean over folds; ↑ higher is better, ↓ lower is better. "
        f"{explanations} {INTERVAL}"
    )
    return table_by_method(metrics[metrics["metric"].isin(headings)], "metric", headings, caption)


RESULT = SurveyResult(
    schema=METRICS,
    compute=lambda survey: summarize_folds(survey.folds),
    table=metrics_table,
    title="All metrics",
)
