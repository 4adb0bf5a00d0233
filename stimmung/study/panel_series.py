"""The series that a panel names beside its posts, read as the config says: by the workflow, and before it by `check`."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from stimmung.data.series.signals import read_signal
from stimmung.data.series.trackers import days_to_weeks, read_tidy, read_wide, read_yougov, tracker_table
from stimmung.evaluation.series.series_steps import MINIMUM_PAIRS
from stimmung.study.panels import Panel, Signal, Tracker
from stimmung.vocabulary.weeks import Weeks


def read_panel_tracker(
    tracker: Tracker, question: str, options: Sequence[str], weeks: Weeks, root: Path = Path()
) -> pd.DataFrame:
    """Return the survey that a question is compared with, as a tracker table; raises InputError if that cannot be."""
    path = root / tracker.file
    if tracker.format == "yougov-xlsx":
        waves = read_yougov(path, tracker.sheet, tracker.unit)
    elif tracker.format == "tidy":
        waves = read_tidy(path, tracker.question, day=tracker.day, sheet=tracker.sheet, unit=tracker.unit)
    else:
        columns = {option: tracker.columns.get(option, option) for option in options}
        waves = read_wide(path, columns, day=tracker.day, sheet=tracker.sheet, unit=tracker.unit)
    if tracker.frequency == "daily":
        waves = days_to_weeks(waves, weeks, tracker.file)
    return tracker_table(waves, question, options, weeks, tracker.file, tracker.columns)


def read_panel_signal(signal: Signal, name: str, weeks: Weeks, root: Path = Path()) -> pd.DataFrame:
    """Return somebody else's series by week, as a signals table in the file's own unit; raises InputError if that cannot be."""
    reading = signal.model_dump(exclude={"file"})
    return read_signal(root / signal.file, name=name, weeks=weeks, **reading)


def foresee_correlations(
    panel: Panel, trackers: Mapping[str, pd.DataFrame], signals: Mapping[str, pd.DataFrame]
) -> tuple[list[str], list[str]]:
    """Return which correlations a panel cannot have: what makes its comparison impossible, and what only leaves rows empty.

    ``trackers`` are tracker tables by question, ``signals`` signals tables by name; a table that could not be read is left out. Of
    posts only the declared weeks are known, as though none of them will be skipped.
    """
    labels = panel.weeks.labels()
    problems, notes = [], []
    for question, table in trackers.items():
        waves = set(table["week"])
        n = _pairs(labels, waves, 0)
        where = f"trackers.{question}"
        if n < MINIMUM_PAIRS:
            problems.append(
                f"{where}: only {n} of the panel's {len(labels)} weeks have a wave, and a correlation needs {MINIMUM_PAIRS}"
            )
            continue
        reach = panel.series.max_lag_weeks
        short = [lag for lag in range(-reach, reach + 1) if _pairs(labels, waves, lag) < MINIMUM_PAIRS]
        if short:
            lags = ", ".join(map(str, short))
            notes.append(
                f"{where}: no correlation at the lags {lags}, which leave fewer than {MINIMUM_PAIRS} weeks"
            )
        for name, signal in signals.items():
            notes += _about_signal(name, signal, question, panel, waves)
        for name, period in panel.series.periods.items():
            n = _pairs(panel.weeks_of(period), waves, 0)
            if n < MINIMUM_PAIRS:
                notes.append(
                    f"series.periods.{name}: {where} has {n} waves, and a correlation needs {MINIMUM_PAIRS}"
                )
    return problems, notes


def _about_signal(name: str, signal: pd.DataFrame, question: str, panel: Panel, waves: set[str]) -> list[str]:
    asked = signal[signal["option"].isin(panel.questions[question].options)]
    if asked.empty:
        others = [other for other in panel.questions if other != question]
        options = {option for other in others for option in panel.questions[other].options}
        if signal["option"].isin(options).any():
            return []
        return [
            f"signals.{name}: has none of the answers to '{question}', and is left out; see its `columns`"
        ]
    weeks = sorted(set(asked["week"]) & set(panel.weeks.labels()))
    n = _pairs(weeks, waves, 0)
    if n >= MINIMUM_PAIRS:
        return []
    return [f"signals.{name}: only {n} weeks in common with trackers.{question}; {MINIMUM_PAIRS} are needed"]


def _pairs(labels: Sequence[str], waves: set[str], lag_weeks: int) -> int:
    """Return how many weeks have a wave ``lag_weeks`` later."""
    later = [(date.fromisoformat(label) + timedelta(weeks=lag_weeks)).isoformat() for label in labels]
    return len(waves.intersection(later))
