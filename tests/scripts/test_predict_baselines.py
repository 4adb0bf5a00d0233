from pathlib import Path

import pytest

from scripts.predict_baselines import predict_baselines
from scripts.read_survey import read_survey
from scripts.split_respondents import split_respondents
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.votes_schemas import PREDICTIONS, option_columns, options_of

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
GRIDS = {
    "logistic": {"C": [0.01, 0.1, 1.0, 10.0]},
    "random-forest": {"n_estimators": [30], "min_samples_leaf": [2, 8]},
    "xgboost": {"n_estimators": [50], "learning_rate": [0.1], "max_depth": [2, 3]},
    "catboost": {"iterations": [50], "learning_rate": [0.1], "depth": [3, 5]},
}


def prepare(folder, file, name, seed):
    """Read a survey and split it under the condition ``full``."""
    respondents, splits = folder / "respondents.parquet", folder / "splits.parquet"
    codebook = ROOT / f"codebooks/{name}.yaml"
    read_survey(
        file=str(file),
        codebook=codebook,
        language="en",
        where={},
        weight=None,
        respondents=respondents,
        provenance=folder / "provenance.json",
    )
    split_respondents(
        respondents=respondents,
        target="vote",
        condition="full",
        exclude={},
        keep={},
        complete=[],
        share=None,
        same_size_as=None,
        folds=5,
        seed=seed,
        splits=splits,
    )
    return {"respondents": respondents, "splits": splits, "codebook": codebook}


def predict(files, folder, baselines, **changes):
    chosen = {
        "language": "en",
        "drop_items": [],
        "grids": GRIDS,
        "inner_folds": 3,
        "condition": "full",
        "seed": 24,
    }
    outputs = {name: folder / f"{name}.parquet" for name in baselines}
    predict_baselines(**files, baselines=baselines, predictions=[*outputs.values()], **{**chosen, **changes})
    return {name: read_table(path, PREDICTIONS) for name, path in outputs.items()}


def accuracy(predictions):
    predictions = predictions[predictions.fold >= 0]  # who gave no valid answer is predicted too
    options = options_of(predictions)
    said = predictions[option_columns(predictions)].to_numpy().argmax(axis=1)
    return (predictions.target == [options[number] for number in said]).mean()


@pytest.fixture(scope="module")
def anes(tmp_path_factory):
    # The published accuracies are those of the folds that scikit-learn draws with seed 0.
    return prepare(tmp_path_factory.mktemp("anes1996"), "statsmodels:anes96", "anes1996", seed=0)


@pytest.mark.slow
def test_accuracies_on_the_demo_survey_are_the_known_ones(anes, tmp_path):
    tables = predict(anes, tmp_path, ["majority", *GRIDS])
    assert accuracy(tables["majority"]) == pytest.approx(0.5837, abs=1e-4)
    assert accuracy(tables["logistic"]) == pytest.approx(0.912, abs=0.005)
    assert accuracy(tables["random-forest"]) == pytest.approx(0.9025, abs=0.015)
    assert accuracy(tables["xgboost"]) == pytest.approx(0.904, abs=0.015)
    assert accuracy(tables["catboost"]) == pytest.approx(0.907, abs=0.015)
    for name, table in tables.items():
        assert len(table) == 944
        assert set(table.method) == {f"baselines/{name}"}
        assert options_of(table) == ["Clinton", "Dole"]


def test_a_dropped_item_is_not_used(anes, tmp_path):
    with_all = predict(anes, tmp_path / "all", ["logistic"])["logistic"]
    strongest = ["party_id", "left_right_self", "left_right_clinton", "left_right_dole"]
    without = predict(anes, tmp_path / "without", ["logistic"], drop_items=strongest)["logistic"]
    assert accuracy(without) < accuracy(with_all) - 0.2


@pytest.mark.parametrize("name", list(GRIDS))
def test_two_runs_write_the_same_bytes(anes, tmp_path, name):
    small = {
        **GRIDS,
        "random-forest": {"n_estimators": [5]},
        "catboost": {"iterations": [5]},
        "xgboost": {"n_estimators": [5]},
    }
    for run in ("first", "second"):
        predict(anes, tmp_path / run, [name], grids=small)
    assert (tmp_path / f"first/{name}.parquet").read_bytes() == (
        tmp_path / f"second/{name}.parquet"
    ).read_bytes()


def test_a_misspelt_parameter_writes_nothing(anes, tmp_path):
    with pytest.raises(InputError, match="LogisticRegression has no such parameter"):
        predict(anes, tmp_path / "results", ["majority", "logistic"], grids={"logistic": {"Cs": [1.0]}})
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("name", "published", "majority"), [("beps1997", 0.678, 0.472), ("chile1988", 0.667, 0.351)]
)
def test_accuracy_on_a_real_survey_is_within_a_hundredth_of_the_one_in_sources_md(
    tmp_path, name, published, majority
):
    file = SHARED / name / f"{name}.csv"
    if not file.exists():
        pytest.skip(f"{file} is absent; SOURCES.md says where it comes from")
    tables = predict(prepare(tmp_path, file, name, seed=24), tmp_path, ["majority", "logistic"])
    assert accuracy(tables["logistic"]) == pytest.approx(published, abs=0.01)
    assert accuracy(tables["majority"]) == pytest.approx(majority, abs=0.001)
