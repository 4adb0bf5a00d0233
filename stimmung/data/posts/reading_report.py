"""How many rows of a panel were kept and dropped, by week and reason. Never a text, an author or a hash."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from stimmung.data.posts.lost_rows import FAULTS
from stimmung.data.posts.post_weeks import FinishedWeek

# Choices: from when on a warning is worth a line.
WARN_AUTHOR_SHARE = 0.25
NO_WEEK = ""  # of rows whose week is unknown or not declared


class Tally:
    """Counts of rows before posts are compared with each other, and of the file that is being read.

    Files are counted by the pattern that they match: a file's own name may be an author's.
    """

    def __init__(self) -> None:
        self.n_files: Counter[str] = Counter()
        self.rows: Counter[str] = Counter()
        self.dropped: Counter[tuple[str, str, str]] = Counter()  # pattern, week, reason
        self.odd: Counter[tuple[str, str]] = Counter()  # pattern, observation; kept, and a warning names them
        self.odd_time: str | None = None  # the look of the first time that does not parse
        self._flags: Counter[str] = Counter()  # pattern to the posts that say whether they are reposts
        # Of all posts, whether their week is declared or not.
        self.first_time: pd.Timestamp | None = None
        self.last_time: pd.Timestamp | None = None

    def open(self, pattern: str) -> None:
        """Begin a file."""
        self._pattern = pattern
        self.n_files[pattern] += 1
        self.rows_of_file = 0
        self.dropped_of_file: Counter[str] = Counter()

    def read(self, n: int) -> None:
        """Count ``n`` rows that were read."""
        self.rows_of_file += n
        self.rows[self._pattern] += n

    def drop(self, week: str | None, reason: str, n: int) -> None:
        """Count ``n`` dropped rows."""
        self.dropped_of_file[reason] += n
        self.dropped[self._pattern, week or NO_WEEK, reason] += n

    def notice(self, odd: Mapping[str, int]) -> None:
        """Count rows that are kept, but odd: observation to the number of rows."""
        for observation, n in odd.items():
            self.odd[self._pattern, observation] += n

    def see_flags(self, n: int) -> None:
        """Count the posts that say whether they are reposts."""
        self._flags[self._pattern] += n

    @property
    def without_flags(self) -> list[str]:
        """The patterns of files none of whose posts says whether it is a repost."""
        return [pattern for pattern, n in self._flags.items() if not n]

    def see(self, times: pd.DatetimeIndex) -> None:
        """Remember the earliest and the latest time."""
        if len(times):
            self.first_time = min(filter(None, (self.first_time, times.min())))
            self.last_time = max(filter(None, (self.last_time, times.max())))

    def reasons(self, pattern: str | None = None, week: str | None = None) -> Counter[str]:
        """Return the dropped rows by reason: all, or those of a pattern or a week."""
        found: Counter[str] = Counter()
        for (its_pattern, its_week, reason), n in self.dropped.items():
            if pattern in (None, its_pattern) and week in (None, its_week):
                found[reason] += n
        return found


def reading_report(tally: Tally, weeks: Mapping[str, FinishedWeek], largest_share: float) -> dict[str, Any]:
    """Return the report of a panel as plain values, ready for JSON.

    It has rows read and kept, rows dropped by reason (in all, by week and by pattern of files), and warnings.
    ``largest_share`` is the share of all posts that the most active author wrote.
    """
    compared = sum((week.dropped for week in weeks.values()), Counter[str]())
    return {
        "rows": tally.rows.total(),
        "kept": sum(week.kept for week in weeks.values()),
        "dropped": _sorted(tally.reasons() + compared),
        "dropped_without_week": _sorted(tally.reasons(week=NO_WEEK)),
        "warnings": _warnings(tally, weeks, largest_share),
        "weeks": {
            label: {
                "kept": week.kept,
                "authors": week.authors,
                "largest_author_share": round(week.largest_share, 4),
                "dropped": _sorted(tally.reasons(week=label) + week.dropped),
                "sha256": week.sha256,
            }
            for label, week in weeks.items()
        },
        "sources": [
            {
                "files": pattern,
                "n_files": n_files,
                "rows": tally.rows[pattern],
                "dropped": _sorted(tally.reasons(pattern)),
            }
            for pattern, n_files in tally.n_files.items()
        ],
    }


def summary(report: Mapping[str, Any]) -> str:
    """Return one line about a panel's report: rows, posts that are kept, and how many were dropped for which reason."""
    why = ", ".join(f"{reason} {n}" for reason, n in report["dropped"].items())
    return f"{report['rows']} rows read, {report['kept']} posts kept" + (f"; dropped: {why}" if why else "")


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return {reason: counts[reason] for reason in sorted(counts) if counts[reason]}


def _warnings(tally: Tally, weeks: Mapping[str, FinishedWeek], largest_share: float) -> list[str]:
    warnings = []
    empty = [label for label, week in weeks.items() if not week.kept]
    if empty:
        warnings.append(f"{len(empty)} of {len(weeks)} weeks have no posts: {_some(empty)}")
    for pattern, rows in tally.rows.items():
        dropped = tally.reasons(pattern)
        warnings += [
            f"{pattern}: {dropped[reason]} of {rows} rows dropped: {reason}"
            for reason in FAULTS
            if dropped[reason]
        ]
    warnings += [f"{pattern}: {n} {observation}" for (pattern, observation), n in tally.odd.items() if n]
    warnings += [
        f"{pattern}: no post has a value in `columns.retweet`, so none is known to be a repost"
        for pattern in tally.without_flags
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


def _some(labels: Sequence[str], most: int = 5) -> str:
    return ", ".join(labels[:most]) + (f" and {len(labels) - most} more" if len(labels) > most else "")
