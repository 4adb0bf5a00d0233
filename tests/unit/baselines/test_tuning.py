import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from stimmung.baselines.tuning import tune

GRID = {"C": [0.001, 0.01, 0.1, 1.0, 100.0]}


def chosen_point(build, grid, x, classes, n_folds, seed):
    """Tune with one coding of the rows, which the estimator gets as they are."""
    coding, point = tune(build, grid, [x], classes, n_folds, seed, lambda train, test: (train, test))
    assert coding == 0
    return point


def sample(seed, n=200):
    x, classes = make_classification(n, 8, n_informative=3, n_classes=3, flip_y=0.4, random_state=seed)
    return pd.DataFrame(x), classes


@pytest.mark.parametrize("seed", range(4))
def test_the_choice_is_that_of_scikit_learns_grid_search_by_log_loss(seed):
    x, classes = sample(seed)
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    search = GridSearchCV(LogisticRegression(), GRID, scoring="neg_log_loss", cv=folds).fit(x, classes)
    assert chosen_point(LogisticRegression, GRID, x, classes, 3, seed) == search.best_params_


def test_the_first_of_equal_points_is_chosen():
    x, classes = sample(0)
    # Without a penalty C changes nothing.
    unpenalised = lambda C: LogisticRegression(C=np.inf, max_iter=C)  # noqa: E731, N803
    assert chosen_point(unpenalised, {"C": [500, 400]}, x, classes, 3, 0) == {"C": 500}


def test_a_grid_of_one_point_needs_no_fitting():
    x, classes = sample(0)
    assert chosen_point(lambda **_: pytest.fail("was fitted"), {"C": [2.0]}, x, classes, 3, 0) == {"C": 2.0}
    assert chosen_point(lambda **_: pytest.fail("was fitted"), {}, x, classes, 3, 0) == {}


def test_a_class_with_fewer_rows_than_folds_lowers_the_number_of_folds():
    x, classes = sample(0)
    rare = np.flatnonzero(classes == 2)[2:]
    x, classes = x.drop(index=rare), np.delete(classes, rare)
    folds = StratifiedKFold(2, shuffle=True, random_state=0)
    search = GridSearchCV(LogisticRegression(), GRID, scoring="neg_log_loss", cv=folds).fit(x, classes)
    assert chosen_point(LogisticRegression, GRID, x, classes, 5, 0) == search.best_params_


def test_a_class_with_one_row_is_left_out_of_tuning():
    x, classes = sample(0)
    rare = np.flatnonzero(classes == 0)
    alone, without = np.delete(np.arange(200), rare[1:]), np.delete(np.arange(200), rare)
    assert chosen_point(LogisticRegression, GRID, x.iloc[alone], classes[alone], 3, 0) == chosen_point(
        LogisticRegression, GRID, x.iloc[without], classes[without], 3, 0
    )


def test_fault_aq_of_two_codings_the_one_with_the_lower_loss_is_chosen_and_of_equals_the_first():
    x, classes = sample(0)
    noise = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 8)))
    both = [noise, x], [x, noise], [x, x.copy()]
    as_they_are = lambda train, test: (train, test)  # noqa: E731
    places = [tune(LogisticRegression, {"C": [1.0]}, one, classes, 3, 0, as_they_are) for one in both]
    assert places == [(1, {"C": 1.0}), (0, {"C": 1.0}), (0, {"C": 1.0})]


def test_fault_at_the_inner_cross_validation_keeps_groups_whole():
    rng = np.random.default_rng(0)
    # Each person has ten rows; what tells persons apart says nothing about another one's answer.
    person = np.repeat(np.arange(20), 10)
    classes = rng.integers(0, 2, 20)[person]
    who = pd.get_dummies(person).astype(float)
    groups = pd.Series(person.astype(str))
    arguments = {"C": [0.0001, 10.0]}, [who], classes, 5, 0, lambda train, test: (train, test)
    assert tune(LogisticRegression, *arguments) == (0, {"C": 10.0})
    assert tune(LogisticRegression, *arguments, groups=groups) == (0, {"C": 0.0001})


@pytest.mark.parametrize("n_groups", [1, 2])
def test_fault_at_too_few_groups_to_tune_on_still_give_a_point(n_groups):
    x, classes = sample(0)
    groups = pd.Series(np.where(np.arange(200) < 100, "a", "b") if n_groups == 2 else "a", index=x.index)
    # Each class is in one group only, so that no model learned from the other knows it.
    classes = (np.arange(200) >= 100).astype(int) if n_groups == 2 else classes
    as_they_are = lambda train, test: (train, test)  # noqa: E731
    assert tune(LogisticRegression, GRID, [x], classes, 3, 0, as_they_are, groups) == (0, {"C": 0.001})
