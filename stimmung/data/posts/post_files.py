"""Stream posts from csv, jsonl and parquet files, plain or compressed, as batches of columns of valid text."""

import bz2
import gzip
import itertools
import lzma
import math
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stimmung.data.posts.file_patterns import matching_files
from stimmung.data.posts.post_lines import NotUtf8Error, csv_rows, json_rows
from stimmung.vocabulary.errors import InputError, did_you_mean
from stimmung.vocabulary.posts import PostColumns, PostFormat

BATCH_ROWS = 20_000
BATCH_CHARACTERS = 8_000_000
PARQUET_BUFFER_BYTES = 1 << 20
TABULAR, LINES, PARQUET = (".csv", ".tsv"), (".jsonl", ".ndjson", ".json"), (".parquet",)
COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
# The keys of a JSON object may be left out, so whether a file has these is known only from its values.
NEEDED = ("text", "time", "author", "post_id")
FIRST_INEXACT = 2.0**53  # from here on, float64 does not hold every whole number

Row = TypeVar("Row")


@dataclass(frozen=True)
class PostFile:
    """One file of a panel.

    Some panels have one file per author, named after the author, so the path is shown in an error about this file and nowhere
    else; logs and reports show the pattern that it matches.
    """

    path: Path
    pattern: str
    week: str | None = None  # the label of the week that its name gives


@dataclass(frozen=True)
class RawPosts:
    """Some rows of a file.

    There is a column for each role of `PostColumns`: valid text, except ``time``, which may also be a number or a timestamp.
    Absent values are null.
    """

    columns: pa.Table
    dropped: Counter[str]  # reason to the number of rows that could not be read


def find_post_files(patterns: Sequence[str], weeks: Sequence[str], root: Path = Path()) -> list[PostFile]:
    """Return the files that the patterns match, sorted by path, each once; parameters as in :func:`matching_files`.

    Raises
    ------
    InputError
        If a pattern matches no file.
    """
    found: dict[Path, PostFile] = {}
    for pattern, files in matching_files(patterns, weeks, root).items():
        if not files:
            raise InputError(
                f"no file of posts matches '{pattern}'",
                "`files` are paths from where snakemake is started; {week} is the label of a declared week.",
            )
        found |= {root / name: PostFile(root / name, pattern, week) for name, week in files.items()}
    return [found[path] for path in sorted(found)]


def read_post_file(path: Path, columns: PostColumns, format: PostFormat) -> Iterator[RawPosts]:
    """Yield the posts of one file, in order, in batches of bounded size.

    Raises
    ------
    InputError
        If the file is absent, damaged, truncated, of an unknown kind, or lacks a column. No content is shown.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = next((suffix for suffix in reversed(suffixes) if suffix not in COMPRESSED), "")
    try:
        if kind in PARQUET:
            yield from _read_parquet(path, columns)
        elif kind in TABULAR:
            delimiter = format.delimiter or ("\t" if kind == ".tsv" else ",")
            with _opened(path) as stream:
                yield from _read_csv(path, stream, columns, delimiter)
        elif kind in LINES:
            with _opened(path) as stream:
                yield from _read_json(path, stream, columns)
        else:
            known = (
                f"{', '.join((*TABULAR, *LINES))}, plain or with {', '.join(COMPRESSED)}, and {PARQUET[0]}"
            )
            raise InputError(f"{path} is not a kind of file that posts can be read from", f"Known: {known}.")
    except FileNotFoundError as error:
        raise InputError(f"no file of posts at {path}", "A panel's `files` name it.") from error
    except NotUtf8Error as error:
        raise InputError(
            f"{path} is {error}, not UTF-8", f"Convert it: iconv -f {error} -t UTF-8."
        ) from error
    except (EOFError, OSError, zlib.error, lzma.LZMAError, pa.ArrowException) as error:
        # Not the library's own message, which may quote the file.
        raise InputError(
            f"{path} is damaged or truncated ({type(error).__name__})", "Copy it again from its source."
        ) from None


def _opened(path: Path) -> Any:
    if path.suffix.lower() == ".zst":
        return pa.input_stream(path, compression="zstd")
    openers: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    return openers.get(path.suffix.lower(), open)(path, "rb")


def _read_csv(path: Path, stream: BinaryIO, columns: PostColumns, delimiter: str) -> Iterator[RawPosts]:
    rows = csv_rows(stream, delimiter)
    header: list[str] | None = columns.names or next(rows, None)
    if header is None:
        raise InputError(
            f"{path} has no header line", "If it has none on purpose, name the columns in `columns.names`."
        )
    roles = columns.by_role()
    _require(roles, header, path, "If its first line is not a header, name the columns in `columns.names`.")
    places = {role: header.index(column) for role, column in roles.items()}
    for batch in _batches(rows):
        whole = [row for row in batch if row is not None and len(row) == len(header)]
        picked = {role: [row[place] for row in whole] for role, place in places.items()}
        yield _from_values(picked, Counter({"malformed-row": len(batch) - len(whole)}))


def _read_json(path: Path, stream: BinaryIO, columns: PostColumns) -> Iterator[RawPosts]:
    roles = columns.by_role()
    seen: set[str] = set()
    n_rows = 0
    for batch in _batches(json_rows(stream)):
        n_rows += len(batch)
        rows = [row for row in batch if row is not None]
        found = {role: [_at(row, column) for row in rows] for role, column in roles.items()}
        seen |= {roles[role] for role, values in found.items() if any(value is not None for value in values)}
        rows_of_values = zip(*found.values(), strict=True)
        plain = [not any(isinstance(value, dict | list) for value in values) for values in rows_of_values]
        picked = {
            role: [_as_text(value) for value in itertools.compress(values, plain)]
            for role, values in found.items()
        }
        yield _from_values(picked, Counter({"malformed-row": len(batch) - sum(plain)}))
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
            yield _from_arrays({role: batch.column(column) for role, column in roles.items()}, Counter())


def _require(roles: dict[str, str], present: Iterable[str], path: Path, hint: str) -> None:
    known = list(present)
    # A line without any of the names may be a post instead of a header, and is not shown.
    names = known if set(known) & set(roles.values()) else []
    absent = [
        f"'{name}'{did_you_mean(name, names)} for the {role}"
        for role, name in roles.items()
        if name not in known
    ]
    if absent:
        raise InputError(f"{path} has no column {', no column '.join(absent)}", hint)


def _require_kind(role: str, column: str, kind: pa.DataType, path: Path) -> None:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    allowed = _is_textual(value)
    if role != "text":
        allowed |= pa.types.is_integer(value) or pa.types.is_floating(value) or pa.types.is_boolean(value)
    if role == "time":
        allowed |= pa.types.is_timestamp(value) or pa.types.is_date(value)
    if not allowed:
        raise InputError(f"{path}: column '{column}' holds {kind}, which cannot be the {role} of a post")


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Group rows into batches, limited in rows and in characters."""
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


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    # NaN is not valid JSON, but Python and pandas write it for a missing value.
    if isinstance(value, float) and math.isnan(value):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _from_values(picked: Mapping[str, Sequence[str | None]], dropped: Counter[str]) -> RawPosts:
    """Return text in which bytes that are not UTF-8 are lone surrogates, by role, without the rows that have any."""
    try:
        arrays = {role: pa.array(values, pa.string()) for role, values in picked.items()}
    except UnicodeEncodeError:
        # As bytes, which are not valid UTF-8 either. Slow, so only where a value needs it.
        encoded = {
            role: [value if value is None else value.encode("utf-8", "surrogatepass") for value in values]
            for role, values in picked.items()
        }
        arrays = {role: pa.array(values, pa.binary()) for role, values in encoded.items()}
    return _from_arrays(arrays, dropped)


def _from_arrays(arrays: dict[str, pa.Array], dropped: Counter[str]) -> RawPosts:
    """Return columns by role, without the rows whose text is not valid; these are counted in ``dropped``."""
    arrays = {
        role: array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
        for role, array in arrays.items()
    }
    # As bytes: a text column of a parquet file may contain anything, and only the cast from bytes to text validates.
    raw = {
        role: _as_bytes(array) for role, array in arrays.items() if role != "time" or _is_textual(array.type)
    }
    try:
        texts = {role: array.cast(pa.string()) for role, array in raw.items()}
    except pa.ArrowInvalid:
        lists = [array.to_pylist() for array in raw.values()]
        valid = pa.array([all(map(_is_utf8, values)) for values in zip(*lists, strict=True)], pa.bool_())
        dropped["broken-utf8"] += len(valid) - valid.true_count
        arrays = {role: array.filter(valid) for role, array in arrays.items()}
        texts = {role: array.filter(valid).cast(pa.string()) for role, array in raw.items()}
    table = pa.table(arrays | texts)
    has_nul = pc.fill_null(pc.match_substring(table["text"], "\x00"), False)
    if n_nul := pc.sum(has_nul).as_py():
        dropped["nul-bytes"] += n_nul
        table = table.filter(pc.invert(has_nul))
    return RawPosts(table, +dropped)


def _as_bytes(array: pa.Array) -> pa.Array:
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), None, array)
        exact = pc.and_(pc.equal(pc.floor(array), array), pc.less(pc.abs(array), FIRST_INEXACT))
        if pc.all(exact).as_py():
            # pandas turns whole numbers into floats where one is missing; author 12.0 is author 12.
            array = array.cast(pa.int64())
    return (array if _is_textual(array.type) else array.cast(pa.string())).cast(pa.binary())


def _is_utf8(value: bytes | None) -> bool:
    try:
        (value or b"").decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_textual(kind: pa.DataType) -> bool:
    """Whether a column of this type may hold text, or nothing at all."""
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_binary)
    return any(test(kind) for test in (*tests, pa.types.is_large_binary, pa.types.is_null))
