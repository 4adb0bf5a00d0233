"""Fit and predict with a tabular baseline, behind one function."""

import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stimmung.baselines.design import design_matrix
from stimmung.baselines.registry import BASELINES
from stimmung.baselines.tuning import probabilities, tune
from stimmung.vocabulary.errors import InputError, did_you_mean

logger = logging.getLogger(__name__)


def predict_baseline(
    name: str,
    train: pd.DataFrame,
    test: pd.DataFrame,
    predictors: Sequence[str],
    target: str,
    options: Sequence[str],
    grid: Mapping[str, Sequence[Any]],
    inner_folds: int,
    seed: int,
) -> npt.NDArray[np.float64]:
    """Return the probability of each answer option for each test respondent.

    Hyper-parameters are chosen from the grid by cross-validation on the training rows alone. Survey weights are not used in
    fitting. The result depends on nothing but the arguments: one thread, all seeds set.

    ``train`` and ``test`` are rows of a RESPONDENTS table, ``predictors`` items to predict from. ``grid`` has the estimator's own
    parameter names, each with the values to try. The result has shape (n_test, n_options), and its rows sum to 1; an option that
    does not occur in training has probability 0. Raises the InputErrors of :func:`check_grid` and :func:`check_values`.
    """
    check_grid(name, grid)
    place = {option: number for number, option in enumerate(options)}
    present, classes = np.unique([place[answer] for answer in train[target]], return_inverse=True)
    design = design_matrix(pd.concat([train, test]), predictors, one_hot=BASELINES[name].labels is None)
    x_train, x_test = design.iloc[: len(train)], design.iloc[len(train) :]
    # A column that is constant in training predicts nothing, and some estimators refuse it.
    varying = x_train.columns[x_train.nunique(dropna=False) > 1]
    if len(present) == 1 or varying.empty:
        name, grid = "majority", {}
    # Numbered, because XGBoost refuses names with brackets, and labels may have them.
    names = [f"x{number}" for number in range(len(varying))]
    x_train, x_test = x_train[varying].set_axis(names, axis=1), x_test[varying].set_axis(names, axis=1)
    build = _builder(name, seed, [column for column in names if x_train[column].dtype.kind != "f"])
    try:
        chosen = tune(build, grid, x_train, classes, inner_folds, seed)
        fitted = build(**chosen).fit(x_train, classes)
    except BASELINES[name].refusals():
        check_values(name, grid)
        raise  # the grid is not the reason
    logger.info("%s on %d rows: %s", name, len(train), chosen or "nothing to tune")
    result = np.zeros((len(test), len(options)))
    result[:, present] = probabilities(fitted, x_test)
    return result


def check_grid(name: str, grid: Mapping[str, Sequence[Any]]) -> None:
    """Raise an InputError unless the baseline and the parameters in its grid exist, and each parameter has values."""
    if name not in BASELINES:
        raise InputError(
            f"no baseline '{name}'{did_you_mean(name, BASELINES)}", f"There are: {', '.join(BASELINES)}."
        )
    estimator = BASELINES[name].estimator_class()
    known = sorted({*inspect.signature(estimator).parameters, *estimator().get_params()} - {"kwargs"})
    for parameter, values in grid.items():
        place = f"baselines.{name}.{parameter}"
        if parameter not in known:
            raise InputError(
                f"{place}: {estimator.__name__} has no such parameter{did_you_mean(parameter, known)}"
            )
        if not values:
            raise InputError(f"{place}: no value to try", "Give at least one, or leave the parameter out.")


def check_values(name: str, grid: Mapping[str, Sequence[Any]]) -> None:
    """Raise an InputError if the estimator refuses a value of the grid when each is fitted alone to a few made-up rows.

    This is done after a fit has failed, to tell a wrong value from any other reason: estimators check only when they are fitted.
    """
    build = _builder(name, seed=0, labelled=[])
    x, classes = pd.DataFrame({"x0": np.arange(12.0)}), np.arange(12) % 3
    for parameter, values in grid.items():
        for value in values:
            try:
                build(**{parameter: value}).fit(x, classes)
            except BASELINES[name].refusals() as error:
                estimator = BASELINES[name].estimator_class().__name__
                reason = next((line for line in str(error).splitlines() if line.strip()), "no reason given")
                raise InputError(
                    f"baselines.{name}.{parameter}: {estimator} refuses {value!r}: {reason}",
                    f"Its documentation says which values `{parameter}` may have.",
                ) from error


def _builder(name: str, seed: int, labelled: Sequence[str]) -> Callable[..., Any]:
    """Return a function from parameters to an unfitted estimator; ``labelled`` are the columns that hold labels."""
    baseline = BASELINES[name]
    fixed = dict(baseline.settings)
    if baseline.seed:
        fixed[baseline.seed] = seed
    if baseline.labels:
        fixed[baseline.labels] = list(labelled)

    def build(**parameters: Any) -> Any:
        estimator = baseline.estimator_class()(**{**fixed, **parameters})
        if not baseline.scaled:
            return estimator
        filled = SimpleImputer(strategy="median", keep_empty_features=True)
        return make_pipeline(filled, StandardScaler(), estimator)

    return build
