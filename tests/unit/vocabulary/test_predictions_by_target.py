import pandas as pd
import pytest

from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.predictions_by_target import read_predictions, write_predictions
from stimmung.vocabulary.votes_schemas import PREDICTIONS, options_of


def predictions(options, ids, answer):
    rows = {
        "respondent_id": ids,
        "method": "tiny/tuned",
        "condition": "full",
        "seed": 24,
        "fold": pd.Series([*range(len(ids) - 1), -1], dtype="int8"),
        "target": [answer] * (len(ids) - 1) + [None],
        "weight": 1.0,
        **{f"p_{option}": 1 / len(options) for option in options},
        "option_mass": 0.5,
        "n_tokens": 9,
        "normalization": "none",
    }
    return pd.DataFrame(rows)


# The second has the first's name in its own, other options or the same in another order, and other respondents.
TABLES = {
    "trust": predictions(["low", "high", "p_low"], ["a", "b", "c"], "low"),
    "trust.p_low": predictions(["high", "low"], ["a", "c"], "high"),
    "vote": predictions(["1.5", "x/y"], ["b", "a", "d"], "x/y"),
}


def test_each_target_is_read_as_it_would_be_from_its_own_file(tmp_path):
    write_predictions(TABLES, tmp_path / "all.parquet", several=True)
    for item, table in TABLES.items():
        write_table(table, tmp_path / "own.parquet", PREDICTIONS)
        found = read_predictions(tmp_path / "all.parquet", item)
        pd.testing.assert_frame_equal(found, read_table(tmp_path / "own.parquet", PREDICTIONS))
        pd.testing.assert_frame_equal(found, read_predictions(tmp_path / "own.parquet", item))
    assert options_of(read_predictions(tmp_path / "all.parquet", "trust.p_low")) == ["high", "low"]


def test_a_file_of_one_target_is_to_the_byte_what_it_was(tmp_path):
    write_predictions({"vote": TABLES["vote"]}, tmp_path / "one.parquet", several=False)
    write_table(TABLES["vote"], tmp_path / "plain.parquet", PREDICTIONS)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "plain.parquet").read_bytes()


def test_the_only_target_that_a_condition_tests_is_not_read_as_another(tmp_path):
    write_predictions({"vote": TABLES["vote"]}, tmp_path / "one.parquet", several=True)
    assert len(read_predictions(tmp_path / "one.parquet", "vote")) == len(TABLES["vote"])
    with pytest.raises(InputError, match=r"one\.parquet has no predictions of 'trust'"):
        read_predictions(tmp_path / "one.parquet", "trust")


def test_a_target_that_a_file_does_not_have_and_an_invalid_table_are_named(tmp_path):
    write_predictions(TABLES, tmp_path / "all.parquet", several=True)
    with pytest.raises(InputError, match=r"all\.parquet has no predictions of 'left_right'"):
        read_predictions(tmp_path / "all.parquet", "left_right")
    broken = {**TABLES, "vote": TABLES["vote"].assign(**{"p_1.5": 0.9})}
    with pytest.raises(InputError, match="do not sum to 1"):
        write_predictions(broken, tmp_path / "broken.parquet", several=True)
    assert not (tmp_path / "broken.parquet").exists()
