"""Predictions of several targets of a survey in one file, and the one place where readers pick those of their target.

A file of one target is a PREDICTIONS table. In a file of several, the column `item` names the target, and each has probability
columns of its own, such as `left_right/p_0`, in the order of its answer options; the columns of other targets are empty in its rows.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as arrow
from pyarrow import parquet

from stimmung.vocabulary.atomic_files import atomic_write
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import checked_table, read_table, write_table
from stimmung.vocabulary.votes_schemas import OPTION_PREFIX, PREDICTIONS, option_columns

ITEM = "item"
SEPARATOR = "/"  # which no target of several may have in its name, since it stands in paths


def write_predictions(tables: Mapping[str, pd.DataFrame], path: Path, *, several: bool) -> None:
    """Write the PREDICTIONS table of each target, by item; of a survey that has not ``several``, as it is.

    Of several targets a condition may test one only: its file names it all the same. Errors as of :func:`write_table`.
    """
    if not several:
        write_table(next(iter(tables.values())), path, PREDICTIONS)
        return
    parts = [_with_item(checked_table(table, PREDICTIONS, path), item) for item, table in tables.items()]
    schema = arrow.unify_schemas([part.schema for part in parts])
    with atomic_write(path) as draft, parquet.ParquetWriter(draft, schema) as writer:
        for part in parts:  # a target's rows are a row group, which is read without the others
            writer.write_table(
                arrow.concat_tables([schema.empty_table(), part], promote_options="default").select(
                    schema.names
                )
            )


def read_predictions(path: Path, target: str) -> pd.DataFrame:
    """Read the PREDICTIONS table of a target from its own file or from one of several targets.

    Raises what :func:`read_table` raises, and an InputError if the file is of other targets.
    """
    return read_table(path, PREDICTIONS, read=partial(_read_item, item=target))


def read_all_predictions(paths: Sequence[Path], target: str) -> pd.DataFrame:
    """Read tables of a target that must all have the same answer options, in the order of the paths."""
    tables = {path: read_predictions(path, target) for path in paths}
    first = option_columns(tables[paths[0]])
    for path, table in tables.items():
        if option_columns(table) != first:
            raise InputError(
                f"{path} and {paths[0]} do not have the same answer options",
                "The codebook has changed since: delete the older one and run snakemake again.",
            )
    every = pd.concat(tables.values(), ignore_index=True)
    # A server, or a file of predictions, may not say how long a prompt was; a table of all methods then has no such column.
    some_unsaid = "n_tokens" in every and bool(every["n_tokens"].isna().any())
    return every.drop(columns="n_tokens") if some_unsaid else every


def _with_item(table: pd.DataFrame, item: str) -> arrow.Table:
    own = {name: f"{item}{SEPARATOR}{name}" for name in option_columns(table)}
    frame = table.rename(columns=own)
    frame.insert(0, ITEM, item)
    # Without what pandas would note of the types of one target's columns.
    return arrow.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()


def _read_item(path: Path, item: str) -> pd.DataFrame:
    names = parquet.read_schema(path).names
    if ITEM not in names:
        return pd.read_parquet(path)
    prefix = f"{item}{SEPARATOR}"
    own = [name for name in names if name.startswith(prefix + OPTION_PREFIX)]
    if not own:
        raise InputError(
            f"{path} has no predictions of '{item}'",
            "The survey's targets have changed since: delete the file and run snakemake again.",
        )
    first = next(place for place, name in enumerate(names) if SEPARATOR in name)
    columns = [*names[:first], *own, *(name for name in names[first:] if SEPARATOR not in name)]
    frame = pd.read_parquet(path, columns=columns, filters=[(ITEM, "==", item)])
    return frame[columns].drop(columns=ITEM).rename(columns=lambda name: name.removeprefix(prefix))
