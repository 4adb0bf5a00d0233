"""The tables of a survey hold what the evaluation takes for granted: probabilities, weights, one row for each respondent."""

import pandas as pd
import pandera.pandas as pa
import pytest

from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import write_table
from stimmung.vocabulary.votes_schemas import IMPUTED, PREDICTIONS, RESPONDENTS, option_columns, options_of


def predictions(red, blue):
    return pd.DataFrame(
        {
            "respondent_id": ["a"],
            "method": "m/tuned",
            "condition": "full",
            "seed": 24,
            "fold": pd.array([0], dtype="int8"),
            "target": "Red",
            "weight": 1.0,
            "p_Red": [red],
            "p_Blue": [blue],
            "option_mass": 0.9,
            "n_tokens": 9,
            "normalization": "none",
        }
    )


def refused(frame, path, schema):
    with pytest.raises(InputError) as error:
        write_table(frame, path, schema)
    return error.value.what


def test_probabilities_must_be_probabilities(tmp_path):
    write_table(predictions(0.3, 0.7), tmp_path / "good.parquet", PREDICTIONS)
    assert "sum to 1" in refused(predictions(0.3, 0.6), tmp_path / "bad.parquet", PREDICTIONS)
    assert "p_Red" in refused(predictions(1.2, -0.2), tmp_path / "worse.parquet", PREDICTIONS)


def test_imputed_probabilities_sum_to_one_too():
    table = pd.DataFrame(
        {
            "respondent_id": ["a"],
            "method": "m/tuned",
            "condition": "full",
            "held_out_fold": pd.array([-1], dtype="int8"),
            "answered": False,
            "observed": pd.Series([None], dtype=object),
            "most_probable": "Red",
            "weight": 1.0,
            "n_seeds": 1,
            "p_Red": 0.7,
            "p_Blue": 0.3,
        }
    )
    IMPUTED.validate(table)
    with pytest.raises(pa.errors.SchemaError, match="sum to 1"):
        IMPUTED.validate(table.assign(p_Blue=0.2))


def test_a_respondent_is_predicted_once_by_a_method_under_a_condition_and_seed(tmp_path):
    twice = pd.concat([predictions(0.3, 0.7)] * 2)
    assert "respondent_id" in refused(twice, tmp_path / "twice.parquet", PREDICTIONS)
    write_table(
        pd.concat([predictions(0.3, 0.7), predictions(0.3, 0.7).assign(seed=25)]),
        tmp_path / "seeds",
        PREDICTIONS,
    )


def test_tables_of_before_servers_hid_options_are_read_as_showing_all():
    assert PREDICTIONS.validate(predictions(0.3, 0.7))["n_unseen"].tolist() == [0]


def test_weights_must_be_positive(tmp_path):
    table = pd.DataFrame({"respondent_id": ["a"], "weight": [0.0]})
    assert "weight" in refused(table, tmp_path / "respondents.parquet", RESPONDENTS)


def test_options_are_read_from_the_columns_in_their_order():
    table = predictions(0.3, 0.7)
    assert option_columns(table) == ["p_Red", "p_Blue"]
    assert options_of(table) == ["Red", "Blue"]
