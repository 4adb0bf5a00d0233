"""The metrics of each test fold, from which all others are computed; stored, and not shown by themselves."""

from stimmung.report.survey_results import SurveyResult
from stimmung.vocabulary.votes_schemas import FOLD_METRICS

RESULT = SurveyResult(schema=FOLD_METRICS, compute=lambda survey: survey.folds)
