"""Multiple imputation by chained equations, beside which language models stand: every gap is filled from all other answers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import StandardScaler

from stimmung.baselines.design import design_matrix

Mask = npt.NDArray[np.bool_]
CYCLES = 5  # as R's mice
NEAREST = 5  # donors of predictive mean matching, as R's mice
PENALTY = (
    10.0  # scikit-learn's C, a choice: weak, so that shares of rare answers are hardly drawn to the mean
)


def chained_equations(
    donors: pd.DataFrame,
    recipients: pd.DataFrame,
    items: Sequence[str],
    target: str,
    options: Sequence[str],
    seed: int,
) -> npt.NDArray[np.float64]:
    """Return the probability of each option for each recipient in the last of ``CYCLES`` cycles, shape (n_recipients, options).

    In a cycle each item with gaps, and last the target, is drawn from a model of all others (van Buuren and Groothuis-Oudshoorn
    2011): a multinomial logistic regression, or, for a number, predictive mean matching; each learns from a bootstrap sample of the
    rows that have the answer, the target's from ``donors``, which are one already. What recipients answered to the target is never
    looked at. Scikit-learn's IterativeImputer draws numbers only.
    """
    rng = np.random.default_rng(seed)
    hidden = recipients.assign(**{target: recipients[target].where(np.zeros(len(recipients), dtype=bool))})
    names = [*items, target]
    rows = pd.concat([donors[names], hidden[names]], ignore_index=True)
    gaps = {name: rows[name].isna().to_numpy() for name in names}
    # Items with few gaps first; the target last, so that what is returned knows all others.
    order = sorted((name for name in items if gaps[name].any()), key=lambda name: gaps[name].sum())
    usable = [name for name in names if not gaps[name].all()]
    filled = rows[usable].copy()
    for name in usable:
        if gaps[name].any():
            given = np.asarray(filled[name][~gaps[name]])
            _fill(filled, name, gaps[name], given[rng.integers(len(given), size=gaps[name].sum())])
    found = np.empty((0, 0))
    is_donor = np.arange(len(rows)) < len(donors)
    for _ in range(CYCLES):
        for name in [name for name in order if name in usable]:
            known = np.flatnonzero(~gaps[name])
            learned = known[rng.integers(len(known), size=len(known))]
            _fill(filled, name, gaps[name], _drawn(filled, name, learned, gaps[name], rng))
        found = _probabilities(filled, target, np.flatnonzero(is_donor), ~is_donor, list(options))
        _fill(filled, target, ~is_donor, _chosen(found, list(options), rng))
    return found


def _fill(filled: pd.DataFrame, name: str, gap: Mask, answers: Any) -> None:
    """Write answers into the gaps of a column, which keeps its dtype."""
    kind = object if isinstance(filled[name].dtype, pd.CategoricalDtype) else float
    column = np.array(filled[name], dtype=kind)
    column[gap] = answers
    filled[name] = pd.Series(column, filled.index).astype(filled[name].dtype)


def _drawn(
    filled: pd.DataFrame, name: str, learned: npt.NDArray[np.intp], gap: Mask, rng: np.random.Generator
) -> Any:
    """Return an answer for each gap of an item, drawn from a model of the other columns that learned from some rows."""
    if isinstance(filled[name].dtype, pd.CategoricalDtype):
        options = list(filled[name].cat.categories)
        return _chosen(_probabilities(filled, name, learned, gap, options), options, rng)
    x = _others(filled, name)
    values = filled[name].to_numpy(dtype=float)
    predicted = LinearRegression().fit(x[learned], values[learned]).predict(x)
    distances = np.abs(predicted[gap][:, None] - predicted[learned][None, :])
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :NEAREST]
    picked = nearest[np.arange(len(nearest)), rng.integers(nearest.shape[1], size=len(nearest))]
    return values[learned[picked]]


def _probabilities(
    filled: pd.DataFrame, name: str, learned: npt.NDArray[np.intp], asked: Mask, options: Sequence[Any]
) -> npt.NDArray[np.float64]:
    x = _others(filled, name)
    classes = pd.Categorical(filled[name], options).codes
    present, answers = np.unique(classes[learned], return_inverse=True)
    result = np.zeros((int(asked.sum()), len(options)))
    if len(present) == 1:
        result[:, present[0]] = 1.0
        return result
    model = LogisticRegression(C=PENALTY, max_iter=1000).fit(x[learned], answers)
    result[:, present] = model.predict_proba(x[asked])
    return result


def _chosen(probabilities: npt.NDArray[np.float64], options: Sequence[Any], rng: np.random.Generator) -> Any:
    uniform = rng.random((len(probabilities), 1))
    return np.array(options, dtype=object)[(uniform >= probabilities.cumsum(axis=1)[:, :-1]).sum(axis=1)]


def _others(filled: pd.DataFrame, name: str) -> npt.NDArray[np.float64]:
    design = design_matrix(filled, [str(other) for other in filled.columns if other != name])
    varying = design.loc[:, design.nunique() > 1]
    return np.asarray(StandardScaler().fit_transform(varying.to_numpy(dtype=float)))
