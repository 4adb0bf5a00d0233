"""Choose an estimator's hyper-parameters by cross-validation on the training rows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import log_loss
from sklearn.model_selection import ParameterGrid, StratifiedGroupKFold, StratifiedKFold

Rows = npt.NDArray[np.intp]


def tune(
    build: Callable[..., Any],
    grid: Mapping[str, Sequence[Any]],
    designs: Sequence[pd.DataFrame],
    classes: Rows,
    n_folds: int,
    seed: int,
    prepared: Callable[[pd.DataFrame, pd.DataFrame], tuple[Any, Any]],
    groups: "pd.Series[str] | None" = None,
) -> tuple[int, dict[str, Any]]:
    """Return the design and the point of the grid with the lowest mean log-loss over stratified folds, of equal ones the first.

    ``build`` makes an unfitted estimator from parameters; ``designs`` are codings of the same rows, each of shape (n, n_columns),
    and the result has the place of one; ``classes`` has shape (n,). ``prepared`` turns training and test rows into what the
    estimator gets. Rows of the same of ``groups`` stand in one fold. Fewer folds are used if a class has fewer rows, or there are
    fewer groups. A class with one row cannot be both in training and in test; it is left out here.
    """
    points: list[dict[str, Any]] = list(ParameterGrid({name: list(values) for name, values in grid.items()}))
    counts = np.bincount(classes)
    enough = counts[classes] >= 2
    if len(points) * len(designs) == 1 or np.count_nonzero(counts >= 2) < 2:
        return 0, points[0]
    _, classes = np.unique(classes[enough], return_inverse=True)
    n_folds = min(n_folds, int(np.bincount(classes).min()))
    folds = _folds(classes, n_folds, seed, None if groups is None else groups[enough])
    if not folds:
        return 0, points[0]
    losses = np.empty((len(designs), len(points), len(folds)))
    for coding, design in enumerate(designs):
        x = design[enough]
        for nth, (train, test) in enumerate(folds):
            # Once for all points of the grid: with few rows it takes longer than a fit.
            known, asked = prepared(x.iloc[train], x.iloc[test])
            # Groups may leave a class out of training.
            present, answers = np.unique(classes[train], return_inverse=True)
            predicted = np.zeros((len(test), classes.max() + 1))
            for place, point in enumerate(points):
                predicted[:, present] = probabilities(build(**point).fit(known, answers), asked)
                losses[coding, place, nth] = log_loss(classes[test], predicted, labels=np.unique(classes))
    coding, place = np.unravel_index(losses.mean(axis=2).argmin(), losses.shape[:2])
    return int(coding), points[int(place)]


def _folds(
    classes: Rows, n_folds: int, seed: int, groups: "pd.Series[str] | None"
) -> list[tuple[Rows, Rows]]:
    """Return the training and the test rows of each fold; none if there are too few groups."""
    if groups is None:
        return list(StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(classes, classes))
    n_folds = min(n_folds, groups.nunique())
    if n_folds < 2:
        return []
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    folds = splitter.split(classes, classes, groups)
    return [(train, test) for train, test in folds if len(np.unique(classes[train])) > 1]


def probabilities(model: Any, x: Any) -> npt.NDArray[np.float64]:
    """Return a fitted model's class probabilities, shape (rows, classes), summing to 1 in double precision."""
    predicted = np.asarray(model.predict_proba(x), dtype=np.float64)
    return np.asarray(predicted / predicted.sum(axis=1, keepdims=True), dtype=np.float64)
