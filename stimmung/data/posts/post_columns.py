"""Values of posts, as files have them, as columns of valid text; a row that cannot be one costs itself, counted."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

Columns = Mapping[str, Sequence[str | None]]


@dataclass(frozen=True)
class RawPosts:
    """Some rows of a file.

    Attributes
    ----------
    columns
        A column for each role of `PostColumns`: valid text, but for ``time``, which may also be a number or a
        timestamp. Nulls stand for absent values.
    dropped
        Reason to the number of rows that could not be read.
    """

    columns: pa.Table
    dropped: Counter[str]


def columns_from_values(picked: Columns, dropped: Counter[str]) -> RawPosts:
    """Return text that was decoded with surrogates for what is no UTF-8, by role, without the rows that have any.

    Parameters
    ----------
    picked
        Role to the values, all of one length.
    dropped
        Rows that are lost already, by reason; more are counted in it.
    """
    try:
        columns = {role: pa.array(values, pa.string()) for role, values in picked.items()}
    except UnicodeEncodeError:
        # Lone surrogates, the mark of bytes that were no UTF-8. Only now is it worth a look at every value.
        valid = [all(map(_is_encodable, values)) for values in zip(*picked.values(), strict=True)]
        dropped["broken-utf8"] += len(valid) - sum(valid)
        columns = {
            role: pa.array(list(itertools.compress(values, valid)), pa.string())
            for role, values in picked.items()
        }
    return _without_nul(pa.table(columns), dropped)


def _is_encodable(value: str | None) -> bool:
    try:
        (value or "").encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def columns_from_arrays(arrays: dict[str, pa.Array]) -> RawPosts:
    """Return the columns of a parquet file, by role, without the rows that hold no valid text."""
    arrays = {
        role: array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
        for role, array in arrays.items()
    }
    # As bytes: parquet files may hold anything in a text column, and only the cast from bytes to text looks.
    raw = {
        role: _as_bytes(array) for role, array in arrays.items() if role != "time" or is_textual(array.type)
    }
    dropped: Counter[str] = Counter()
    try:
        columns = arrays | {role: array.cast(pa.string()) for role, array in raw.items()}
    except pa.ArrowInvalid:
        lists = [array.to_pylist() for array in raw.values()]
        valid = pa.array([all(map(_is_decodable, values)) for values in zip(*lists, strict=True)], pa.bool_())
        dropped["broken-utf8"] += len(valid) - valid.true_count
        columns = {role: array.filter(valid) for role, array in arrays.items()}
        columns |= {role: array.filter(valid).cast(pa.string()) for role, array in raw.items()}
    return _without_nul(pa.table(columns), dropped)


def _as_bytes(array: pa.Array) -> pa.Array:
    if pa.types.is_floating(array.type) and bool(pc.all(pc.equal(pc.floor(array), array)).as_py()):
        # pandas makes floats of whole numbers where one is missing; author 12.0 is author 12.
        array = array.cast(pa.int64())
    return (array if is_textual(array.type) else array.cast(pa.string())).cast(pa.binary())


def _is_decodable(value: bytes | None) -> bool:
    try:
        (value or b"").decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _without_nul(table: pa.Table, dropped: Counter[str]) -> RawPosts:
    has_nul = pc.fill_null(pc.match_substring(table["text"], "\x00"), False)
    n_nul = pc.sum(has_nul).as_py() or 0
    if n_nul:
        dropped["nul-bytes"] += n_nul
        table = table.filter(pc.invert(has_nul))
    return RawPosts(table, +dropped)


def is_textual(kind: pa.DataType) -> bool:
    """Whether a column of this type may hold text, or nothing at all."""
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_binary)
    return any(test(kind) for test in (*tests, pa.types.is_large_binary, pa.types.is_null))
