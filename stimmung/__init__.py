"""Votes and moods, read from the token probabilities of tuned language models."""

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    # Only when it is asked for: scikit-learn takes a second, which every job would wait.
    if name == "SurveyImputer":
        from stimmung.estimator.survey_imputer import SurveyImputer

        return SurveyImputer
    raise AttributeError(f"module 'stimmung' has no attribute '{name}'")
