"""The series that a panel names beside its posts, read as the config says: by the workflow, and before it by `check`."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from stimmung.data.series.signals import read_signal
from stimmung.data.series.trackers import read_tidy, read_yougov, tracker_table
from stimmung.study.panels import Signal, Tracker
from stimmung.vocabulary.weeks import Weeks


def read_panel_tracker(
    tracker: Tracker, question: str, options: Sequence[str], weeks: Weeks, root: Path = Path()
) -> pd.DataFrame:
    """Return the survey that a question is compared with, as a tracker table; raises InputError if that cannot be."""
    path = root / tracker.file
    yougov = tracker.format == "yougov-xlsx"
    waves = read_yougov(path, tracker.sheet) if yougov else read_tidy(path, tracker.question)
    return tracker_table(waves, question, options, weeks, tracker.file)


def read_panel_signal(signal: Signal, name: str, weeks: Weeks, root: Path = Path()) -> pd.DataFrame:
    """Return somebody else's series by week, as a signals table in the file's own unit; raises InputError if that cannot be."""
    reading = signal.model_dump(exclude={"file"})
    return read_signal(root / signal.file, name=name, weeks=weeks, **reading)
