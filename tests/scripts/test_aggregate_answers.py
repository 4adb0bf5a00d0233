import pandas as pd
import pytest

from scripts.aggregate_answers import aggregate_answers
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import AFFECT, ANSWERS
from stimmung.vocabulary.parquet_tables import read_table, write_table


def run(paths, output):
    aggregate_answers(answers=paths, affect=output, scale="min-max", rolling_weeks=3)


def test_the_affect_table_is_written_and_the_same_again(moods_study, tmp_path):
    run([moods_study.inputs["answers"]], tmp_path / "affect.parquet")
    assert (tmp_path / "affect.parquet").read_bytes() == moods_study.tables["affect"].read_bytes()


def test_each_model_is_relative_to_its_own_untuned_one(moods_study, tmp_path):
    answers = read_table(moods_study.inputs["answers"], ANSWERS)
    other = answers.assign(model=answers["model"].str.replace("tiny", "large"))
    # Only the other model's prior is even.
    other.loc[other["week"] == "", "probability"] = 1 / 3
    write_table(other, tmp_path / "large.parquet", ANSWERS)
    run([moods_study.inputs["answers"], tmp_path / "large.parquet"], tmp_path / "affect.parquet")
    affect = read_table(tmp_path / "affect.parquet", AFFECT)
    assert affect.groupby("model").size().nunique() == 1
    large, tiny = (affect[affect["model"] == f"{name}/weekly"].reset_index() for name in ("large", "tiny"))
    assert large["base"].to_numpy() == pytest.approx(1 / 3)
    assert (tiny["base"] - 1 / 3).abs().max() > 0.01
    pd.testing.assert_series_equal(large["value"], tiny["value"])


def test_answers_without_one_option_leave_no_output(moods_study, tmp_path):
    answers = read_table(moods_study.inputs["answers"], ANSWERS)
    write_table(answers[answers["option"] != "Sad"], tmp_path / "answers.parquet", ANSWERS)
    with pytest.raises(InputError, match="sum to"):
        run([tmp_path / "answers.parquet"], tmp_path / "affect.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["answers.parquet"]
