"""Choose an estimator's hyper-parameters by cross-validation on the training rows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import log_loss
from sklearn.model_selection import ParameterGrid, StratifiedKFold

Rows = npt.NDArray[np.intp]


def tune(
    build: Callable[..., Any],
    grid: Mapping[str, Sequence[Any]],
    x: pd.DataFrame,
    classes: Rows,
    n_folds: int,
    seed: int,
) -> dict[str, Any]:
    """Return the point of the grid with the lowest mean log-loss over stratified folds, of equal ones the first.

    ``build`` makes an unfitted estimator from parameters; ``x`` and ``classes`` have shape (n, n_columns) and (n,). Fewer folds
    are used if a class has fewer rows. A class with one row cannot be both in training and in test; it is left out here.
    """
    points: list[dict[str, Any]] = list(ParameterGrid({name: list(values) for name, values in grid.items()}))
    counts = np.bincount(classes)
    enough = counts[classes] >= 2
    if len(points) == 1 or np.count_nonzero(counts >= 2) < 2:
        return points[0]
    x = x[enough]
    _, classes = np.unique(classes[enough], return_inverse=True)
    splitter = StratifiedKFold(min(n_folds, int(np.bincount(classes).min())), shuffle=True, random_state=seed)
    folds = list(splitter.split(x, classes))
    losses = [np.mean([_loss(build(**point), x, classes, *fold) for fold in folds]) for point in points]
    return points[int(np.argmin(losses))]


def probabilities(model: Any, x: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Return a fitted model's class probabilities, shape (rows, classes), summing to 1 in double precision."""
    predicted = np.asarray(model.predict_proba(x), dtype=np.float64)
    return np.asarray(predicted / predicted.sum(axis=1, keepdims=True), dtype=np.float64)


def _loss(model: Any, x: pd.DataFrame, classes: Rows, train: Rows, test: Rows) -> float:
    model.fit(x.iloc[train], classes[train])
    return float(log_loss(classes[test], probabilities(model, x.iloc[test]), labels=np.unique(classes)))
