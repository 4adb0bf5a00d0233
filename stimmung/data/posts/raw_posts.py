"""Rows of a file of posts, of whatever kind: its columns by role, of valid text."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from stimmung.vocabulary.errors import InputError, did_you_mean

FIRST_INEXACT = 2.0**53  # from here on, float64 does not hold every whole number


@dataclass(frozen=True)
class RawPosts:
    """Some rows of a file.

    There is a column for each role of `PostColumns`: valid text, except ``time``, which may also be a number or a timestamp.
    Absent values are null.
    """

    columns: pa.Table
    dropped: Counter[str]  # reason to the number of rows that could not be read
    odd: Counter[str] = field(default_factory=Counter)  # observation to the number of rows, which are kept


def require_columns(roles: Mapping[str, str], present: Iterable[str], path: Path, hint: str) -> None:
    """Raise an InputError unless each role's column is among those ``present``, once."""
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


def from_values(
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
    return from_arrays(arrays, dropped, odd)


def from_arrays(
    arrays: dict[str, pa.Array], dropped: Counter[str], odd: Counter[str] | None = None
) -> RawPosts:
    """Return columns by role, without the rows whose text is not valid; these are counted in ``dropped``."""
    arrays = {
        role: array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
        for role, array in arrays.items()
    }
    # As bytes: a text column of a parquet file may contain anything, and only the cast from bytes to text validates.
    raw = {
        role: _as_bytes(array) for role, array in arrays.items() if role != "time" or is_textual(array.type)
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
    return (array if is_textual(array.type) else array.cast(pa.string())).cast(pa.binary())


def _is_utf8(value: bytes | None) -> bool:
    try:
        (value or b"").decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def is_textual(kind: pa.DataType) -> bool:
    """Whether a column of this type may hold text, or nothing at all."""
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_binary)
    return any(test(kind) for test in (*tests, pa.types.is_large_binary, pa.types.is_null))
