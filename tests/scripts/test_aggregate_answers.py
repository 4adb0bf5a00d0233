import pandas as pd
import pytest

from scripts.aggregate_answers import aggregate_answers
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import AFFECT, ANSWERS, WORDINGS
from stimmung.vocabulary.parquet_tables import read_table, write_table


def run(paths, output, weigh="equal"):
    wordings = output.with_name("wordings.parquet")
    aggregate_answers(
        answers=paths, affect=output, wordings=wordings, scale="min-max", rolling_weeks=3, weigh=weigh
    )
    return read_table(output, AFFECT), read_table(wordings, WORDINGS)


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


@pytest.fixture
def with_a_good_wording(moods_study, tmp_path):
    """The options follow the question in the wording 'upper' at .06, in 'lower' hardly ever."""
    answers = read_table(moods_study.inputs["answers"], ANSWERS)
    masses = answers["variant"].map({"upper": 0.06, "lower": 2e-4})
    write_table(answers.assign(option_mass=masses), tmp_path / "answers.parquet", ANSWERS)
    return tmp_path / "answers.parquet"


def test_fault_ll_a_small_option_mass_is_told_on_the_terminal(with_a_good_wording, tmp_path, capsys):
    _, wordings = run([with_a_good_wording], tmp_path / "affect.parquet")
    told = capsys.readouterr().err
    assert told.startswith("WARNING: tiny/weekly, question 'mood': in 1 of 2 wordings")
    assert "'lower' 0.0002" in told and "'upper'" not in told
    mass = wordings.groupby("variant")["option_mass"].unique().map(list)
    assert mass.to_dict() == {"lower": [2e-4], "upper": [0.06]}


def test_fault_ll_the_series_of_each_wording_is_kept_and_their_mean_is_the_estimate(
    moods_study, tmp_path, capsys
):
    affect, wordings = run([moods_study.inputs["answers"]], tmp_path / "affect.parquet")
    tuned = wordings[wordings["week"] != ""]
    key = ["model", "question", "option", "week"]
    mean = tuned.groupby(key)["value"].mean()
    expected = affect.drop_duplicates(key).set_index(key)["value_mean"].sort_index()
    assert mean.to_numpy() == pytest.approx(expected.to_numpy())
    assert set(wordings.loc[wordings["week"] == "", "model"]) == {"tiny/base"}
    assert (wordings["weight"] == 0.5).all() and capsys.readouterr().err == ""


def test_fault_ll_wordings_are_weighed_by_their_mass_if_wanted(with_a_good_wording, tmp_path):
    equal, _ = run([with_a_good_wording], tmp_path / "affect.parquet")
    weighed, wordings = run([with_a_good_wording], tmp_path / "affect.parquet", "option-mass")
    weights = wordings.groupby("variant")["weight"].unique().str[0]
    assert weights["upper"] == pytest.approx(0.06 / 0.0602) and weights.sum() == pytest.approx(1)
    key = ["model", "question", "option", "week"]
    good = wordings[(wordings["variant"] == "upper") & (wordings["week"] != "")].set_index(key)["value"]
    series = weighed.drop_duplicates(key).set_index(key)
    assert (series["value_mean"] - good).abs().max() < 0.004
    assert (equal.drop_duplicates(key).set_index(key)["value_mean"] - good).abs().max() > 0.02
    sums = weighed.groupby(["week", "seed"])[["value", "base"]].sum()
    assert sums.to_numpy() == pytest.approx(1), "still probabilities among the options"
    assert weighed["variant_max"].equals(equal["variant_max"])


def test_fault_oo_a_panel_without_a_language_model_has_empty_tables(tmp_path):
    assert all(table.empty for table in run([], tmp_path / "affect.parquet"))
