"""Stream posts from csv, jsonl and parquet files, plain or compressed, as batches of plain columns."""

import bz2
import glob
import gzip
import itertools
import lzma
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from stimmung.data.posts.post_columns import (
    Columns,
    RawPosts,
    columns_from_arrays,
    columns_from_values,
    is_textual,
)
from stimmung.data.posts.post_lines import NotUtf8Error, Stream, csv_rows, json_rows
from stimmung.vocabulary.errors import InputError, near
from stimmung.vocabulary.posts import WEEK_IN_NAME, PostColumns, PostFormat

BATCH_ROWS = 20_000
BATCH_CHARACTERS = 8_000_000
PARQUET_BUFFER_BYTES = 1 << 20
TABULAR, LINES, PARQUET = (".csv", ".tsv"), (".jsonl", ".ndjson", ".json"), (".parquet",)
COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
# Roles that are known to be there only from the values: the keys of a JSON object may be left out.
NEEDED = ("text", "time", "author", "post_id")

Row = TypeVar("Row")


@dataclass(frozen=True)
class PostFile:
    """One file of a panel.

    Attributes
    ----------
    path
        Where it is. Some panels have a file for each author, called after them, so a path is shown in an
        error about this file and nowhere else.
    pattern
        What it was found by; this stands in logs and reports.
    week
        The label of the week that its name gives, if it gives one.
    """

    path: Path
    pattern: str
    week: str | None = None


def find_post_files(patterns: Sequence[str], weeks: Sequence[str], root: Path = Path()) -> list[PostFile]:
    """Return the files that the patterns name, sorted by path, each once.

    Parameters
    ----------
    patterns
        Paths with ``*``, ``?``, ``**``, and ``{week}`` where the file's name gives the week's label.
    weeks
        The labels that ``{week}`` may stand for.
    root
        The folder that relative patterns start from.

    Raises
    ------
    InputError
        If a pattern names no file.
    """
    found: dict[Path, PostFile] = {}
    for pattern in patterns:
        labels = weeks if WEEK_IN_NAME in pattern else [None]
        named = [
            PostFile(root / name, pattern, label)
            for label in labels
            for name in glob.glob(pattern.replace(WEEK_IN_NAME, label or ""), root_dir=root, recursive=True)  # noqa: PTH207
            if (root / name).is_file()
        ]
        if not named:
            raise InputError(
                f"no file of posts matches '{pattern}'",
                "`files` are paths from where snakemake is started; {week} is the label of a declared week.",
            )
        found |= {file.path: file for file in named}
    return [found[path] for path in sorted(found)]


def read_post_file(path: Path, columns: PostColumns, layout: PostFormat) -> Iterator[RawPosts]:
    """Yield the posts of one file, in order, in batches of bounded size.

    Raises
    ------
    InputError
        If the file is absent, damaged, cut off, of an unknown kind, or lacks a column. No content is shown.
    """
    kinds = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in COMPRESSED]
    kind = kinds[-1] if kinds else ""
    try:
        if kind in PARQUET:
            yield from _read_parquet(path, columns)
        elif kind in TABULAR:
            with _opened(path) as stream:
                yield from _read_csv(
                    path, stream, columns, layout.delimiter or ("\t" if kind == ".tsv" else ",")
                )
        elif kind in LINES:
            with _opened(path) as stream:
                yield from _read_json(path, stream, columns)
        else:
            known = (
                f"{', '.join((*TABULAR, *LINES))}, plain or with {', '.join(COMPRESSED)}, and {PARQUET[0]}"
            )
            raise InputError(f"{path} is no file of posts that can be read", f"Known: {known}.")
    except FileNotFoundError as error:
        raise InputError(f"no file of posts at {path}", "A panel's `files` name it.") from error
    except NotUtf8Error as error:
        raise InputError(
            f"{path} is {error}, not UTF-8", f"Convert it: iconv -f {error} -t UTF-8."
        ) from error
    except (EOFError, OSError, zlib.error, lzma.LZMAError, pa.ArrowException) as error:
        # Not the library's own message, which may quote the file.
        raise InputError(
            f"{path} is damaged or cut off ({type(error).__name__})", "Copy it anew from its source."
        ) from None


def _opened(path: Path) -> Any:
    match path.suffix.lower():
        case ".gz":
            return gzip.open(path)
        case ".bz2":
            return bz2.open(path)
        case ".xz":
            return lzma.open(path)
        case ".zst":
            return pa.input_stream(path, compression="zstd")
    return path.open("rb")


def _read_csv(path: Path, stream: Stream, columns: PostColumns, delimiter: str) -> Iterator[RawPosts]:
    rows = csv_rows(stream, delimiter)
    header: list[str] | None = columns.names or next(rows, None)
    if header is None:
        raise InputError(
            f"{path} has no header line", "If it has none on purpose, `columns.names` names the columns."
        )
    roles = columns.by_role()
    _require(roles, header, path, "If its first line is no header, `columns.names` names the columns.")
    places = {role: header.index(column) for role, column in roles.items()}
    for batch in _batches(rows):
        whole = [row for row in batch if row is not None and len(row) == len(header)]
        picked: Columns = {role: [row[place] for row in whole] for role, place in places.items()}
        yield columns_from_values(picked, Counter({"malformed-row": len(batch) - len(whole)}))


def _read_json(path: Path, stream: Stream, columns: PostColumns) -> Iterator[RawPosts]:
    roles = columns.by_role()
    seen: set[str] = set()
    n_rows = 0
    for batch in _batches(json_rows(stream)):
        n_rows += len(batch)
        rows = [row for row in batch if row is not None]
        found = {role: [_at(row, column) for row in rows] for role, column in roles.items()}
        seen |= {roles[role] for role, values in found.items() if any(value is not None for value in values)}
        plain = [
            not any(isinstance(value, dict | list) for value in values)
            for values in zip(*found.values(), strict=True)
        ]
        picked = {
            role: [_as_plain(value) for value in itertools.compress(values, plain)]
            for role, values in found.items()
        }
        yield columns_from_values(picked, Counter({"malformed-row": len(batch) - sum(plain)}))
    if n_rows:
        needed = {role: column for role, column in roles.items() if role in NEEDED}
        _require(needed, seen, path, "No line has a value there. jsonl has one JSON object on each line.")


def _read_parquet(path: Path, columns: PostColumns) -> Iterator[RawPosts]:
    # pre_buffer would hold a row group whole, and some files are one row group.
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=PARQUET_BUFFER_BYTES) as file:
        roles = columns.by_role()
        _require(roles, file.schema_arrow.names, path, "The panel's `columns` name them.")
        for role, column in roles.items():
            _require_kind(role, column, file.schema_arrow.field(column).type, path)
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=sorted(set(roles.values()))):
            yield columns_from_arrays({role: batch.column(column) for role, column in roles.items()})


def _require(roles: dict[str, str], present: Iterable[str], path: Path, hint: str) -> None:
    known = list(present)
    # Only a line that has one of the names is surely a header; any other may be a post, and is not shown.
    names = known if set(known) & set(roles.values()) else []
    absent = [
        f"'{name}'{near(name, names)} for the {role}" for role, name in roles.items() if name not in known
    ]
    if absent:
        raise InputError(f"{path} has no column {', no column '.join(absent)}", hint)


def _require_kind(role: str, column: str, kind: pa.DataType, path: Path) -> None:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    allowed = is_textual(value)
    if role != "text":
        allowed |= pa.types.is_integer(value) or pa.types.is_floating(value) or pa.types.is_boolean(value)
    if role == "time":
        allowed |= pa.types.is_timestamp(value) or pa.types.is_date(value)
    if not allowed:
        raise InputError(f"{path}: column '{column}' holds {kind}, which cannot be the {role} of a post")


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Group rows by number; a batch also ends where its texts have grown long."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += _length(row)
        if len(batch) >= BATCH_ROWS or size >= BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _length(row: Any) -> int:
    if isinstance(row, dict):
        return sum(len(value) for value in row.values() if isinstance(value, str))
    return sum(map(len, row or ()))


def _at(row: dict[str, Any], column: str) -> Any:
    """Return what a JSON object has under a key, or under keys joined by dots."""
    if column in row or "." not in column:
        return row.get(column)
    value: Any = row
    for key in column.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _as_plain(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)
