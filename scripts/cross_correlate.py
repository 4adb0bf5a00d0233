"""Hold every weekly series, of language models and of everything else, against the survey of its question.

Writes three tables: correlations at every lag; each best lag confirmed on weeks that it was not found on; and,
where the mood behind the posts is known, how well each series recovers it. A table that a panel has nothing
for is empty: a panel without a survey, too few weeks to split, a mood that nobody knows.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from stimmung.evaluation.series.confirmation import TooFewWeeksError, confirm_lags
from stimmung.evaluation.series.cross_correlation import cross_correlate_series
from stimmung.evaluation.series.recovery import measure_recovery
from stimmung.evaluation.series.weekly_series import affect_series, in_order_asked, signal_series
from stimmung.vocabulary.moods_schemas import AFFECT, CCF, CONFIRMATIONS, RECOVERY, SIGNALS, TRACKER
from stimmung.vocabulary.parquet_tables import (
    BASELINE_PREFIX,
    SIGNAL_PREFIX,
    empty_table,
    read_table,
    write_table,
)
from stimmung.workflow.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logger = logging.getLogger(__name__)


def cross_correlate(
    *,
    affect: Path,
    words: Path,
    signals: Path | None = None,
    tracker: Path | None = None,
    truth: Path | None = None,
    tracker_is_truth: bool = False,
    questions: Mapping[str, Sequence[str]],
    weeks: Sequence[str],
    max_lag_weeks: int,
    rolling_weeks: int,
    n_resamples: int = 1000,
    n_simulations: int = 1999,
    seed: int = 0,
    ccf: Path,
    confirmations: Path,
    recovery: Path,
) -> None:
    """Write the tables ccf, confirmations and recovery, their options in the order of the questionnaire.

    Parameters
    ----------
    affect
        The series of language models.
    words, signals
        Tables of signals: baselines that read the same posts, and anybody else's series.
    tracker
        The survey. Questions that it does not have are not correlated.
    truth
        The known mood of simulated posts, a table of signals.
    tracker_is_truth
        The tracker has the known shares of mixed posts: it is what is to be recovered, and no survey.
    questions
        Question to its answer options.
    weeks
        The panel's weeks.
    max_lag_weeks, rolling_weeks, n_resamples, n_simulations, seed
        As for ``cross_correlate_series``.
    """
    answered = read_table(affect, AFFECT)
    parts = [affect_series(answered)]
    for path, prefix in ((words, BASELINE_PREFIX), (signals, SIGNAL_PREFIX)):
        if path is not None:
            parts.append(signal_series(read_table(path, SIGNALS), questions, weeks, prefix))
    posts = pd.concat(parts, ignore_index=True)
    survey = read_table(tracker, TRACKER) if tracker is not None else empty_table(TRACKER)
    # Mixes do not follow each other in time: there is nothing to be correlated at a lag or to be prewhitened.
    asked_in_survey = [] if tracker_is_truth else survey["question"]
    tracked = posts[posts["question"].isin(asked_in_survey)]
    for question in sorted(set(questions) - set(survey["question"])):
        logger.warning("question '%s' has no survey to be correlated with", question)

    correlations, confirmed = empty_table(CCF), empty_table(CONFIRMATIONS)
    if not tracked.empty:
        correlations = cross_correlate_series(
            tracked,
            survey,
            max_lag_weeks=max_lag_weeks,
            rolling_weeks=rolling_weeks,
            n_resamples=n_resamples,
            n_simulations=n_simulations,
            seed=seed,
        )
        confirmed = confirm(tracked, survey, max_lag_weeks)
    known = known_mood(survey, truth, tracker_is_truth, questions)
    recovered = empty_table(RECOVERY)
    if not known.empty:
        asked = posts[posts["question"].isin(known["question"])]
        recovered = measure_recovery(
            asked,
            known,
            seeds=answered,
            serial=not tracker_is_truth,
            n_resamples=n_resamples,
            seed=seed,
        )
    for table, path, schema in (
        (correlations, ccf, CCF),
        (confirmed, confirmations, CONFIRMATIONS),
        (recovered, recovery, RECOVERY),
    ):
        write_table(in_order_asked(table, questions), path, schema)


def confirm(posts: pd.DataFrame, survey: pd.DataFrame, max_lag_weeks: int) -> pd.DataFrame:
    """Confirm the lags of all series that have enough weeks to be split."""
    parts = [empty_table(CONFIRMATIONS)]
    for _, series in posts.groupby(["model", "question"]):
        try:
            parts.append(confirm_lags(series, survey, max_lag_weeks=max_lag_weeks))
        except TooFewWeeksError as error:
            logger.warning("%s", error.what)
    filled = [part for part in parts if not part.empty]
    return pd.concat(filled, ignore_index=True) if filled else parts[0]


def known_mood(
    survey: pd.DataFrame, truth: Path | None, tracker_is_truth: bool, questions: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """Return the known mood: week, question, option, value; no rows if nobody knows it."""
    if tracker_is_truth:
        return survey.rename(columns={"share": "value"})
    if truth is None:
        return pd.DataFrame(columns=["week", "question", "option", "value"])
    latent = read_table(truth, SIGNALS)
    return signal_series(latent, questions, list(latent["week"].unique()), "")


def optional(paths: Sequence[str]) -> Path | None:
    """Return the one path of an input that a panel may not have."""
    return Path(paths) if isinstance(paths, str) else next(map(Path, paths), None)


if __name__ == "__main__":
    with job(snakemake):
        cross_correlate(
            affect=Path(snakemake.input.affect),
            words=Path(snakemake.input.words),
            signals=optional(snakemake.input.signals),
            tracker=optional(snakemake.input.tracker),
            truth=optional(snakemake.input.truth),
            tracker_is_truth=snakemake.params.tracker_is_truth,
            questions=snakemake.params.questions,
            weeks=snakemake.params.weeks,
            max_lag_weeks=snakemake.params.max_lag_weeks,
            rolling_weeks=snakemake.params.rolling_weeks,
            n_resamples=snakemake.params.n_resamples,
            n_simulations=snakemake.params.n_simulations,
            seed=snakemake.params.seed,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
