"""The metrics of each test fold, from which all others are computed; stored, and not shown by themselves."""

from stimmung.report.registry import VOTES
from stimmung.report.result import Result
from stimmung.report.survey_results import SurveyData, SurveyTables
from stimmung.vocabulary.votes_schemas import FOLD_METRICS

RESULT = Result[SurveyData, SurveyTables](
    VOTES["fold_values"],
    schema=FOLD_METRICS,
    compute=lambda survey: survey.folds,
)
