"""Tables are checked on both sides, written whole or not at all, and a fault is named without anybody's answers."""

import errno

import pandas as pd
import pytest

from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import read_table, typed_table, write_table
from stimmung.vocabulary.votes_schemas import COMPARISONS, SPLITS

SECRET = "voter-4711"


@pytest.fixture
def splits():
    return pd.DataFrame(
        {
            "respondent_id": [SECRET, "b"],
            "condition": "full",
            "fold": pd.array([0, 1], dtype="int8"),
            "in_training": [True, False],
        }
    )


def refused(frame, path, schema):
    with pytest.raises(InputError) as error:
        write_table(frame, path, schema)
    assert not path.exists() and list(path.parent.glob(".*")) == []
    assert SECRET not in str(error.value)
    return error.value.what


def test_what_is_written_is_read(splits, tmp_path):
    write_table(splits, tmp_path / "deep/er/splits.parquet", SPLITS)
    assert read_table(tmp_path / "deep/er/splits.parquet", SPLITS).equals(splits)


def test_the_same_table_is_the_same_bytes(splits, tmp_path):
    for name in ("a", "b"):
        write_table(splits.copy(), tmp_path / name, SPLITS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda t: t.drop(columns="fold"), "fold"),
        (lambda t: t.assign(extra=1), "extra"),
        (lambda t: t.assign(fold=t.fold.astype(float)), "fold"),
        (lambda t: t.assign(respondent_id=SECRET), "respondent_id"),
        (lambda t: t.assign(fold=pd.array([-2, 0], dtype="int8")), "fold"),
    ],
)
def test_a_table_that_breaks_its_schema_is_not_written(splits, tmp_path, change, named):
    message = refused(change(splits), tmp_path / "splits.parquet", SPLITS)
    assert "not a valid 'splits' table" in message and named in message


def test_a_damaged_file_is_named_with_what_to_do(splits, tmp_path):
    path = tmp_path / "splits.parquet"
    write_table(splits, path, SPLITS)
    for content in (path.read_bytes()[:200], b"", b"no parquet at all"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"splits\.parquet is not a readable parquet file") as error:
            read_table(path, SPLITS)
        assert "delete it and run snakemake again" in error.value.hint


def test_an_absent_or_an_outdated_file_is_named(splits, tmp_path):
    with pytest.raises(InputError, match=r"no table at .*absent\.parquet"):
        read_table(tmp_path / "absent.parquet", SPLITS)
    splits.drop(columns="in_training").to_parquet(tmp_path / "old.parquet")
    with pytest.raises(InputError, match=r"old\.parquet is not a valid 'splits' table: .*in_training"):
        read_table(tmp_path / "old.parquet", SPLITS)


def test_a_failed_write_leaves_what_was_there_before(splits, tmp_path, monkeypatch):
    path = tmp_path / "splits.parquet"
    write_table(splits, path, SPLITS)
    before = path.read_bytes()

    def full(_, draft, **__):
        draft.write_bytes(b"PAR1 half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(OSError, match="No space"):
        write_table(splits.iloc[:1], path, SPLITS)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["splits.parquet"]


@pytest.mark.parametrize("rows", [[], [{"method": "m", "condition": "c", "metric": "f1"}]])
def test_rows_get_the_columns_and_types_of_their_schema(rows):
    table = typed_table(rows, COMPARISONS.update_column("n_folds", dtype=float, nullable=True))
    assert list(table.columns) == list(COMPARISONS.columns) and len(table) == len(rows)
    assert table["p"].dtype == float and table["method"].dtype == "str"
