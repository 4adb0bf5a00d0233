"""Read a panel of posts once, and write a table for each of its weeks."""

import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stimmung.data.posts.authors import keyed_digests
from stimmung.data.posts.post_files import PostFile, read_post_file
from stimmung.data.posts.post_times import OUTSIDE, parse_times, week_numbers
from stimmung.data.posts.post_weeks import SPILL, Activity, WeekSpill, write_week
from stimmung.data.posts.reading_report import FileTally, Tally, reading_report
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.posts import PostColumns, PostFilters, PostFormat
from stimmung.vocabulary.weeks import Weeks

logger = logging.getLogger(__name__)

SCRATCH = ".reading"
RETWEET_SIGN = "RT @"
_TRUE = pa.array(["true", "t", "yes", "y", "1"])
_SEPARATOR = "\x1f"


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
    clean: Callable[[pa.Array], pa.Array]
    is_emoji_only: Callable[[pa.Array], pa.Array]
    salt: bytes


def read_panel(files: Sequence[PostFile], reader: PostReader, posts: Path) -> dict[str, Any]:
    """Read all files of a panel and write ``posts/{week}.parquet`` for every declared week.

    All files are read once, in batches. A week whose posts are the same as before keeps its file, with its
    time stamp. A week without posts gets an empty table.

    Parameters
    ----------
    files
        The files, in the order of their names.
    reader
        How they are read.
    posts
        The folder of the weeks' tables. A scratch folder stands in it while this runs.

    Returns
    -------
    dict
        The report: rows read and kept, rows dropped by reason, in all, by week and by pattern of files, and
        warnings.

    Raises
    ------
    InputError
        If a file cannot be read, no time of a file parses, or no post is left.
    """
    if reader.columns.time is None and any(file.week is None for file in files):
        raise InputError("files of posts have neither a column of times nor a week in their names")
    labels = reader.weeks.labels()
    tally = Tally()
    activity = None if reader.columns.author is None else Activity()
    finished = {}
    with _scratch(posts / SCRATCH) as folder:
        with WeekSpill(folder, labels) as spill:
            for file in files:
                _set_aside(file, reader, spill, tally)
        _require_posts(tally, reader.weeks)
        for label in labels:
            finished[label] = write_week(
                spill.file(label),
                label,
                posts / f"{label}.parquet",
                reader.filters,
                activity,
            )
            spill.file(label).unlink(missing_ok=True)
    report = reading_report(tally, finished, 0.0 if activity is None else activity.largest_share)
    for warning in report["warnings"]:
        logger.warning(warning)
    for source in report["sources"]:
        logger.info("%s: %d files, %d rows", source["files"], source["n_files"], source["rows"])
    n_changed = sum(week.changed for week in finished.values())
    logger.info(
        "%d rows read, %d posts kept, %d of %d weeks changed",
        report["rows"],
        report["kept"],
        n_changed,
        len(labels),
    )
    return report


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    # What a killed run left; the texts in it are as sensitive as the files they come from.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    folder.chmod(0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Batch:
    """Some posts on their way to their weeks; every row that is lost is counted."""

    def __init__(self, posts: pa.Table, labels: list[str], tally: Tally) -> None:
        self.posts = posts
        self.weeks: npt.NDArray[np.int64] = np.full(len(posts), OUTSIDE)
        self._labels = labels
        self._tally = tally

    def drop(self, lost: pa.ChunkedArray | npt.NDArray[np.bool_], reason: str) -> None:
        mask = np.asarray(lost, dtype=bool)
        if not mask.any():
            return
        for week, n in zip(*np.unique(self.weeks[mask], return_counts=True), strict=True):
            self._tally.drop(None if week == OUTSIDE else self._labels[week], reason, int(n))
        self.posts = self.posts.filter(pa.array(~mask))
        self.weeks = self.weeks[~mask]

    def put(self, name: str, values: pa.ChunkedArray) -> None:
        self.posts = (
            self.posts.drop_columns(name) if name in self.posts.column_names else self.posts
        ).append_column(name, values)


def _set_aside(file: PostFile, reader: PostReader, spill: WeekSpill, tally: Tally) -> None:
    """Read one file into the scratch files of its weeks."""
    labels = reader.weeks.labels()
    tally.files.append(FileTally(file.pattern))
    for raw in read_post_file(file.path, reader.columns, reader.layout):
        n_before = tally.files[-1].rows
        tally.files[-1].rows += len(raw.columns) + raw.dropped.total()
        for reason, n in raw.dropped.items():
            tally.drop(None, reason, n)
        batch = _Batch(raw.columns, labels, tally)
        if file.week is None:
            _place(batch, reader, tally)
        else:
            batch.weeks[:] = labels.index(file.week)
        _filter(batch, reader)
        _clean(batch, reader)
        if len(batch.posts):
            place = f"{file.path}{_SEPARATOR}{n_before}"
            spill.add(_as_spilled(batch.posts, reader, place), batch.weeks)
    _require_times(file, tally.files[-1], reader)


def _place(batch: _Batch, reader: PostReader, tally: Tally) -> None:
    """Find the week of each post, and drop those without one."""
    batch.drop(_is_absent(batch.posts["time"]), "no-time")
    times = parse_times(batch.posts["time"], reader.layout)
    unparsable = np.asarray(times.isna())
    batch.drop(unparsable, "unparsable-time")
    times = times[~unparsable]
    tally.see(times)
    batch.weeks = week_numbers(times, reader.weeks)
    batch.put("time", pa.array(times.asi8))
    batch.drop(batch.weeks == OUTSIDE, "outside-weeks")


def _filter(batch: _Batch, reader: PostReader) -> None:
    """Drop the posts that the file itself shows to be no use."""
    for role, reason in (("text", "no-text"), ("author", "no-author"), ("post_id", "no-id")):
        if role in batch.posts.column_names:
            batch.drop(_is_absent(batch.posts[role]), reason)
    if reader.filters.retweets == "drop":
        marked = "retweet" in batch.posts.column_names
        batch.drop(
            _is_true(batch.posts["retweet"]) if marked else _begins_retweet(batch.posts["text"]), "retweet"
        )
    if reader.filters.languages:
        batch.drop(
            ~np.asarray(pc.is_in(batch.posts["language"], pa.array(reader.filters.languages))), "language"
        )


def _clean(batch: _Batch, reader: PostReader) -> None:
    """Add the cleaned text, and drop the posts that cleaning leaves too little of."""
    batch.put("cleaned", reader.clean(batch.posts["text"].combine_chunks()))
    batch.drop(pc.equal(pc.utf8_length(batch.posts["cleaned"]), 0), "nothing-left")
    if reader.filters.emoji_only == "drop":
        batch.drop(reader.is_emoji_only(batch.posts["cleaned"].combine_chunks()), "emoji-only")
    batch.drop(pc.less(pc.utf8_length(batch.posts["cleaned"]), reader.filters.min_characters), "too-short")


def _as_spilled(posts: pa.Table, reader: PostReader, place: str) -> pa.Table:
    """Return posts as scratch files hold them: hashes and the cleaned text.

    A post is known by its identifier; without one by its time, author and text; without a time by its place
    in its file.
    """
    moment = [posts["time"].cast(pa.string())] if "time" in posts.column_names else []
    author = [posts["author"]] if "author" in posts.column_names else []
    if "post_id" in posts.column_names:
        identity = [posts["post_id"]]
    elif moment:
        identity = [*moment, *author, posts["text"]]
    else:
        identity = [pa.repeat(place, len(posts)), pa.array(np.arange(len(posts))).cast(pa.string())]
    post = keyed_digests(_joined(identity), reader.salt)
    text_key = post
    if reader.filters.duplicates == "any-author":
        text_key = keyed_digests(posts["cleaned"], b"")
    elif reader.filters.duplicates == "same-author" and author:
        text_key = keyed_digests(_joined([*author, posts["cleaned"]]), reader.salt)
    # Without the salt, so that the posts of a week stand in the same order in every study that reads them.
    order = keyed_digests(_joined([*moment, posts["text"]]), b"")
    who = keyed_digests(author[0], reader.salt) if author else np.zeros(len(posts), np.uint64)
    return pa.table([order, post, who, text_key, posts["cleaned"]], schema=SPILL)


def _joined(columns: Sequence[pa.ChunkedArray]) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(*columns, _SEPARATOR)


def _is_absent(values: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Whether values are null or empty. The texts 'null' and 'nan' are texts."""
    textual = pa.types.is_string(values.type)
    return np.asarray(pc.fill_null(pc.equal(values, ""), True) if textual else pc.is_null(values))


def _is_true(values: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.is_in(pc.utf8_lower(values), _TRUE))


def _begins_retweet(values: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.starts_with(values, RETWEET_SIGN))


def _require_times(file: PostFile, tally: FileTally, reader: PostReader) -> None:
    unreadable = ("malformed-row", "broken-utf8", "nul-bytes", "no-time")
    with_time = tally.rows - sum(tally.dropped[reason] for reason in unreadable)
    if with_time and tally.dropped["unparsable-time"] == with_time:
        raise InputError(
            f"{file.path}: no time in column '{reader.columns.time}' parses as '{reader.layout.time_format}'",
            "`time_format` may be iso, unix-s, unix-ms, or a strptime format such as '%d/%m/%Y %H:%M'.",
        )


def _require_posts(tally: Tally, weeks: Weeks) -> None:
    if tally.n_left:
        return
    n_rows = sum(file.rows for file in tally.files)
    reasons = sum((file.dropped for file in tally.files), Counter[str]())
    why = ", ".join(f"{reason} {n}" for reason, n in reasons.most_common())
    span = ""
    if tally.first_time is not None and tally.last_time is not None:
        days = f"from {tally.first_time.date()} to {tally.last_time.date()}"
        span = f"The posts run {days}, the weeks from {weeks.first} to {weeks.last}."
    raise InputError(f"no post of {n_rows} rows is left{': ' if why else ''}{why}", span or None)
