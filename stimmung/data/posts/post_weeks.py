"""Posts are set aside by week while files are read; at the end, each week's posts are put in order and written.

Memory does not grow with the panel: what is read goes to a scratch file for each week, and finishing a week
takes some 60 bytes for each of its posts, and the texts of one slice.
"""

import filecmp
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from stimmung.data.posts.authors import Digests, as_hex
from stimmung.vocabulary.atomic_files import digest_of_file
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.posts import PostFilters

ROW_GROUP = 20_000
FLUSH_ROWS, FLUSH_BYTES = 20_000, 8 << 20
SLICE_BYTES = 24 << 20
# `order` sorts the finished week, `post` identifies a post, `text_key` is equal for posts of which only one is kept.
_DIGESTS = ("order", "post", "author", "text_key")
SPILL = pa.schema([*((name, pa.uint64()) for name in _DIGESTS), ("text", pa.string())])
POSTS_FILE = pa.schema([(name, pa.string()) for name in ("post_id", "week", "author", "text")])

Rows = npt.NDArray[np.int64]


class WeekSpill:
    """A scratch file for each week, written a batch at a time, in the order of reading."""

    def __init__(self, folder: Path, labels: list[str]) -> None:
        self._folder = folder
        self._labels = labels
        self._writers: dict[str, pa.RecordBatchStreamWriter] = {}
        self._pending: list[pa.Table] = []

    def close(self) -> None:
        """Write what is pending, and close the files."""
        try:
            self._flush()
        finally:
            for writer in self._writers.values():
                writer.close()

    def add(self, posts: pa.Table, weeks: Rows) -> None:
        """Set posts aside; ``weeks`` has, for each post, the index of its week among the labels."""
        self._pending.append(posts.append_column("week", pa.array(weeks)))
        # Many panels are many small files; written one by one, each would add a tiny batch to every week.
        n_bytes = sum(part.nbytes for part in self._pending)
        if sum(map(len, self._pending)) >= FLUSH_ROWS or n_bytes >= FLUSH_BYTES:
            self._flush()

    def _flush(self) -> None:
        if not self._pending:
            return
        posts = pa.concat_tables(self._pending)
        self._pending = []
        weeks = posts["week"].to_numpy()
        by_week = np.argsort(weeks, kind="stable")
        posts = posts.drop_columns("week").take(pa.array(by_week))
        present, starts = np.unique(weeks[by_week], return_index=True)
        for week, start, end in zip(present, starts, [*starts[1:], len(weeks)], strict=True):
            self._writer(self._labels[week]).write_table(posts.slice(start, end - start))

    def file(self, label: str) -> Path:
        """Return where a week's posts are set aside."""
        return self._folder / f"{label}.arrow"

    def _writer(self, label: str) -> pa.RecordBatchStreamWriter:
        if label not in self._writers:
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            self._writers[label] = pa.ipc.new_stream(self.file(label), SPILL, options=options)
        return self._writers[label]


@dataclass(frozen=True)
class FinishedWeek:
    """Counts of a week's posts, and the digest of its file."""

    kept: int
    dropped: Counter[str]  # reason to number
    authors: int  # 0 where they are unknown
    largest_share: float  # of the week's posts, by its most active author; 0 where authors are unknown
    sha256: str
    changed: bool  # whether the file differs from the one before


class Activity:
    """How many posts each author of a panel has, added up week by week: 16 bytes for each author."""

    def __init__(self) -> None:
        self._authors: Digests = np.empty(0, np.uint64)
        self._posts_of: Rows = np.empty(0, np.int64)

    def add(self, authors: Digests) -> None:
        """Count one more post for each of ``authors``."""
        some, counts = np.unique(authors, return_counts=True)
        self._authors, place = np.unique(np.concatenate([self._authors, some]), return_inverse=True)
        posts_of = np.bincount(place, np.concatenate([self._posts_of, counts]), len(self._authors))
        self._posts_of = posts_of.astype(np.int64)

    @property
    def n_authors(self) -> int:
        """How many authors have posts."""
        return len(self._authors)

    @property
    def largest_share(self) -> float:
        """The share of all posts that the most active author wrote; 0 without posts."""
        return float(self._posts_of.max() / self._posts_of.sum()) if self.n_authors else 0.0


def write_week(
    spill: Path, label: str, target: Path, filters: PostFilters, activity: Activity | None
) -> FinishedWeek:
    """Put a week's posts in order, drop repeated ones and those beyond an author's cap, and write the rest.

    Posts are sorted by ``order``, a digest of time and text: it looks random, and does not depend on how files are
    called, on how they overlap or on the salt. A file whose bytes would be the same is left alone. A week without posts has no
    ``spill``. ``activity`` counts the posts of each author over all weeks; None: authors are unknown, and there is no cap.
    """
    if activity is None:
        filters = filters.model_copy(update={"max_posts_per_author": None})
    rows, dropped, n_rows = _chosen(spill, filters)
    post = _column(spill, "post")[rows]
    author = _column(spill, "author")[rows] if activity is not None else None
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        # Page statistics would copy the least and the greatest text into the file's end.
        with pq.ParquetWriter(
            draft, POSTS_FILE, compression="zstd", use_dictionary=["week", "author"], write_statistics=False
        ) as writer:
            for part in _slices(len(rows), spill):
                n = len(rows[part])
                names = pa.repeat("", n) if author is None else as_hex(author[part])
                texts = _texts(spill, rows[part], n_rows)
                columns = [as_hex(post[part]), pa.repeat(label, n), names, texts]
                writer.write_table(pa.table(columns, schema=POSTS_FILE), row_group_size=ROW_GROUP)
        changed = keep_if_equal(draft, target)
    finally:
        draft.unlink(missing_ok=True)
    ours = Activity()
    if activity is not None and author is not None:
        activity.add(author)
        ours.add(author)
    return FinishedWeek(
        len(rows), dropped, ours.n_authors, ours.largest_share, digest_of_file(target), changed
    )


def keep_if_equal(draft: Path, target: Path) -> bool:
    """Rename a draft to its target and return True, or False if they are equal: then the target keeps its time stamp."""
    if target.exists() and filecmp.cmp(draft, target, shallow=False):
        draft.unlink()
        return False
    draft.rename(target)
    return True


def _column(spill: Path, name: str) -> Digests:
    parts = [array.to_numpy() for array in _arrays(spill, name)]
    return np.concatenate([np.empty(0, np.uint64), *parts])


def _arrays(spill: Path, name: str) -> Iterator[pa.Array]:
    if not spill.exists():
        return
    options = pa.ipc.IpcReadOptions(included_fields=[SPILL.get_field_index(name)])
    with pa.ipc.open_stream(spill, options=options) as reader:
        for batch in reader:
            yield batch.column(0)


def _chosen(spill: Path, filters: PostFilters) -> tuple[Rows, Counter[str], int]:
    """Return the rows that are kept, in the week's order, how many are dropped and why, and of how many."""
    rows = np.lexsort((_column(spill, "post"), _column(spill, "order")))
    n_rows = len(rows)
    dropped: Counter[str] = Counter()
    for reason, name, cap in (
        ("same-post", "post", 1),
        ("duplicate-text", "text_key", 1 if filters.duplicates != "keep" else None),
        ("author-cap", "author", filters.max_posts_per_author),
    ):
        if cap is not None:
            kept = rows[_occurrence(_column(spill, name)[rows]) < cap]
            dropped[reason] = len(rows) - len(kept)
            rows = kept
    return rows, +dropped, n_rows


def _occurrence(keys: Digests) -> Rows:
    """Return for each place how often its key occurs before it."""
    grouped = np.argsort(keys, kind="stable")
    places = np.arange(len(keys))
    begins = np.append(True, keys[grouped[1:]] != keys[grouped[:-1]])[: len(keys)]
    before = np.empty(len(keys), np.int64)
    before[grouped] = places - np.maximum.accumulate(np.where(begins, places, 0))
    return before


def _slices(n_kept: int, spill: Path) -> list[slice]:
    """Divide the rows that are kept so that the texts of one slice fit into memory."""
    if not n_kept:
        return []
    bytes_per_post = max(1, spill.stat().st_size // n_kept)
    # Whole row groups, so that the file does not depend on the slices.
    size = max(1, SLICE_BYTES // bytes_per_post // ROW_GROUP) * ROW_GROUP
    return [slice(start, start + size) for start in range(0, n_kept, size)]


def _texts(spill: Path, rows: Rows, n_rows: int) -> pa.Array:
    """Return the texts of some rows of a scratch file, in the order of ``rows``."""
    wanted = np.zeros(n_rows, bool)
    wanted[rows] = True
    found = []
    start = 0
    for texts in _arrays(spill, "text"):
        found.append(texts.filter(pa.array(wanted[start : start + len(texts)])))
        start += len(texts)
    return pa.concat_arrays(found).take(pa.array(np.searchsorted(np.sort(rows), rows)))


def week_texts(path: Path) -> Iterator[pa.Array]:
    """Yield the texts of a week's posts table, a batch at a time.

    Raises
    ------
    InputError
        If the file is absent or is not a table of posts.
    """
    try:
        with pq.ParquetFile(path) as file:
            if file.schema_arrow.names != POSTS_FILE.names:
                raise InputError(
                    f"{path} is not a table of posts", "If an older version wrote it, delete it."
                )
            for batch in file.iter_batches(batch_size=ROW_GROUP, columns=["text"]):
                yield batch.column(0)
    except (FileNotFoundError, pa.ArrowException) as error:
        raise InputError(
            f"no readable table of posts at {path}", "Delete it and run snakemake again."
        ) from error
