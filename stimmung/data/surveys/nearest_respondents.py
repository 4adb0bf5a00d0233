"""Which respondents answered most alike."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stimmung.vocabulary.votes_schemas import MISSING_SUFFIX

# Rows of distances that are held at a time, each with a number for each training respondent: a choice.
BLOCK_ROWS = 256


def nearest_respondents(
    respondents: pd.DataFrame,
    tested: Sequence[str],
    training: Sequence[str],
    items: Sequence[str],
    k: int,
    seed: int,
) -> list[list[str]]:
    """Return for each tested respondent the ids of the ``k`` training respondents with the most similar answers, the nearest first.

    The distance is Gower's (1971, A general coefficient of similarity, Biometrics 27): the mean over ``items`` of 0 or 1 for a
    nominal item, of the difference of ranks or values over their range for an ordinal or numeric one. An absent answer is treated as
    an answer of its own, by its reason, not left out: 0 to the same reason, 1 to all else. Of equally near ones, a draw with
    ``seed`` decides. The range of a numeric item is that of ``training``. ``respondents`` is a RESPONDENTS table.
    """
    rows = respondents.set_index("respondent_id")
    # Their order decides between equally near ones, and does not depend on the table's.
    drawn = np.random.default_rng(seed).permutation(sorted(training))
    known, asked = rows.loc[drawn], rows.loc[list(tested)]
    found: list[list[str]] = []
    for start in range(0, len(tested), BLOCK_ROWS):
        block = asked.iloc[start : start + BLOCK_ROWS]
        distances = np.zeros((len(block), len(known)))
        for one in _item_distances(known, block, items):
            distances += one
        # Rounded, so that equally near ones are equal whatever the order of the sums.
        order = np.argsort(distances.round(9), axis=1, kind="stable")[:, :k]
        found += drawn[order].tolist()
    return found


def _item_distances(
    known: pd.DataFrame, asked: pd.DataFrame, items: Sequence[str]
) -> Iterator[NDArray[np.float64]]:
    """Yield the distances in each item, shape (asked, known), each from 0 to 1."""
    for item in items:
        (ours, why), (theirs, reasons) = _coded(asked, item), _coded(known, item)
        kind = known[item].dtype
        if isinstance(kind, pd.CategoricalDtype):
            span = float(len(kind.categories) - 1) if kind.ordered else 0.0
        else:
            span = float(np.ptp(theirs[reasons == ""])) if (reasons == "").any() else 0.0
        apart = np.abs(ours[:, None] - theirs)
        # Without a range all that differs is as far apart as can be.
        apart = np.minimum(apart / span, 1.0) if span else (apart > 0).astype(float)
        absent = (why != "")[:, None] | (reasons != "")
        yield np.where(absent, (why[:, None] != reasons).astype(float), apart)


def _coded(rows: pd.DataFrame, item: str) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return the answers as numbers, and why they are absent, '' where they are not."""
    answers = rows[item]
    is_worded = isinstance(answers.dtype, pd.CategoricalDtype)
    numbers = np.asarray(answers.cat.codes if is_worded else answers.fillna(0), dtype=float)
    reasons = rows.get(item + MISSING_SUFFIX, pd.Series("absent", rows.index)).astype(object).fillna("absent")
    return numbers, np.asarray(reasons.where(answers.isna(), ""), dtype=str)
