"""Test folds and training masks: a condition changes who may be trained on, and never who is tested in which fold."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from stimmung.data.surveys.drawn_rows import Mask, draw_rows, draw_share
from stimmung.data.surveys.hidden_answers import gave, gave_all
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.not_asked import NotAsked
from stimmung.vocabulary.votes_schemas import GROUP, NO_FOLD

logger = logging.getLogger(__name__)

Answers = Mapping[str, Sequence[str]]  # item to answers
Selection = Mapping[str, Any]  # exclude, keep, complete and share of another condition


def assign_folds(
    target: "pd.Series[str]", n_folds: int, seed: int, groups: "pd.Series[str] | None" = None
) -> "pd.Series[int]":
    """Return each respondent's test fold, stratified by the answer to the target, which is NA where there is none.

    Folds depend on nothing but the seed, the rows, the target and the groups, so all conditions share them. Rows of the same group
    stand in the same fold; the folds are then stratified, and of equal size, only as well as groups allow (scikit-learn's
    StratifiedGroupKFold); with as many groups as folds, each fold is a group. Returns int8, 0 to ``n_folds - 1``, and ``NO_FOLD``
    where the target is NA; the index is that of ``target``.

    Raises
    ------
    InputError
        If a class that occurs has fewer rows than there are folds, or there are fewer groups.
    """
    valid = target.notna().to_numpy()
    counts = target[valid].value_counts()
    small = [f"'{answer}' has {n}" for answer, n in counts.items() if 0 < n < n_folds]
    if small:
        raise InputError(
            f"target '{target.name}': {n_folds} folds need {n_folds} respondents for each answer, but {', '.join(small)}",
            "Use fewer folds, or give the answer's code as missing in the codebook; a numeric item may have wider `bins`.",
        )
    folds = np.full(len(target), NO_FOLD, dtype="int8")
    places = np.flatnonzero(valid)
    if groups is None:
        splitter, belongs = StratifiedKFold(n_folds, shuffle=True, random_state=seed), None
    else:
        splitter, belongs = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed), groups[valid]
        if (n_groups := belongs.nunique()) < n_folds:
            raise InputError(
                f"group: {n_folds} folds need {n_folds} groups, but the {len(places)} rows with an answer to '{target.name}' are "
                f"in {n_groups}",
                "Use fewer folds, or name another column as the survey's `group`.",
            )
    # Numbered as they occur, so that folds do not depend on how answers are worded.
    answers = pd.factorize(target[valid])[0]
    if belongs is not None and n_groups == n_folds:
        # Each group is left out once, however its answers are distributed.
        folds[places] = pd.factorize(belongs, sort=True)[0]
        return pd.Series(folds, index=target.index)
    for fold, (_, tested) in enumerate(splitter.split(places, answers, belongs)):
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
    left_out: Answers | None = None,
    not_asked: NotAsked | None = None,
    other_targets: Sequence[str] = (),
    n_folds: int,
    seed: int,
) -> pd.DataFrame:
    """Return the splits table of one condition.

    The model of fold f is trained on the respondents with ``in_training`` whose fold is neither f nor
    ``NO_FOLD``, and tested on all respondents of fold f, whatever the condition. If ``respondents`` have groups, all rows of a group
    stand in one fold, and are drawn together. With ``left_out``, only respondents who gave its answers are tested, in their folds.

    With ``other_targets`` of the same adapters, folds and draws are of all respondents with an answer to any of the targets, and
    not stratified by any answer: a respondent stands in the same fold, and among the same drawn rows, for every target. Who did
    not answer this ``target`` is then left out of its table by ``NO_FOLD``.

    Parameters
    ----------
    exclude
        Item to answers: respondents who gave one of them leave the training rows; of a group, only those rows.
    keep
        Item to answers: only respondents who gave one of them, for every item, stay in the training rows.
    complete
        Items: only respondents who answered all of them stay in the training rows.
    share
        Share of the remaining rows that is drawn, see :func:`draw_share`.
    same_size_as
        ``exclude``, ``keep``, ``complete``, ``share`` and ``left_out`` of another condition: as many of the remaining rows are
        drawn as that one has, see :func:`draw_rows`.
    left_out
        An item to answers: respondents who gave one of them leave the training rows, and they alone are tested.
    not_asked
        If the target is among its items, those whom it counts as not asked leave the training rows after the draws, so that the
        other targets keep the same respondents, and they alone are tested. If nobody was asked, nothing is learned.
    seed
        Draws the folds and the rows.

    Returns
    -------
    pandas.DataFrame
        respondent_id, condition, fold (int8), in_training (bool); with ``left_out`` also tested (bool); in the order of
        ``respondents``.

    Raises
    ------
    InputError
        If an item or answer is unknown, a class has fewer rows than folds, a fold has nobody to train on or to test, or nobody
        of the left-out answered.
    """
    groups = respondents.get(GROUP)
    strata = _strata(respondents, target, other_targets)
    folds = assign_folds(strata, n_folds, seed, groups)
    in_training = _selected(
        respondents, strata, folds, condition, exclude, keep, complete, share, left_out, seed
    )
    if same_size_as is not None:
        other = _selected(respondents, strata, folds, condition, seed=seed, **same_size_as)
        n = int(other.sum())
        in_training = draw_rows(in_training, strata, folds, n, seed, groups)
        if (n_drawn := int(in_training.sum())) != n:
            logger.warning(
                "condition %s: %d rows drawn instead of %d; groups stay whole", condition, n_drawn, n
            )
    answered = respondents[target].notna()
    folds = folds.where(answered, NO_FOLD)
    in_training &= answered.to_numpy()
    _check_tested(respondents[target], folds, n_folds)
    table = respondents[["respondent_id"]].assign(condition=condition, fold=folds)
    unasked = not_asked if not_asked is not None and target in not_asked.items else None
    if unasked is not None:
        in_training &= ~gave_all(respondents, unasked.among, f"condition '{condition}', left_out")
    if unasked is None or unasked.among:
        _check_training(in_training, respondents[target], folds, condition, n_folds)
    table = table.assign(in_training=in_training)
    among = unasked.among if unasked is not None else left_out
    if not among:
        return table
    tested = gave_all(respondents, among, f"condition '{condition}', left_out")
    _check_left_out(respondents, target, among, folds.where(tested, NO_FOLD), condition, n_folds)
    return table.assign(tested=tested)


def _strata(respondents: pd.DataFrame, target: str, other_targets: Sequence[str]) -> "pd.Series[str]":
    """Return what folds and draws are stratified by, NA for who is in none: the answer, or of several targets that there is any."""
    if not other_targets:
        return respondents[target]
    answered = respondents[[target, *other_targets]].notna().any(axis=1)
    return answered.map({True: "any", False: None}).rename(f"{target} and {len(other_targets)} more")


def _selected(
    respondents: pd.DataFrame,
    strata: "pd.Series[str]",
    folds: "pd.Series[int]",
    condition: str,
    exclude: Answers | None = None,
    keep: Answers | None = None,
    complete: Sequence[str] = (),
    share: float | None = None,
    left_out: Answers | None = None,
    seed: int = 0,
) -> Mask:
    """Return which rows a condition may be trained on, shape (n_respondents,)."""
    in_training = folds.to_numpy() != NO_FOLD
    for item, answers in (exclude or {}).items():
        in_training &= ~gave(respondents, item, answers, f"condition '{condition}', exclude")
    for item, answers in (keep or {}).items():
        in_training &= gave(respondents, item, answers, f"condition '{condition}', keep")
    if left_out:
        in_training &= ~gave_all(respondents, left_out, f"condition '{condition}', left_out")
    if complete:
        in_training &= respondents[list(complete)].notna().all(axis=1).to_numpy()
    if share is not None:
        in_training = draw_share(in_training, strata, folds, share, seed, respondents.get(GROUP))
    return np.asarray(in_training, dtype=bool)


def _check_tested(target: "pd.Series[str]", folds: "pd.Series[int]", n_folds: int) -> None:
    untested = [str(fold) for fold in range(n_folds) if not (folds == fold).any()]
    if untested:
        n, none = int(target.notna().sum()), f"none of them is in fold {', '.join(untested)}"
        raise InputError(
            f"target '{target.name}': {n} respondents answered it, and {none}",
            "Use fewer folds, or leave it out of the survey's `targets`.",
        )


def _check_left_out(
    respondents: pd.DataFrame,
    target: str,
    among: Answers,
    folds: "pd.Series[int]",
    condition: str,
    n_folds: int,
) -> None:
    """Raise an InputError if there is nothing to compare a prediction with: of one of the answers left out, or in a fold."""
    for item, answers in among.items():
        answered = respondents[item][respondents[target].notna()]
        if silent := [answer for answer in answers if not (answered == answer).any()]:
            raise InputError(
                f"condition '{condition}', left_out: nobody with {item} {', '.join(silent)} has an answer to '{target}' that "
                "a prediction could be compared with",
                f"Take {'it' if len(silent) == 1 else 'them'} off `left_out`: who was not asked is predicted under every condition.",
            )
    if untested := [str(fold) for fold in range(n_folds) if not (folds == fold).any()]:
        raise InputError(
            f"condition '{condition}', left_out: of the {int((folds != NO_FOLD).sum())} respondents with an answer to '{target}' "
            f"none is in fold {', '.join(untested)}",
            "Leave out more of them, or use fewer folds.",
        )


def _check_training(
    in_training: Mask, target: "pd.Series[str]", folds: "pd.Series[int]", condition: str, n_folds: int
) -> None:
    classes = set(target.dropna().unique())
    for fold in range(n_folds):
        trained_on = target[in_training & (folds != fold).to_numpy()]
        if trained_on.empty:
            raise InputError(
                f"condition '{condition}' leaves nobody to train on for fold {fold}",
                "Look at its `exclude`, `keep`, `complete`, `share` and `left_out`.",
            )
        absent = sorted(str(answer) for answer in classes - set(trained_on.unique()))
        if absent:
            logger.warning(
                "condition %s, fold %d: no training row for %s", condition, fold, ", ".join(absent)
            )
