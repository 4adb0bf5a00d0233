"""What became of every row of a panel: counts by week and reason. Never a text, an author or a hash."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from stimmung.data.posts.post_weeks import FinishedWeek
from stimmung.vocabulary.errors import InputError

WARN_AUTHOR_SHARE = 0.25
WARN_LOST_SHARE = 0.01
KEPT = "kept"
# What a damaged or misdescribed file does; the others are choices of the study.
FAULTS = ("malformed-row", "broken-utf8", "nul-bytes", "no-time", "unparsable-time", "no-author", "no-id")


@dataclass
class FileTally:
    """What became of one file's rows, before posts are compared with each other.

    ``pattern`` is what the file was found by. Its own name may be an author's.
    """

    pattern: str
    rows: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


@dataclass
class Tally:
    """What became of the rows of all files, by week; None: the week is unknown or not declared."""

    files: list[FileTally] = field(default_factory=list)
    dropped: dict[str | None, Counter[str]] = field(default_factory=dict)
    first_time: pd.Timestamp | None = None
    last_time: pd.Timestamp | None = None

    def drop(self, week: str | None, reason: str, n: int) -> None:
        """Count ``n`` dropped rows of the file that is being read."""
        self.files[-1].dropped[reason] += n
        self.dropped.setdefault(week, Counter())[reason] += n

    def see(self, times: pd.DatetimeIndex) -> None:
        """Remember the earliest and the latest time."""
        if len(times):
            self.first_time = min(filter(None, (self.first_time, times.min())))
            self.last_time = max(filter(None, (self.last_time, times.max())))

    @property
    def n_left(self) -> int:
        """How many rows were not dropped."""
        return sum(file.rows - file.dropped.total() for file in self.files)


def reading_report(tally: Tally, weeks: Mapping[str, FinishedWeek], largest_share: float) -> dict[str, Any]:
    """Return the report of a panel as plain values, ready for JSON.

    Parameters
    ----------
    tally
        What was dropped while the files were read.
    weeks
        What became of the rest, by label, in order.
    largest_share
        The share of all posts that the most active author wrote.
    """
    rows = sum(file.rows for file in tally.files)
    by_week = {label: _of_week(tally.dropped.get(label, Counter()), week) for label, week in weeks.items()}
    total = sum((Counter(week["dropped"]) for week in by_week.values()), tally.dropped.get(None, Counter()))
    return {
        "rows": rows,
        "kept": sum(week.kept for week in weeks.values()),
        "dropped": _sorted(total),
        "dropped_without_week": _sorted(tally.dropped.get(None, Counter())),
        "warnings": _warnings(tally, weeks, largest_share),
        "weeks": by_week,
        "sources": [
            {
                "files": pattern,
                "n_files": len(files),
                "rows": sum(file.rows for file in files),
                "dropped": _sorted(_total(files)),
            }
            for pattern, files in _by_pattern(tally).items()
        ],
    }


def dropped_table(report: Mapping[str, Any]) -> pd.DataFrame:
    """Return a report as a table of week, reason and n; the reason 'kept' counts the posts that stay.

    The week is empty for rows whose week is unknown or not declared.
    """
    weeks = [
        (week, reason, n) for week, of in report["weeks"].items() for reason, n in _with_kept(of).items()
    ]
    others = [("", reason, n) for reason, n in report["dropped_without_week"].items()]
    return pd.DataFrame(others + weeks, columns=["week", "reason", "n"])


def read_reading_report(path: Path) -> dict[str, Any]:
    """Read a report that ``read_panel`` wrote.

    Raises
    ------
    InputError
        If it is absent or no JSON.
    """
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError) as error:
        raise InputError(f"{path} is no report of a panel", "Delete it and run snakemake again.") from error
    return report


def _with_kept(week: Mapping[str, Any]) -> dict[str, int]:
    return {KEPT: int(week["kept"]), **week["dropped"]}


def _of_week(dropped: Counter[str], week: FinishedWeek) -> dict[str, Any]:
    return {
        "kept": week.kept,
        "authors": week.authors,
        "largest_author_share": round(week.largest_share, 4),
        "dropped": _sorted(dropped + week.dropped),
        "sha256": week.sha256,
    }


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return {reason: counts[reason] for reason in sorted(counts) if counts[reason]}


def _warnings(tally: Tally, weeks: Mapping[str, FinishedWeek], largest_share: float) -> list[str]:
    warnings = []
    empty = [label for label, week in weeks.items() if not week.kept]
    if empty:
        warnings.append(f"{len(empty)} of {len(weeks)} weeks have no posts: {_some(empty)}")
    for pattern, files in _by_pattern(tally).items():
        rows, dropped = sum(file.rows for file in files), _total(files)
        warnings += [
            f"{pattern}: {dropped[reason]} of {rows} rows dropped: {reason}"
            for reason in FAULTS
            if dropped[reason] > WARN_LOST_SHARE * rows
        ]
    if largest_share >= WARN_AUTHOR_SHARE:
        warnings.append(f"one author wrote {largest_share:.0%} of all posts; `max_posts_per_author` caps it")
    crowded = [label for label, week in weeks.items() if week.largest_share >= WARN_AUTHOR_SHARE]
    if crowded:
        warnings.append(
            f"one author wrote at least {WARN_AUTHOR_SHARE:.0%} of the posts "
            f"in {len(crowded)} of {len(weeks)} weeks: {_some(crowded)}"
        )
    return warnings


def _by_pattern(tally: Tally) -> dict[str, list[FileTally]]:
    found: dict[str, list[FileTally]] = {}
    for file in tally.files:
        found.setdefault(file.pattern, []).append(file)
    return found


def _total(files: Iterable[FileTally]) -> Counter[str]:
    return sum((file.dropped for file in files), Counter[str]())


def _some(labels: Sequence[str], most: int = 5) -> str:
    return ", ".join(labels[:most]) + (f" and {len(labels) - most} more" if len(labels) > most else "")
