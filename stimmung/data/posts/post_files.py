"""Stream posts from csv, jsonl and parquet files, plain or compressed, as batches of columns of valid text."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stimmung.data.posts.compressed_files import COMPRESSED, DAMAGE, name_within, opened
from stimmung.data.posts.file_patterns import matching_files
from stimmung.data.posts.json_posts import NoSuchListError, NotJsonError, PostDecoder
from stimmung.data.posts.json_values import LABEL, NESTED, flat_value, has_key, values_of
from stimmung.data.posts.post_lines import csv_rows, json_rows, text_blocks
from stimmung.vocabulary.errors import InputError, did_you_mean
from stimmung.vocabulary.posts import PostColumns, PostFormat

BATCH_ROWS = 20_000
BATCH_CHARACTERS = 8_000_000
PARQUET_BUFFER_BYTES = 1 << 20
TABULAR, LINES, PARQUET = (".csv", ".tsv"), (".jsonl", ".ndjson", ".json"), (".parquet",)
DELIMITERS = (",", ";", "\t", "|")
# The keys of a JSON object may be left out, so whether a file has these is known only from its values.
NEEDED = ("text", "time", "author", "post_id")
FIRST_INEXACT = 2.0**53  # from here on, float64 does not hold every whole number
TRUE = ("true", "t", "yes", "y", "1", "1.0")
REPEATED_KEY = "posts give a key twice, of which the last counts"

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
    odd: Counter[str] = field(default_factory=Counter)  # observation to the number of rows, which are kept


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
    """Yield the posts of one file, in order, in batches of bounded size; errors as in :func:`read_columns`."""
    return read_columns(path, columns.by_role(), format, columns.names)


def read_columns(
    path: Path, roles: Mapping[str, str], format: PostFormat, names: Sequence[str] = ()
) -> Iterator[RawPosts]:
    """Yield some columns of one file, in order, in batches of bounded size.

    ``roles`` says which column is which of :class:`RawPosts`; ``names`` are the columns of a csv file without a header line.

    Raises
    ------
    InputError
        If the file is absent, damaged, truncated, of an unknown kind, or lacks a column. No content is shown.
    """
    try:
        kind = _kind_of(path)
        if kind in PARQUET:
            yield from _read_parquet(path, roles)
        elif kind in TABULAR:
            yield from _read_csv(path, roles, format, names, "\t" if kind == ".tsv" else ",")
        else:
            yield from _read_json(path, roles, format)
    except FileNotFoundError as error:
        raise InputError(f"no file of posts at {path}", "A panel's `files` name it.") from error
    except NotJsonError as error:
        raise InputError(
            f"{path} is damaged or truncated: no JSON after its first {error.n_posts} posts",
            "If its list of posts stands under a key, name the key in `format.records`; else copy it again from its source.",
        ) from None
    except NoSuchListError as error:
        raise InputError(
            f"{path} has no list of posts at '{error}'",
            "`format.records` has the keys that lead to the list, joined by dots: messages, or data.children.data.",
        ) from None
    except DAMAGE as error:
        # Not the library's own message, which may quote the file.
        raise InputError(
            f"{path} is damaged or truncated ({type(error).__name__})", "Copy it again from its source."
        ) from None


def _kind_of(path: Path) -> str:
    """Return the suffix of what a file holds; what has none but begins as JSON does, such as Reddit's RC_2019-01.zst, is JSON."""
    name = name_within(path)
    kind = Path(name).suffix.lower()
    if kind in PARQUET and name != path.name:
        raise InputError(
            f"{path} is a compressed parquet file", "Decompress it; parquet files are compressed inside."
        )
    if kind in (*TABULAR, *LINES, *PARQUET):
        return kind
    with opened(path) as stream:
        head = next(text_blocks(stream), "")
    if head.lstrip().startswith(("{", "[")):
        return LINES[0]
    known = f"{', '.join((*TABULAR, *LINES))}, plain or with {', '.join(COMPRESSED)}, and {PARQUET[0]}"
    raise InputError(f"{path} is not a kind of file that posts can be read from", f"Known: {known}.")


def _read_csv(
    path: Path, roles: Mapping[str, str], format: PostFormat, names: Sequence[str], delimiter: str
) -> Iterator[RawPosts]:
    with opened(path) as stream:
        rows = csv_rows(text_blocks(stream, format.encoding), delimiter)
        header: list[str] | None = list(names) or next(rows, None)
        if header is None:
            raise InputError(
                f"{path} has no header line",
                "If it has none on purpose, name the columns in `columns.names`.",
            )
        if not (format.delimiter or _has_all(roles, header)) and (
            other := _other_delimiter(path, roles, format)
        ):
            yield from _read_csv(path, roles, format.model_copy(update={"delimiter": other}), names, other)
            return
        _require(
            roles, header, path, "If its first line is not a header, name the columns in `columns.names`."
        )
        places = {role: header.index(column) for role, column in roles.items()}
        n = len(header)
        for batch in _batches(rows, _length_of_fields):
            whole = [row for row in batch if row is not None and (len(row) == n or _ends_empty(row, n))]
            picked = {role: [row[place] for row in whole] for role, place in places.items()}
            yield _from_values(picked, Counter({"malformed-row": len(batch) - len(whole)}))


def _other_delimiter(path: Path, roles: Mapping[str, str], format: PostFormat) -> str | None:
    """Return what separates the columns if it is not what the suffix says: where commas are decimal, Excel writes semicolons."""
    for delimiter in DELIMITERS:
        with opened(path) as stream:
            header = next(csv_rows(text_blocks(stream, format.encoding), delimiter), None)
        if _has_all(roles, header or []):
            return delimiter
    return None


def _has_all(roles: Mapping[str, str], header: Sequence[str]) -> bool:
    return set(roles.values()) <= set(header)


def _ends_empty(row: Sequence[str], n_columns: int) -> bool:
    """Whether a row has all columns, and more fields only because it ends in delimiters, as some programs write it."""
    return len(row) > n_columns and not any(row[n_columns:])


def _read_json(path: Path, roles: Mapping[str, str], format: PostFormat) -> Iterator[RawPosts]:
    decoder = PostDecoder(column.rsplit(".", 1)[-1] for column in roles.values())
    needed = {role: column for role, column in roles.items() if role in NEEDED}
    present: set[str] = set()
    n_rows = 0
    with opened(path) as stream:
        objects = json_rows(text_blocks(stream, format.encoding), decoder, format.records)
        for batch in _batches(objects, _length_of_texts):
            rows = [row for row in batch if row is not None]
            present |= set() if n_rows else set().union(*rows[:1])
            n_rows += len(batch)
            present |= {
                column
                for column in needed.values()
                if column not in present and any(has_key(row, column) for row in rows)
            }
            found = {
                role: [flat_value(role, value) for value in values_of(rows, column)]
                for role, column in roles.items()
            }
            plain = [
                not any(value is NESTED for value in values) for values in zip(*found.values(), strict=True)
            ]
            picked = {role: list(itertools.compress(values, plain)) for role, values in found.items()}
            odd = Counter({REPEATED_KEY: decoder.n_repeated})
            decoder.n_repeated = 0
            yield _from_values(picked, Counter({"malformed-row": len(batch) - sum(plain)}), odd)
    if n_rows:
        hint = "No post has this key. Of a JSON document, `format.records` names the list of posts."
        _require(needed, present, path, hint)


def _read_parquet(path: Path, roles: Mapping[str, str]) -> Iterator[RawPosts]:
    # pre_buffer would hold a row group whole, and some files are one row group.
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=PARQUET_BUFFER_BYTES) as file:
        schema = file.schema_arrow
        inner = {column for column in roles.values() if _field(schema, column) is not None}
        _require(
            roles, [*schema.names, *(inner - set(schema.names))], path, "The panel's `columns` name them."
        )
        for role, column in roles.items():
            _require_kind(role, column, _field(schema, column).type, path)
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=sorted(set(roles.values()))):
            arrays = {role: _array(batch, column) for role, column in roles.items()}
            yield _from_arrays({role: _unnested(role, array) for role, array in arrays.items()}, Counter())


def _field(schema: pa.Schema, column: str) -> Any:
    """Return a column of a parquet file, or the field `id` inside `user` for `user.id`; None if there is none."""
    if column in schema.names:
        return schema.field(schema.names.index(column))
    first, *inner = column.split(".")
    found: Any = schema.field(schema.names.index(first)) if inner and first in schema.names else None
    for name in inner:
        is_there = (
            found is not None and pa.types.is_struct(found.type) and found.type.get_field_index(name) >= 0
        )
        found = found.type.field(name) if is_there else None
    return found


def _array(batch: pa.RecordBatch, column: str) -> pa.Array:
    if column in batch.schema.names:
        return batch.column(column)
    first, *inner = column.split(".")
    return pc.struct_field(batch.column(first), inner)


def _unnested(role: str, array: pa.Array) -> pa.Array:
    """Return nested values as text, where the role may have them; other arrays as they are."""
    if not pa.types.is_nested(array.type):
        return array
    if pa.types.is_struct(array.type):
        return pc.is_valid(array)
    return pa.array([flat_value(role, value) for value in array.to_pylist()], pa.string())


def _require(roles: Mapping[str, str], present: Iterable[str], path: Path, hint: str) -> None:
    known = list(present)
    # A line without any of the names may be a post instead of a header, and is not shown.
    names = known if set(known) & set(roles.values()) else []
    absent = {role: name for role, name in roles.items() if name not in known}
    if set(absent) == {"author"}:
        hint = f"If authors are unknown, set `columns.author: null`. {hint}"
    if absent:
        said = [f"'{name}'{did_you_mean(name, names)} for the {role}" for role, name in absent.items()]
        raise InputError(f"{path} has no column {', no column '.join(said)}", hint)
    if twice := sorted({name for name in roles.values() if known.count(name) > 1}):
        raise InputError(
            f"{path} has more than one column '{twice[0]}'",
            "Which one is meant cannot be said; rename the others.",
        )


def _require_kind(role: str, column: str, kind: pa.DataType, path: Path) -> None:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    allowed = _is_textual(value)
    if role != "text":
        allowed |= pa.types.is_integer(value) or pa.types.is_floating(value) or pa.types.is_boolean(value)
        allowed |= pa.types.is_decimal(value)
    if role == "time":
        allowed |= pa.types.is_timestamp(value) or pa.types.is_date(value)
    if role == "retweet":
        allowed |= pa.types.is_nested(value)
    if role.startswith(LABEL):
        allowed |= pa.types.is_list(value) or pa.types.is_large_list(value)
    if not allowed:
        raise InputError(f"{path}: column '{column}' holds {kind}, which cannot be the {role} of a post")


def _batches(rows: Iterator[Row], length: Callable[[Row], int]) -> Iterator[list[Row]]:
    """Group rows into batches, limited in rows and in characters."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += length(row)
        if len(batch) >= BATCH_ROWS or size >= BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _length_of_fields(row: list[str] | None) -> int:
    return sum(map(len, row)) if row else 0


def _length_of_texts(row: dict[str, Any] | None) -> int:
    return sum(len(value) for value in row.values() if isinstance(value, str)) if row else 0


def _from_values(
    picked: Mapping[str, Sequence[str | None]], dropped: Counter[str], odd: Counter[str] | None = None
) -> RawPosts:
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
    return _from_arrays(arrays, dropped, odd)


def _from_arrays(
    arrays: dict[str, pa.Array], dropped: Counter[str], odd: Counter[str] | None = None
) -> RawPosts:
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
    return RawPosts(table, +dropped, +(odd or Counter()))


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
