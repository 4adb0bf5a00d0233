"""Test folds and training masks: a condition changes who may be trained on, and never who is tested in which fold."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from stimmung.vocabulary.errors import InputError, did_you_mean
from stimmung.vocabulary.votes_schemas import NO_FOLD

logger = logging.getLogger(__name__)

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
Answers = Mapping[str, Sequence[str]]  # item to answers
Selection = Mapping[str, Any]  # exclude, keep, complete and share of another condition


def assign_folds(target: "pd.Series[str]", n_folds: int, seed: int) -> "pd.Series[int]":
    """Return each respondent's test fold, stratified by the answer to the target, which is NA where there is none.

    Folds depend on nothing but the seed, the rows and the target, so all conditions share them. Returns int8, 0 to
    ``n_folds - 1``, and ``NO_FOLD`` where the target is NA; the index is that of ``target``.

    Raises
    ------
    InputError
        If a class that occurs has fewer rows than there are folds.
    """
    valid = target.notna().to_numpy()
    counts = target[valid].value_counts()
    small = [f"'{answer}' has {n}" for answer, n in counts.items() if 0 < n < n_folds]
    if small:
        raise InputError(
            f"target '{target.name}': {n_folds} folds need {n_folds} respondents for each answer, but {', '.join(small)}",
            "Use fewer folds, or give the answer's code as missing in the codebook.",
        )
    folds = np.full(len(target), NO_FOLD, dtype="int8")
    places = np.flatnonzero(valid)
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    for fold, (_, tested) in enumerate(splitter.split(places, target[valid].astype(str))):
        folds[places[tested]] = fold
    return pd.Series(folds, index=target.index)


def split_condition(
    respondents: pd.DataFrame,
    target: str,
    condition: str,
    *,
    exclude: Answers | None = None,
    keep: Answers | None = None,
    complete: Sequence[str] = (),
    share: float | None = None,
    same_size_as: Selection | None = None,
    n_folds: int,
    seed: int,
) -> pd.DataFrame:
    """Return the splits table of one condition.

    The model of fold f is trained on the respondents with ``in_training`` whose fold is neither f nor
    ``NO_FOLD``, and tested on all respondents of fold f, whatever the condition.

    Parameters
    ----------
    exclude
        Item to answers: respondents who gave one of them leave the training rows.
    keep
        Item to answers: only respondents who gave one of them, for every item, stay in the training rows.
    complete
        Items: only respondents who answered all of them stay in the training rows.
    share
        Share of the remaining rows that is drawn, see :func:`draw_share`.
    same_size_as
        ``exclude``, ``keep``, ``complete`` and ``share`` of another condition: as many of the remaining rows are drawn as
        that one has, see :func:`draw_rows`.
    seed
        Draws the folds and the rows.

    Returns
    -------
    pandas.DataFrame
        respondent_id, condition, fold (int8), in_training (bool); in the order of ``respondents``.

    Raises
    ------
    InputError
        If an item or answer is unknown, a class has fewer rows than folds, or a fold has nobody to train on.
    """
    folds = assign_folds(respondents[target], n_folds, seed)
    in_training = _selected(respondents, target, folds, condition, exclude, keep, complete, share, seed)
    if same_size_as is not None:
        other = _selected(respondents, target, folds, condition, seed=seed, **same_size_as)
        in_training = draw_rows(in_training, respondents[target], folds, int(other.sum()), seed)
    _check_training(in_training, respondents[target], folds, condition, n_folds)
    table = respondents[["respondent_id"]]
    return table.assign(condition=condition, fold=folds, in_training=in_training)


def _selected(
    respondents: pd.DataFrame,
    target: str,
    folds: "pd.Series[int]",
    condition: str,
    exclude: Answers | None = None,
    keep: Answers | None = None,
    complete: Sequence[str] = (),
    share: float | None = None,
    seed: int = 0,
) -> Mask:
    """Return which rows a condition may be trained on, shape (n_respondents,)."""
    in_training = folds.to_numpy() != NO_FOLD
    for item, answers in (exclude or {}).items():
        in_training &= ~_gave(respondents, item, answers, f"condition '{condition}', exclude")
    for item, answers in (keep or {}).items():
        in_training &= _gave(respondents, item, answers, f"condition '{condition}', keep")
    if complete:
        in_training &= respondents[list(complete)].notna().all(axis=1).to_numpy()
    if share is not None:
        in_training = draw_share(in_training, respondents[target], folds, share, seed)
    return np.asarray(in_training, dtype=bool)


def draw_share(
    in_training: Mask, target: "pd.Series[str]", folds: "pd.Series[int]", share: float, seed: int
) -> Mask:
    """Return a mask of about ``share`` of the training rows, by class and within a class by fold.

    Each class has one random order, drawn by the seed, and a share is the beginning of that order. So shares are nested:
    the 10 % sample is part of the 30 % sample. The order takes the folds in proportion to their rows. A class keeps at
    least two rows, from two folds if possible, so that every fold has it in training; a rare class is therefore somewhat
    overrepresented in a very small share.

    Parameters
    ----------
    in_training
        The rows to draw from, shape (n_respondents,).
    target, folds
        Answer and fold of each respondent, shape (n_respondents,).
    share
        0 < share <= 1, of the rows in ``in_training``.
    """
    rows = _rows_by_answer(in_training, target)
    # floor(x + 1/2): Python's round would send both 0.5 and 1.5 to an even number.
    sizes = {
        answer: max(int(np.floor(share * len(places) + 0.5)), min(2, len(places)))
        for answer, places in rows.items()
    }
    return _drawn(rows, sizes, folds, len(in_training), seed)


def draw_rows(
    in_training: Mask, target: "pd.Series[str]", folds: "pd.Series[int]", n: int, seed: int
) -> Mask:
    """Return a mask of exactly ``n`` of the training rows, by class in proportion, in the order of :func:`draw_share`.

    The classes' numbers of rows are rounded by the largest-remainder method. Other parameters as in :func:`draw_share`.

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
    rows = _rows_by_answer(in_training, target)
    exact = {answer: n * len(places) / max(total, 1) for answer, places in rows.items()}
    sizes = {answer: int(size) for answer, size in exact.items()}
    by_remainder = sorted(exact, key=lambda answer: sizes[answer] - exact[answer])
    for answer in by_remainder[: n - sum(sizes.values())]:
        sizes[answer] += 1
    return _drawn(rows, sizes, folds, len(in_training), seed)


def _rows_by_answer(in_training: Mask, target: "pd.Series[str]") -> dict[str, Rows]:
    answers = target.astype(object).to_numpy()
    found = pd.unique(target[in_training].dropna().astype(object))
    return {answer: np.flatnonzero(in_training & (answers == answer)) for answer in found}


def _drawn(
    rows: Mapping[str, Rows], sizes: Mapping[str, int], folds: "pd.Series[int]", n_respondents: int, seed: int
) -> Mask:
    """Return the first rows of each class's fixed order."""
    rng = np.random.default_rng(seed)
    drawn = np.zeros(n_respondents, dtype=bool)
    for answer, places in rows.items():
        drawn[_spread_over_folds(places, folds.to_numpy()[places], rng)[: sizes[answer]]] = True
    return drawn


def _spread_over_folds(rows: Rows, folds: npt.NDArray[Any], rng: np.random.Generator) -> Rows:
    """Return rows in a random order of which every beginning has the folds in proportion."""
    shuffled = rng.permutation(len(rows))
    rows, folds = rows[shuffled], folds[shuffled]
    places = pd.Series(folds).groupby(folds).cumcount().to_numpy()
    sizes = pd.Series(folds).groupby(folds).transform("size").to_numpy()
    # One row of each fold first, then in proportion; ties stay in the order of the shuffle.
    return rows[np.lexsort((np.arange(len(rows)), (places + 0.5) / sizes, places > 0))]


def _gave(respondents: pd.DataFrame, item: str, answers: Sequence[str], where: str) -> Mask:
    if item not in respondents:
        raise InputError(f"{where}: no item '{item}'{did_you_mean(item, respondents.columns)}")
    dtype = respondents[item].dtype
    if not isinstance(dtype, pd.CategoricalDtype):
        raise InputError(f"{where}: '{item}' is numeric and has no answers to choose from")
    for answer in answers:
        if answer not in dtype.categories:
            raise InputError(
                f"{where}: item '{item}' has no answer '{answer}'{did_you_mean(answer, dtype.categories)}"
            )
    return respondents[item].isin(list(answers)).to_numpy()


def _check_training(
    in_training: Mask, target: "pd.Series[str]", folds: "pd.Series[int]", condition: str, n_folds: int
) -> None:
    classes = set(target.dropna().unique())
    for fold in range(n_folds):
        trained_on = target[in_training & (folds != fold).to_numpy()]
        if trained_on.empty:
            raise InputError(
                f"condition '{condition}' leaves nobody to train on for fold {fold}",
                "Look at its `exclude`, `keep`, `complete` and `share`.",
            )
        absent = sorted(str(answer) for answer in classes - set(trained_on.unique()))
        if absent:
            logger.warning(
                "condition %s, fold %d: no training row for %s", condition, fold, ", ".join(absent)
            )
