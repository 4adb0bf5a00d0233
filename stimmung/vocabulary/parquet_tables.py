"""The only way to read and write a table between rules: its schema is checked when it is written and when it is read."""

from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow

from stimmung.vocabulary.atomic_files import atomic_write
from stimmung.vocabulary.errors import InputError

BASELINE_PREFIX = "baselines/"  # baselines/logistic: a method that is no arm of a language model
SIGNAL_PREFIX = "signals/"  # signals/peer: a weekly series that somebody else made
PROBABILITY = pa.Check.in_range(0.0, 1.0)
MASS = pa.Check.in_range(0.0, 1.0 + 1e-6)  # a sum of probabilities, which rounding may take a little above 1


def columns(dtype: type | str, *names: str, **options: Any) -> dict[str, pa.Column]:
    """Return columns of one kind, for a schema; the options are those of :class:`pandera.pandas.Column`."""
    return {name: pa.Column(dtype, **options) for name in names}


def table_schema(name: str, *parts: Mapping[str, pa.Column], **options: Any) -> pa.DataFrameSchema:
    """Return the schema of a table with the columns of all parts, in this order, and no others."""
    return pa.DataFrameSchema(dict(ChainMap(*reversed(parts))), strict=True, name=name, **options)


def empty_table(schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Return a table without rows that ``schema`` accepts."""
    return pd.DataFrame({name: pd.Series(dtype=column.dtype.type) for name, column in schema.columns.items()})


def typed_table(rows: Sequence[Mapping[str, Any]], schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Return rows, also if there are none, as a table with the columns and types of ``schema``; what a row lacks is NaN."""
    types = {name: column.dtype.type for name, column in schema.columns.items()}
    return pd.DataFrame(list(rows), columns=list(types)).astype(types)


def write_table(frame: pd.DataFrame, path: Path, schema: pa.DataFrameSchema) -> None:
    """Write ``frame`` as parquet, whole or not at all. Raises InputError if it breaks ``schema``, OSError as :func:`whole` does."""
    checked = checked_table(frame, schema, path)
    with atomic_write(path) as draft:
        checked.to_parquet(draft, index=False)


def checked_table(frame: pd.DataFrame, schema: pa.DataFrameSchema, path: Path) -> pd.DataFrame:
    """Return what :func:`write_table` writes to ``path``. Raises InputError if ``frame`` breaks ``schema``."""
    return _check(frame.reset_index(drop=True), schema, f"table for {path}")


def read_table(
    path: Path, schema: pa.DataFrameSchema, read: Callable[[Path], pd.DataFrame] = pd.read_parquet
) -> pd.DataFrame:
    """Read a parquet file, or what ``read`` takes of it. Raises InputError if it is absent, no parquet file, or breaks ``schema``."""
    try:
        frame = read(path)
    except FileNotFoundError as error:
        raise InputError(f"no table at {path}") from error
    except (arrow.ArrowInvalid, arrow.ArrowException, OSError, EOFError) as error:
        hint = f"It may be left from an interrupted run: delete it and run snakemake again, which makes it anew. ({error})"
        raise InputError(f"{path} is not a readable parquet file", hint) from error
    return _check(frame, schema, str(path))


def read_tables(paths: Sequence[Path], schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Read tables as one, without rows if there are none; errors as in :func:`read_table`."""
    frames = [read_table(path, schema) for path in paths]
    return pd.concat(frames, ignore_index=True) if frames else empty_table(schema)


def _check(frame: pd.DataFrame, schema: pa.DataFrameSchema, where: str) -> pd.DataFrame:
    try:
        checked: pd.DataFrame = schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases[["column", "check", "failure_case"]].drop_duplicates()
        faults = ", ".join(list(dict.fromkeys(_fault(*case) for case in cases.itertuples(index=False)))[:5])
        hint = "If an older version wrote it, delete it and run snakemake again."
        raise InputError(f"{where} is not a valid '{schema.name}' table: {faults}", hint) from error
    return checked


def _fault(column: str, check: str, value: object) -> str:
    """Say what is wrong without the failing value, which may be a respondent's; only a column's name may stand there."""
    absent_or_extra = {"column_in_dataframe": "is absent", "column_in_schema": "does not belong there"}
    return f"column '{value}' {absent_or_extra[check]}" if check in absent_or_extra else f"{column}: {check}"
