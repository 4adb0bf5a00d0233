"""What the results of a panel are computed from and shown with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from stimmung.evaluation.series.weekly_series import signal_series
from stimmung.report.result import Result, Tables
from stimmung.vocabulary.moods_schemas import TRACKER
from stimmung.vocabulary.parquet_tables import empty_table


@dataclass(frozen=True, kw_only=True)
class PanelData:
    """The weekly series of one panel, and what they are compared with.

    Attributes
    ----------
    affect
        The AFFECT table: the series of language models, by seed.
    posts
        All series: those of language models, of baselines that read the same posts, and others'.
    survey
        The TRACKER table that they are correlated with; no rows if there is none.
    known
        The known mood of simulated posts, or the known shares of mixes: week, question, option, value.
    mixed
        Whether the weeks are mixes with known shares, which do not follow each other in time.
    questions
        Question to its answer options.
    max_lag_weeks, rolling_weeks, n_resamples, n_simulations, seed
        As for ``cross_correlate_series``.
    """

    affect: pd.DataFrame
    posts: pd.DataFrame
    survey: pd.DataFrame
    known: pd.DataFrame
    mixed: bool
    questions: Mapping[str, Sequence[str]]
    max_lag_weeks: int
    rolling_weeks: int
    n_resamples: int
    n_simulations: int
    seed: int

    @property
    def tracked(self) -> pd.DataFrame:
        """The series of questions that have a survey; none of mixes, where lags mean nothing."""
        return self.posts[self.posts["question"].isin(self.survey["question"]) & (not self.mixed)]


def known_mood(
    survey: pd.DataFrame, truth: pd.DataFrame, mixed: bool, questions: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """Return the known mood: week, question, option, value; no rows if nobody knows it.

    Parameters
    ----------
    survey
        A TRACKER table; of mixes, it has their known shares.
    truth
        A SIGNALS table of the mood behind simulated posts, or no rows.
    mixed
        Whether the weeks are mixes.
    questions
        Question to its answer options.
    """
    if mixed:
        return survey.rename(columns={"share": "value"})
    return signal_series(truth, questions, list(truth["week"].unique()), "")


@dataclass(frozen=True, kw_only=True)
class PanelTables(Tables):
    """The stored tables of one panel, and what its tables and figures need besides.

    Attributes
    ----------
    rolling_weeks, scale
        How series are smoothed and scaled, as ``aggregate_answers`` was told.
    weeks
        The labels of all weeks, so that a missing one is seen.
    questions
        Question to its answer options, in the order of the figures' panels.
    tracker
        The survey.
    mixed
        Whether the weeks are mixes with known shares.
    """

    rolling_weeks: int
    scale: str = "none"
    weeks: Sequence[str] = ()
    questions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tracker: pd.DataFrame = field(default_factory=lambda: empty_table(TRACKER))
    mixed: bool = False

    @property
    def arms(self) -> list[str]:
        """The language models."""
        return list(self["affect"]["model"].unique())

    @property
    def arms_in_words(self) -> str:
        """The language models, as a list in words."""
        return ", ".join(self.arms)


PanelResult = Result[PanelData, PanelTables]
