"""Fit and predict with a tabular baseline, behind one function."""

import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stimmung.baselines.design import design_matrix, steps_of
from stimmung.baselines.registry import BASELINES
from stimmung.baselines.tuning import probabilities, tune
from stimmung.vocabulary.errors import InputError, did_you_mean
from stimmung.vocabulary.votes_schemas import GROUP

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

    Hyper-parameters are chosen from the grid by cross-validation on the training rows alone, and with them, for an estimator that
    draws a line through a column, whether ordered items are one column or an indicator of each answer. Survey weights are not used
    in fitting. The result depends on nothing but the arguments: one thread, all seeds set.

    ``train`` and ``test`` are rows of a RESPONDENTS table, ``predictors`` items to predict from. Groups, if the table has them, stay
    whole in that cross-validation. ``grid`` has the estimator's own parameter names, each with the values to try. The result has
    shape (n_test, n_options), and its rows sum to 1; an option that does not occur in training has probability 0. Raises the
    InputErrors of :func:`check_grid` and :func:`check_values`.
    """
    check_grid(name, grid)
    place = {option: number for number, option in enumerate(options)}
    present, classes = np.unique([place[answer] for answer in train[target]], return_inverse=True)
    designs = _designs(name, train, test, predictors)
    if len(present) == 1 or designs[0][0].empty:
        name, grid, designs = "majority", {}, designs[:1]
    labelled = [str(column) for column, kind in designs[0][0].dtypes.items() if kind.kind != "f"]
    build = _builder(name, seed, labelled)
    try:
        known = [rows for rows, _ in designs]
        prepared, groups = partial(_prepared, name), train.get(GROUP)
        coding, chosen = tune(build, grid, known, classes, inner_folds, seed, prepared, groups)
        x_train, x_test = _prepared(name, *designs[coding])
        fitted = build(**chosen).fit(x_train, classes)
    except BASELINES[name].refusals():
        check_values(name, grid)
        raise  # the grid is not the reason
    how = f"; ordered items as {('one column', 'indicators')[coding]}" if len(designs) > 1 else ""
    logger.info("%s on %d rows: %s%s", name, len(train), chosen or "nothing to tune", how)
    result = np.zeros((len(test), len(options)))
    result[:, present] = probabilities(fitted, x_test)
    return result


def _designs(
    name: str, train: pd.DataFrame, test: pd.DataFrame, predictors: Sequence[str]
) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """Return the columns of training and test rows in each coding that the inner cross-validation tries."""
    steps = steps_of(train, predictors) if BASELINES[name].scaled else {}
    codings = []
    for coded in [{}, steps] if steps else [{}]:
        one_hot = BASELINES[name].labels is None
        design = design_matrix(pd.concat([train, test]), predictors, one_hot, coded)
        known = design.iloc[: len(train)]
        # A column that is constant in training predicts nothing, and some estimators refuse it.
        varying = design[known.columns[known.nunique(dropna=False) > 1]]
        # Numbered, because XGBoost refuses names with brackets, and labels may have them.
        varying = varying.set_axis([f"x{number}" for number in range(varying.shape[1])], axis=1)
        codings.append((varying.iloc[: len(train)], varying.iloc[len(train) :]))
    return codings


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
        return baseline.estimator_class()(**{**fixed, **parameters})

    return build


def _prepared(name: str, train: pd.DataFrame, test: pd.DataFrame) -> tuple[Any, Any]:
    """Return training and test rows as the estimator gets them; what is learned for it is learned from training rows."""
    if not BASELINES[name].scaled:
        return train, test
    scaled = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    return scaled.fit_transform(train), scaled.transform(test)
