"""Stream posts from csv, jsonl and parquet files, plain or compressed, as batches of columns of valid text."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from stimmung.data.posts.compressed_files import COMPRESSED, DAMAGE, name_within, opened
from stimmung.data.posts.file_patterns import matching_files
from stimmung.data.posts.json_posts import NoSuchListError, NotJsonError, PostDecoder
from stimmung.data.posts.json_values import NESTED, flat_value, has_key, values_of
from stimmung.data.posts.parquet_posts import BATCH_ROWS, read_parquet
from stimmung.data.posts.post_lines import csv_rows, json_rows, text_blocks
from stimmung.data.posts.raw_posts import RawPosts, from_values, require_columns
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.posts import PostColumns, PostFormat

BATCH_CHARACTERS = 8_000_000
TABULAR, LINES, PARQUET = (".csv", ".tsv"), (".jsonl", ".ndjson", ".json"), (".parquet",)
DELIMITERS = (",", ";", "\t", "|")
# The keys of a JSON object may be left out, so whether a file has these is known only from its values.
NEEDED = ("text", "time", "author", "post_id")
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
            yield from read_parquet(path, roles)
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
        require_columns(
            roles, header, path, "If its first line is not a header, name the columns in `columns.names`."
        )
        places = {role: header.index(column) for role, column in roles.items()}
        n = len(header)
        for batch in _batches(rows, _length_of_fields):
            whole = [row for row in batch if row is not None and (len(row) == n or _ends_empty(row, n))]
            picked = {role: [row[place] for row in whole] for role, place in places.items()}
            yield from_values(picked, Counter({"malformed-row": len(batch) - len(whole)}))


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
            yield from_values(picked, Counter({"malformed-row": len(batch) - sum(plain)}), odd)
    if n_rows:
        hint = "No post has this key. Of a JSON document, `format.records` names the list of posts."
        require_columns(needed, present, path, hint)


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
