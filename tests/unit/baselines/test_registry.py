import subprocess
import sys

import pandas as pd
import pytest
from pydantic import TypeAdapter, ValidationError

from stimmung.baselines.registry import BASELINES, Baseline, BaselineName
from stimmung.baselines.tabular import check_grid, predict_baseline


def test_names_can_be_read_without_the_libraries_that_fit():
    code = "import sys, stimmung.baselines.registry; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"sklearn", "xgboost", "catboost", "pandas", "numpy"} & set(loaded.stdout.split()) == set()


def test_the_config_accepts_the_names_of_the_registry_alone():
    names = TypeAdapter(list[BaselineName])
    assert names.validate_python(list(BASELINES)) == list(BASELINES)
    with pytest.raises(ValidationError, match="'majority', 'logistic'"):
        names.validate_python(["logistics"])


@pytest.mark.parametrize("name", list(BASELINES))
def test_each_default_grid_has_parameters_that_its_estimator_knows(name):
    check_grid(name, BASELINES[name].grid)


def test_one_entry_is_enough_for_a_baseline(monkeypatch):
    nearest = Baseline(
        "sklearn.neighbors:KNeighborsClassifier", grid={"n_neighbors": [1]}, seed=None, scaled=True
    )
    monkeypatch.setitem(BASELINES, "nearest", nearest)
    vote = pd.Categorical(["no", "no", "yes", "yes"])
    table = pd.DataFrame({"age": [20.0, 25.0, 60.0, 65.0], "vote": vote})
    test = pd.DataFrame({"age": [22.0, 70.0], "vote": None})
    predicted = predict_baseline("nearest", table, test, ["age"], "vote", ["no", "yes"], nearest.grid, 3, 0)
    assert predicted.tolist() == [[1, 0], [0, 1]]
