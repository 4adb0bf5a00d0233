"""What the results of a panel are computed from and shown with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from stimmung.evaluation.series.weekly_series import SERIES_COLUMNS, on_common_weeks, signal_series
from stimmung.report.result import Result, Tables
from stimmung.report.result_registry import MOODS, load
from stimmung.vocabulary.moods_schemas import SIGNALS, TRACKER
from stimmung.vocabulary.parquet_tables import BASELINE_PREFIX, SIGNAL_PREFIX, empty_table, read_table


@dataclass(frozen=True, kw_only=True)
class PanelData:
    """The weekly series of one panel, and what they are compared with."""

    # AFFECT: the series of language models, by seed; and all series, also of baselines that read the same posts, and others'.
    affect: pd.DataFrame
    posts: pd.DataFrame
    wordings: pd.DataFrame  # WORDINGS: the series of language models by wording
    survey: pd.DataFrame  # TRACKER: what they are correlated with; no rows if there is no survey
    # week, question, option, value: the mood behind simulated posts, or the shares of mixes
    known: pd.DataFrame
    mixed: bool  # whether the weeks are mixes, which do not follow each other in time
    questions: Mapping[str, Sequence[str]]  # question to its answer options
    # As for cross_correlate_series.
    max_lag_weeks: int
    rolling_weeks: int
    n_simulations: int
    seed: int
    periods: Mapping[str, Sequence[str]] = field(default_factory=dict)  # the labels of the weeks of each

    @cached_property
    def compared(self) -> pd.DataFrame:
        """The series on the weeks that all of their question have, because they stand side by side."""
        return on_common_weeks(self.posts)

    @property
    def tracked(self) -> pd.DataFrame:
        """Those of questions that have a survey; none of mixes, where lags mean nothing."""
        return self.compared[self.compared["question"].isin(self.survey["question"]) & (not self.mixed)]


def series_without_a_model(
    words: Sequence[Path],
    signals: Sequence[Path],
    questions: Mapping[str, Sequence[str]],
    weeks: Sequence[str],
) -> pd.DataFrame:
    """Return the weekly series that need no language model, from SIGNALS tables of counted words and of others' series."""
    parts = [
        signal_series(read_table(path, SIGNALS), questions, weeks, prefix)
        for paths, prefix in ((words, BASELINE_PREFIX), (signals, SIGNAL_PREFIX))
        for path in paths
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=SERIES_COLUMNS)


def known_mood(
    survey: pd.DataFrame, truth: pd.DataFrame, mixed: bool, questions: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """Return the known mood: week, question, option, value; no rows if nobody knows it.

    Of mixes, ``survey``, a TRACKER table, has the known shares; ``truth`` is a SIGNALS table of the mood behind simulated posts.
    """
    if mixed:
        return survey.rename(columns={"share": "value"})
    return signal_series(truth, questions, list(truth["week"].unique()), "")


@dataclass(frozen=True, kw_only=True)
class PanelTables(Tables):
    """The stored tables of one panel, and what its tables and figures need besides."""

    # How series are smoothed and scaled, as `aggregate_answers` was told.
    rolling_weeks: int
    scale: str = "none"
    weeks: Sequence[str] = ()  # the labels of all, so that a missing one is seen
    # In the order of the figures' panels.
    questions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tracker: pd.DataFrame = field(default_factory=lambda: empty_table(TRACKER))
    mixed: bool = False  # whether the weeks are mixes with known shares
    # Series that need no language model: model, week, question, option, value.
    others: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=SERIES_COLUMNS))

    @property
    def subjects(self) -> list[str]:
        """The language models."""
        return list(self["affect"]["model"].unique())


PanelResult = Result[PanelData, PanelTables]


def moods_results() -> "list[PanelResult]":
    """Return the results of a panel in the order of the report."""
    import stimmung.report.moods  # whose modules import this one; the code digest follows it to all of them

    return load(stimmung.report.moods.__name__, MOODS)
