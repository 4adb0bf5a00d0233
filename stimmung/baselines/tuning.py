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
    designs: Sequence[pd.DataFrame],
    classes: Rows,
    n_folds: int,
    seed: int,
    prepared: Callable[[pd.DataFrame, pd.DataFrame], tuple[Any, Any]],
) -> tuple[int, dict[str, Any]]:
    """Return the design and the point of the grid with the lowest mean log-loss over stratified folds, of equal ones the first.

    ``build`` makes an unfitted estimator from parameters; ``designs`` are codings of the same rows, each of shape (n, n_columns),
    and the result has the place of one; ``classes`` has shape (n,). ``prepared`` turns training and test rows into what the
    estimator gets. Fewer folds are used if a class has fewer rows. A class with one row cannot be both in training and in test;
    it is left out here.
    """
    points: list[dict[str, Any]] = list(ParameterGrid({name: list(values) for name, values in grid.items()}))
    counts = np.bincount(classes)
    enough = counts[classes] >= 2
    if len(points) * len(designs) == 1 or np.count_nonzero(counts >= 2) < 2:
        return 0, points[0]
    _, classes = np.unique(classes[enough], return_inverse=True)
    splitter = StratifiedKFold(min(n_folds, int(np.bincount(classes).min())), shuffle=True, random_state=seed)
    folds = list(splitter.split(classes, classes))
    losses = np.empty((len(designs), len(points), len(folds)))
    for coding, design in enumerate(designs):
        x = design[enough]
        for nth, (train, test) in enumerate(folds):
            # Once for all points of the grid: with few rows it takes longer than a fit.
            known, asked = prepared(x.iloc[train], x.iloc[test])
            for place, point in enumerate(points):
                model = build(**point).fit(known, classes[train])
                losses[coding, place, nth] = log_loss(
                    classes[test], probabilities(model, asked), labels=np.unique(classes)
                )
    coding, place = np.unravel_index(losses.mean(axis=2).argmin(), losses.shape[:2])
    return int(coding), points[int(place)]


def probabilities(model: Any, x: Any) -> npt.NDArray[np.float64]:
    """Return a fitted model's class probabilities, shape (rows, classes), summing to 1 in double precision."""
    predicted = np.asarray(model.predict_proba(x), dtype=np.float64)
    return np.asarray(predicted / predicted.sum(axis=1, keepdims=True), dtype=np.float64)
