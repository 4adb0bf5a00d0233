"""Read a panel of posts once, and write a table for each of its weeks."""

import logging
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stimmung.data.posts.authors import keyed_digests
from stimmung.data.posts.cleaning import clean_texts, is_emoji_only, odd_texts
from stimmung.data.posts.lost_rows import FAULTS, MANY_OF_A_FILE, look_of_time, refuse_if_many
from stimmung.data.posts.post_files import TRUE, PostFile, read_post_file
from stimmung.data.posts.post_times import OUTSIDE, parse_times, week_numbers
from stimmung.data.posts.post_weeks import SPILL, Activity, WeekSpill, write_week
from stimmung.data.posts.reading_report import Tally, reading_report, summary
from stimmung.vocabulary.errors import InputError, warn
from stimmung.vocabulary.posts import Cleaning, PostColumns, PostFilters, PostFormat
from stimmung.vocabulary.weeks import Weeks

logger = logging.getLogger(__name__)

SCRATCH = ".reading"
RETWEET_SIGN = "RT @"
REMOVED = pa.array(["[removed]", "[deleted]"])  # what Reddit leaves of a post, or of its author
_TRUE = pa.array(TRUE)
_FALSE = pa.array(["false", "f", "no", "n", "0", "0.0", "", "nan", "none", "null", "{}", None])
_POST = r"(?s)^\{.+\}$"  # a post inside the post, as csv files hold it
# How a spreadsheet, which keeps 15 digits, writes 1213270123456789012.
_WITH_EXPONENT = r"^[0-9]([.,][0-9]+)?[eE]\+?[0-9]+$"
_ENDS_IN_ZEROS = r"^[1-9][0-9]{14}0{2,}$"
_SEPARATOR = "\x1f"


@dataclass(frozen=True)
class PostReader:
    """How a panel's posts are read: the sections of the config, and the salt of this study's hashes."""

    columns: PostColumns
    format: PostFormat
    weeks: Weeks
    filters: PostFilters
    cleaning: Cleaning
    salt: bytes


def read_panel(files: Sequence[PostFile], reader: PostReader, posts: Path) -> dict[str, Any]:
    """Read all files of a panel and write ``posts/{week}.parquet`` for every declared week.

    All files are read once, in batches. A week whose posts are the same as before keeps its file, with its
    time stamp. A week without posts gets an empty table. Returns the report, see :func:`reading_report`.

    Raises
    ------
    InputError
        If a file cannot be read, more rows are lost than ``format.max_lost_share`` allows, or no post is left.
    """
    if reader.columns.time is None and any(file.week is None for file in files):
        raise InputError("files of posts have neither a column of times nor a week in their names")
    labels = reader.weeks.labels()
    tally = Tally()
    activity = None if reader.columns.author is None else Activity()
    finished = {}
    with _scratch(posts / SCRATCH) as folder:
        with closing(WeekSpill(folder, labels)) as spill:
            for file in files:
                _set_aside(file, reader, spill, tally)
        for pattern, n_rows in tally.rows.items():
            refuse_if_many(tally.reasons(pattern), n_rows, reader.format, pattern, tally.odd_time)
        _require_posts(tally, reader.weeks)
        for label in labels:
            scratch = spill.file(label)
            finished[label] = write_week(scratch, label, posts / f"{label}.parquet", reader.filters, activity)
            scratch.unlink(missing_ok=True)
    report = reading_report(tally, finished, 0.0 if activity is None else activity.largest_share)
    for warning in report["warnings"]:
        warn(logger, warning)
    for source in report["sources"]:
        logger.info("%s: %d files, %d rows", source["files"], source["n_files"], source["rows"])
    logger.info("%d of %d weeks changed", sum(week.changed for week in finished.values()), len(labels))
    logger.info(summary(report))
    if report["dropped"]:
        print(summary(report), file=sys.stderr)
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
    """Some posts on their way to their weeks; every row that is dropped is counted."""

    def __init__(self, posts: pa.Table, labels: list[str], tally: Tally) -> None:
        self.posts = posts
        self.weeks: npt.NDArray[np.int64] = np.full(len(posts), OUTSIDE)
        self._labels = labels
        self._tally = tally

    def __getitem__(self, role: str) -> pa.ChunkedArray:
        return self.posts[role]

    def __contains__(self, role: str) -> bool:
        return role in self.posts.column_names

    def drop(self, lost: pa.ChunkedArray | npt.NDArray[np.bool_], reason: str) -> None:
        mask = np.asarray(lost, dtype=bool)
        if not mask.any():
            return
        for week, n in zip(*np.unique(self.weeks[mask], return_counts=True), strict=True):
            self._tally.drop(None if week == OUTSIDE else self._labels[week], reason, int(n))
        self.posts = self.posts.filter(pa.array(~mask))
        self.weeks = self.weeks[~mask]

    def put(self, name: str, values: pa.ChunkedArray) -> None:
        posts = self.posts.drop_columns(name) if name in self else self.posts
        self.posts = posts.append_column(name, values)


def _set_aside(file: PostFile, reader: PostReader, spill: WeekSpill, tally: Tally) -> None:
    """Read one file into the scratch files of its weeks."""
    labels = reader.weeks.labels()
    tally.open(file.pattern)
    for raw in read_post_file(file.path, reader.columns, reader.format):
        n_before = tally.rows_of_file
        tally.read(len(raw.columns) + raw.dropped.total())
        for reason, n in raw.dropped.items():
            tally.drop(None, reason, n)
        tally.notice(raw.odd)
        if "retweet" in raw.columns.column_names:
            flags = raw.columns["retweet"]
            tally.see_flags(len(flags) - _n_true(_is_absent(flags)))
        batch = _Batch(raw.columns, labels, tally)
        if file.week is None:
            _place(batch, reader, tally)
        else:
            batch.weeks[:] = labels.index(file.week)
        _filter(batch, reader, tally)
        _clean(batch, reader, tally)
        if len(batch.posts):
            place = f"{file.path}{_SEPARATOR}{n_before}"
            spill.add(_as_spilled(batch.posts, reader, place), batch.weeks)
    lost, n_rows = tally.dropped_of_file, tally.rows_of_file
    if sum(lost[reason] for reason in FAULTS) >= MANY_OF_A_FILE:
        refuse_if_many(lost, n_rows, reader.format, str(file.path), tally.odd_time)


def _place(batch: _Batch, reader: PostReader, tally: Tally) -> None:
    """Find the week of each post, and drop those without one."""
    batch.drop(_is_absent(batch["time"]), "no-time")
    times = parse_times(batch["time"], reader.format)
    unparsable = np.asarray(times.isna())
    if unparsable.any():
        tally.odd_time = tally.odd_time or look_of_time(batch["time"][int(unparsable.argmax())].as_py())
    batch.drop(unparsable, "unparsable-time")
    times = times[~unparsable]
    tally.see(times)
    batch.weeks = week_numbers(times, reader.weeks)
    batch.put("time", pa.array(times.asi8))
    batch.drop(batch.weeks == OUTSIDE, "outside-weeks")


def _filter(batch: _Batch, reader: PostReader, tally: Tally) -> None:
    """Drop the posts that are of no use, as their file shows."""
    for role, reason in (("text", "no-text"), ("author", "no-author"), ("post_id", "no-id")):
        if role in batch:
            batch.drop(_is_absent(batch[role]), reason)
    for role in ("text", "author"):
        if role in batch and reader.filters.removed == "drop":
            batch.drop(pc.is_in(batch[role], REMOVED), "removed")
    for role in ("author", "post_id"):
        if role in batch:
            said = (
                f"values of the {role} look rounded, like 1.21327E+18: different ones may have become equal"
            )
            tally.notice({said: _n_rounded(batch[role])})
    if reader.filters.retweets == "drop" and "retweet" in batch:
        flags = pc.utf8_lower(pc.utf8_trim_whitespace(batch["retweet"]))
        true = pc.or_(pc.is_in(flags, _TRUE), pc.fill_null(pc.match_substring_regex(flags, _POST), False))
        neither = pc.invert(pc.or_(true, pc.is_in(flags, _FALSE)))
        said = f"values of '{reader.columns.retweet}' are neither true nor false, and count as false"
        tally.notice({said: _n_true(neither)})
        batch.drop(true, "retweet")
    elif reader.filters.retweets == "drop":
        batch.drop(pc.starts_with(batch["text"], RETWEET_SIGN), "retweet")
    if reader.filters.languages:
        batch.drop(pc.invert(pc.is_in(batch["language"], pa.array(reader.filters.languages))), "language")


def _n_true(rows: pa.ChunkedArray) -> int:
    return pc.sum(rows).as_py() or 0


def _n_rounded(values: pa.ChunkedArray) -> int:
    """Return how many identifiers a spreadsheet rounded: those with an exponent, and those of 15 digits and zeros, if most are."""
    rounded = values.filter(pc.match_substring_regex(values, f"{_WITH_EXPONENT}|{_ENDS_IN_ZEROS}"))
    zeros = _n_true(pc.match_substring_regex(rounded, _ENDS_IN_ZEROS))
    return len(rounded) - (zeros if zeros <= len(values) / 2 else 0)


def _clean(batch: _Batch, reader: PostReader, tally: Tally) -> None:
    """Add the cleaned text, and drop the posts that cleaning leaves too little of."""
    texts = batch["text"].combine_chunks()
    tally.notice(odd_texts(texts, reader.cleaning))
    batch.put("cleaned", clean_texts(texts, reader.cleaning))
    batch.drop(pc.equal(pc.utf8_length(batch["cleaned"]), 0), "nothing-left")
    if reader.filters.emoji_only == "drop":
        batch.drop(is_emoji_only(batch["cleaned"].combine_chunks()), "emoji-only")
    batch.drop(pc.less(pc.utf8_length(batch["cleaned"]), reader.filters.min_characters), "too-short")


def _as_spilled(posts: pa.Table, reader: PostReader, place: str) -> pa.Table:
    """Return posts as scratch files hold them: hashes and the cleaned text."""
    moment = [posts["time"].cast(pa.string())] if "time" in posts.column_names else []
    author = [posts["author"]] if "author" in posts.column_names else []
    # A post is known by its identifier; without one by its time, author and text; without a time by its place in its file.
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
    # Without the salt, so that the posts of a week are in the same order in every study that reads them.
    order = keyed_digests(_joined([*moment, posts["text"]]), b"")
    who = keyed_digests(author[0], reader.salt) if author else np.zeros(len(posts), np.uint64)
    return pa.table([order, post, who, text_key, posts["cleaned"]], schema=SPILL)


def _joined(columns: Sequence[pa.ChunkedArray]) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(*columns, _SEPARATOR)


def _is_absent(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whether values are null or empty. The texts 'null' and 'nan' are texts."""
    textual = pa.types.is_string(values.type)
    return pc.fill_null(pc.equal(values, ""), True) if textual else pc.is_null(values)


def _require_posts(tally: Tally, weeks: Weeks) -> None:
    n_rows, reasons = tally.rows.total(), tally.reasons()
    if n_rows > reasons.total():
        return
    why = ", ".join(f"{reason} {n}" for reason, n in reasons.most_common())
    hint = None
    if tally.first_time is not None and tally.last_time is not None:
        days = f"from {tally.first_time.date()} to {tally.last_time.date()}"
        hint = f"The posts run {days}, the weeks from {weeks.first} to {weeks.last}."
    raise InputError(f"no post of {n_rows} rows is left{': ' if why else ''}{why}", hint)
