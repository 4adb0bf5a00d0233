"""Correlate every weekly series, of language models and of everything else, with the survey of its question.

One table for each stored result: correlations at every lag; each best lag confirmed on weeks that it was not found on; and, where
the mood behind the posts is known, how well each series recovers it. A table that a panel has nothing for is empty: a panel
without a survey, too few weeks to split, a mood that nobody knows.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from stimmung.evaluation.series.weekly_series import affect_series, count_weeks, weeks_in_common
from stimmung.report.panel_results import PanelData, known_mood, moods_results, series_without_a_model
from stimmung.report.result import compute_results
from stimmung.vocabulary.errors import InputError, warn
from stimmung.vocabulary.moods_schemas import AFFECT, SIGNALS, TRACKER, WORDINGS
from stimmung.vocabulary.parquet_tables import read_table, read_tables
from stimmung.workflow.run import run

logger = logging.getLogger(__name__)


def cross_correlate(
    *,
    affect: Path,
    wordings: Path,
    words: list[Path],
    signals: list[Path],
    tracker: list[Path],
    truth: list[Path],
    results: list[Path],
    tracker_is_truth: bool,
    questions: Mapping[str, Sequence[str]],
    weeks: Sequence[str],
    max_lag_weeks: int,
    rolling_weeks: int,
    periods: Mapping[str, Sequence[str]],
    n_simulations: int,
    seed: int,
) -> None:
    """Write the tables named in the registry, their options in the order of the questionnaire.

    Parameters
    ----------
    affect, words, signals
        The series of language models, of baselines that read the same posts, and anybody else's, if there are any.
    wordings
        The series of language models by wording.
    tracker
        The survey, if there is one. Questions that it does not have are not correlated.
    truth
        The known mood of simulated posts, a table of signals, if there is one.
    tracker_is_truth
        The tracker has the known shares of mixed posts: it is what is to be recovered, and no survey.
    questions
        Question to its answer options.
    periods
        The labels of the weeks of each named part of the panel.
    """
    answered, survey = read_table(affect, AFFECT), read_tables(tracker, TRACKER)
    for question in sorted(set(questions) - set(survey["question"])):
        logger.warning("question '%s' has no survey to be correlated with", question)
    others = series_without_a_model(words, signals, questions, weeks)
    posts = pd.concat(
        [one for one in (affect_series(answered), others) if len(one)] or [others], ignore_index=True
    )
    if posts.empty:
        raise InputError(
            "no series of the panel is about an answer option of its questions", "See the signals' `columns`."
        )
    for line in weeks_in_common(count_weeks(posts)):
        warn(logger, line)
    data = PanelData(
        affect=answered,
        posts=posts,
        wordings=read_table(wordings, WORDINGS),
        survey=survey,
        known=known_mood(survey, read_tables(truth, SIGNALS), tracker_is_truth, questions),
        mixed=tracker_is_truth,
        questions=questions,
        max_lag_weeks=max_lag_weeks,
        rolling_weeks=rolling_weeks,
        periods=periods,
        n_simulations=n_simulations,
        seed=seed,
    )
    compute_results(moods_results(), data, results)


if __name__ == "__main__":
    run(cross_correlate, snakemake)
