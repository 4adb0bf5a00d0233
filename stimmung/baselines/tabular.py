"""Fit and predict with a tabular baseline, behind one function."""

import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stimmung.baselines.design import Steps, design_matrix, steps_of
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
    return fit_baseline(name, train, predictors, target, options, grid, inner_folds, seed).probabilities(test)


@dataclass(frozen=True)
class FittedBaseline:
    """A baseline that has been fitted to training rows, and how it gets other rows."""

    predictors: Sequence[str]
    steps: Steps
    one_hot: bool
    columns: Sequence[str]  # of the design matrix, those that vary in training
    scaling: Any  # a fitted pipeline; None for an estimator that needs none
    estimator: Any
    present: Sequence[int]  # the options that occur in training
    n_options: int

    def probabilities(self, rows: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return the probability of each answer option for rows of a RESPONDENTS table, shape (n_rows, n_options)."""
        design = design_matrix(rows, self.predictors, self.one_hot, self.steps)[list(self.columns)]
        x = _numbered(design)
        result = np.zeros((len(rows), self.n_options))
        asked = x if self.scaling is None else self.scaling.transform(x)
        result[:, list(self.present)] = probabilities(self.estimator, asked)
        return result


def fit_baseline(
    name: str,
    train: pd.DataFrame,
    predictors: Sequence[str],
    target: str,
    options: Sequence[str],
    grid: Mapping[str, Sequence[Any]],
    inner_folds: int,
    seed: int,
) -> FittedBaseline:
    """Return a baseline tuned on and fitted to training rows; arguments and errors as of :func:`predict_baseline`."""
    check_grid(name, grid)
    place = {option: number for number, option in enumerate(options)}
    present, classes = np.unique([place[answer] for answer in train[target]], return_inverse=True)
    codings, designs = _designs(name, train, predictors)
    one_hot = BASELINES[name].labels is None
    if len(present) == 1 or designs[0].empty:
        name, grid, designs = "majority", {}, designs[:1]
    labelled = [str(column) for column, kind in _numbered(designs[0]).dtypes.items() if kind.kind != "f"]
    build = _builder(name, seed, labelled, is_ordered(train[target]))
    try:
        prepared, groups = partial(_prepared, name), train.get(GROUP)
        known = [_numbered(design) for design in designs]
        coding, chosen = tune(build, grid, known, classes, inner_folds, seed, prepared, groups)
        scaling = _scaling().fit(known[coding]) if BASELINES[name].scaled else None
        x = known[coding] if scaling is None else scaling.transform(known[coding])
        fitted = build(**chosen).fit(x, classes)
    except BASELINES[name].refusals():
        check_values(name, grid)
        raise  # the grid is not the reason
    how = f"; ordered items as {('one column', 'indicators')[coding]}" if len(designs) > 1 else ""
    logger.info("%s on %d rows: %s%s", name, len(train), chosen or "nothing to tune", how)
    columns = list(designs[coding].columns)
    return FittedBaseline(
        list(predictors), codings[coding], one_hot, columns, scaling, fitted, present.tolist(), len(options)
    )


def _designs(
    name: str, train: pd.DataFrame, predictors: Sequence[str]
) -> tuple[list[Steps], list[pd.DataFrame]]:
    """Return each coding that the inner cross-validation tries, as the items with steps, and its columns of the training rows."""
    steps = steps_of(train, predictors) if BASELINES[name].scaled else {}
    codings: list[Steps] = [{}, steps] if steps else [{}]
    designs = [design_matrix(train, predictors, BASELINES[name].labels is None, coded) for coded in codings]
    # A column that is constant in training predicts nothing, and some estimators refuse it.
    return codings, [design.loc[:, design.nunique(dropna=False) > 1] for design in designs]


def _numbered(design: pd.DataFrame) -> pd.DataFrame:
    """Return columns by number, because XGBoost refuses names with brackets, and labels may have them."""
    return design.set_axis([f"x{number}" for number in range(design.shape[1])], axis=1)


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


def is_ordered(answers: "pd.Series[Any]") -> bool:
    """Return whether the options of an item of a RESPONDENTS table stand in an order."""
    return isinstance(answers.dtype, pd.CategoricalDtype) and bool(answers.cat.ordered)


def _builder(name: str, seed: int, labelled: Sequence[str], ordered: bool = False) -> Callable[..., Any]:
    """Return a function from parameters to an unfitted estimator; ``labelled`` are the columns that hold labels."""
    baseline = BASELINES[name]
    fixed = dict(baseline.settings)
    if baseline.seed:
        fixed[baseline.seed] = seed
    if baseline.labels:
        fixed[baseline.labels] = list(labelled)
    if baseline.ordered:
        fixed[baseline.ordered] = ordered

    def build(**parameters: Any) -> Any:
        return baseline.estimator_class()(**{**fixed, **parameters})

    return build


def _prepared(name: str, train: pd.DataFrame, test: pd.DataFrame) -> tuple[Any, Any]:
    """Return training and test rows as the estimator gets them; what is learned for it is learned from training rows."""
    if not BASELINES[name].scaled:
        return train, test
    scaled = _scaling()
    return scaled.fit_transform(train), scaled.transform(test)


def _scaling() -> Any:
    return make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
