"""Posts of parquet files, whose columns may be nested."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stimmung.data.posts.json_values import LABEL, flat_value
from stimmung.data.posts.raw_posts import RawPosts, from_arrays, is_textual, require_columns
from stimmung.vocabulary.errors import InputError

BATCH_ROWS = 20_000
PARQUET_BUFFER_BYTES = 1 << 20


def read_parquet(path: Path, roles: Mapping[str, str]) -> Iterator[RawPosts]:
    """Yield the columns of ``roles`` in batches; errors as of ``read_columns``."""
    # pre_buffer would hold a row group whole, and some files are one row group.
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=PARQUET_BUFFER_BYTES) as file:
        schema = file.schema_arrow
        inner = {column for column in roles.values() if _field(schema, column) is not None}
        require_columns(
            roles, [*schema.names, *(inner - set(schema.names))], path, "The panel's `columns` name them."
        )
        for role, column in roles.items():
            _require_kind(role, column, _field(schema, column).type, path)
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=sorted(set(roles.values()))):
            arrays = {role: _array(batch, column) for role, column in roles.items()}
            yield from_arrays({role: _unnested(role, array) for role, array in arrays.items()}, Counter())


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


def _require_kind(role: str, column: str, kind: pa.DataType, path: Path) -> None:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    allowed = is_textual(value)
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
