"""Every metric that is not about one answer option, mean over folds with its interval."""

import pandas as pd

from stimmung.evaluation.votes.fold_summary import summarize_folds
from stimmung.report.registry import VOTES
from stimmung.report.result import Result
from stimmung.report.survey_results import INTERVAL, METRIC_LABELS, SurveyData, SurveyTables, table_by_method
from stimmung.report.tables import Table
from stimmung.vocabulary.votes_schemas import METRICS


def metrics_table(metrics: pd.DataFrame) -> Table:
    """Return all metrics that are not about one option: a row for each method, grouped by condition."""
    # Only servers hide options, so the column is there only where one did.
    hidden = (metrics.loc[metrics["metric"] == "unseen", "value"] > 0).any()
    labels = {name: label for name, label in METRIC_LABELS.items() if name != "unseen" or hidden}
    caption = (
        "Predictions of held-out respondents, mean over folds; ↑ higher is better, ↓ lower is better. ECE: expected "
        "calibration error. Total variation and Jensen-Shannon: distances, 0 to 1, of the predicted shares from the observed "
        f"ones. Option mass: the probability of any valid option. {INTERVAL}"
    )
    return table_by_method(metrics[metrics["metric"].isin(labels)], "metric", labels, caption)


RESULT = Result[SurveyData, SurveyTables](
    VOTES["all_metrics"],
    schema=METRICS,
    compute=lambda survey: summarize_folds(survey.folds),
    table=lambda tables: metrics_table(tables["metrics"]),
    title="All metrics",
    folded=lambda tables: tables.other_conditions,
)
