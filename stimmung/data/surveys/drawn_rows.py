"""Draw training rows, by class in proportion and nested: a smaller share is part of a larger one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from stimmung.vocabulary.errors import InputError

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]


def draw_share(
    in_training: Mask,
    target: "pd.Series[str]",
    folds: "pd.Series[int]",
    share: float,
    seed: int,
    groups: "pd.Series[str] | None" = None,
) -> Mask:
    """Return a mask of about ``share`` of the training rows, by class and within a class by fold.

    Each class has one random order, drawn by the seed, and a share is the beginning of that order. So shares are nested:
    the 10 % sample is part of the 30 % sample. The order takes the folds in proportion to their rows. A class keeps at
    least two rows, from two folds if possible, so that every fold has it in training; a rare class is therefore somewhat
    overrepresented in a very small share.

    All of this holds of groups instead of rows where there are groups: a group counts for the class that most of its rows are in,
    and a class has so many whole groups that its number of rows is as near to the share as can be.

    Parameters
    ----------
    in_training
        The rows to draw from, shape (n_respondents,).
    target, folds
        Answer and fold of each respondent, shape (n_respondents,).
    share
        0 < share <= 1, of the rows in ``in_training``.
    groups
        What each respondent belongs to, shape (n_respondents,); None: each is a group.
    """
    units = _units_by_answer(in_training, target, groups)
    # floor(x + 1/2): Python's round would send both 0.5 and 1.5 to an even number.
    sizes = {answer: int(np.floor(share * n + 0.5)) for answer, n in _n_rows(units).items()}
    return _drawn(units, sizes, folds, seed, at_least=2)


def draw_rows(
    in_training: Mask,
    target: "pd.Series[str]",
    folds: "pd.Series[int]",
    n: int,
    seed: int,
    groups: "pd.Series[str] | None" = None,
) -> Mask:
    """Return a mask of exactly ``n`` of the training rows, by class in proportion, in the order of :func:`draw_share`.

    The classes' numbers of rows are rounded by the largest-remainder method. With groups, each class has as nearly so many rows as
    whole groups allow. Other parameters as in :func:`draw_share`.

    Raises
    ------
    InputError
        If there are fewer than ``n``.
    """
    total = int(in_training.sum())
    if n > total:
        raise InputError(
            f"same_size_as: {n} training rows are to be drawn, but the condition has only {total}",
            "Name a condition that leaves fewer rows than this one.",
        )
    units = _units_by_answer(in_training, target, groups)
    exact = {answer: n * size / max(total, 1) for answer, size in _n_rows(units).items()}
    sizes = {answer: int(size) for answer, size in exact.items()}
    by_remainder = sorted(exact, key=lambda answer: sizes[answer] - exact[answer])
    for answer in by_remainder[: n - sum(sizes.values())]:
        sizes[answer] += 1
    return _drawn(units, sizes, folds, seed, at_least=0)


def _units_by_answer(
    in_training: Mask, target: "pd.Series[str]", groups: "pd.Series[str] | None"
) -> dict[str, list[Rows]]:
    """Return for each answer the rows of each group that most often gave it (of equals, the answer that occurs first)."""
    rows = np.flatnonzero(in_training)
    answers, found = pd.factorize(target.iloc[rows].astype(object))
    belongs = np.arange(len(rows)) if groups is None else pd.factorize(groups.iloc[rows])[0]
    counts = np.zeros((belongs.max(initial=-1) + 1, len(found)), dtype=np.intp)
    np.add.at(counts, (belongs, answers), 1)
    # Sorted by group, each group's rows in their order.
    sorted_rows = rows[np.argsort(belongs, kind="stable")]
    whole = np.split(sorted_rows, counts.sum(axis=1).cumsum()[:-1])
    return {
        answer: [whole[unit] for unit in np.flatnonzero(counts.argmax(axis=1) == place)]
        for place, answer in enumerate(found)
    }


def _n_rows(units: Mapping[str, Sequence[Rows]]) -> dict[str, int]:
    return {answer: sum(map(len, of_answer)) for answer, of_answer in units.items()}


def _drawn(
    units: Mapping[str, Sequence[Rows]],
    sizes: Mapping[str, int],
    folds: "pd.Series[int]",
    seed: int,
    at_least: int,
) -> Mask:
    """Return the first units of each class's fixed order whose rows are nearest to its size, but so many units if there are."""
    rng = np.random.default_rng(seed)
    drawn = np.zeros(len(folds), dtype=bool)
    for answer, of_answer in units.items():
        first = np.array([rows[0] for rows in of_answer], dtype=np.intp)
        order = _spread_over_folds(folds.to_numpy()[first], rng)
        n_rows = np.cumsum([0, *(len(of_answer[unit]) for unit in order)])
        off = np.abs(n_rows - sizes[answer])
        # Of two that are as near, the larger.
        n_units = len(order) - int(off[::-1].argmin())
        for unit in order[: max(n_units, at_least)]:
            drawn[of_answer[unit]] = True
    return drawn


def _spread_over_folds(folds: npt.NDArray[Any], rng: np.random.Generator) -> Rows:
    """Return the places in ``folds`` in a random order of which every beginning has the folds in proportion."""
    shuffled = rng.permutation(len(folds))
    folds = folds[shuffled]
    places = pd.Series(folds).groupby(folds).cumcount().to_numpy()
    sizes = pd.Series(folds).groupby(folds).transform("size").to_numpy()
    # One of each fold first, then in proportion; ties stay in the order of the shuffle.
    return shuffled[np.lexsort((np.arange(len(folds)), (places + 0.5) / sizes, places > 0))]
