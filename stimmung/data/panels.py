"""Read a panel of posts once and write a table for each of its weeks, with a report of what was dropped and why."""

import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from stimmung.data.authors import Digests, as_hex, keyed_digests
from stimmung.data.post_files import PostFile, read_post_file
from stimmung.data.post_times import OUTSIDE, parse_times, week_numbers
from stimmung.data.post_weeks import SPILL, FinishedWeek, WeekSpill, write_week
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.posts import PostColumns, PostFilters, PostFormat
from stimmung.vocabulary.weeks import Weeks

logger = logging.getLogger(__name__)

SCRATCH = ".reading"
WARN_AUTHOR_SHARE = 0.25
_TRUE = pa.array(["true", "t", "yes", "y", "1", "1.0"])
_SEPARATOR = "\x1f"

Texts = pa.Array | pa.ChunkedArray
WeekNumbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PostReader:
    """How a panel's posts are read.

    Attributes
    ----------
    columns, layout, weeks, filters
        As the config has them.
    clean
        Takes the texts of a batch and returns them cleaned.
    is_emoji_only
        Takes cleaned texts and returns which of them are nothing but emoji.
    salt
        Makes the hashes of authors and posts this study's own.
    """

    columns: PostColumns
    layout: PostFormat
    weeks: Weeks
    filters: PostFilters
    clean: Callable[[Texts], Texts]
    is_emoji_only: Callable[[Texts], Texts]
    salt: bytes


@dataclass
class _Tally:
    """What became of every row: counts, never texts."""

    labels: list[str]
    by_week: dict[str, Counter[str]] = field(init=False)
    no_week: Counter[str] = field(default_factory=Counter)
    files: list[dict[str, Any]] = field(default_factory=list)
    earliest: list[pd.Timestamp] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.by_week = {label: Counter() for label in self.labels}


def read_panel(files: Sequence[PostFile], reader: PostReader, posts: Path) -> dict[str, Any]:
    """Read all files of a panel and write ``posts/{week}.parquet`` for every declared week.

    All files are read once, in batches. A week whose posts are the same as before keeps its file, with its time stamp. A week
    without posts gets an empty table.

    Parameters
    ----------
    files
        The files, in the order of their names.
    reader
        How they are read.
    posts
        The folder of the weeks' tables. A scratch folder stands beside them while this runs.

    Returns
    -------
    dict
        The report: rows read and kept, rows dropped by reason, in all, by week and by file, and warnings.

    Raises
    ------
    InputError
        If a file cannot be read, no time of a file parses, or no post is left.
    """
    labels = reader.weeks.labels()
    tally = _Tally(labels)
    posts.mkdir(parents=True, exist_ok=True)
    with _scratch(posts / SCRATCH) as folder:
        with WeekSpill(folder) as spill:
            for file in files:
                _set_aside(file, reader, spill, tally)
        _require_posts(tally, reader.weeks)
        finished = {}
        for label in labels:
            has_authors = reader.columns.author is not None
            finished[label] = write_week(
                spill.file(label), label, posts / f"{label}.parquet", reader.filters, has_authors=has_authors
            )
            spill.file(label).unlink(missing_ok=True)
    report = _report(tally, finished)
    for warning in report["warnings"]:
        logger.warning(warning)
    changed = sum(week.changed for week in finished.values())
    logger.info("%d rows read, %d posts kept, %d of %d weeks changed", report["rows"], report["kept"], changed, len(labels))
    return report
