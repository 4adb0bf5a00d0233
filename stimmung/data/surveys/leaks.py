"""Items that all but give each other away: pairs of answers whose association is close to certain."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from stimmung.vocabulary.votes_schemas import NO_FOLD

# Above it an item is named. A choice: questions of one battery rarely pass .9, an item and what was derived from it hardly fall below.
NEAR_CERTAIN = 0.95
# Fewer respondents with both answers say nothing: chance alone makes an association near 1. A choice.
MIN_RESPONDENTS = 30


def looked_at(split: pd.DataFrame) -> "pd.Series[bool]":
    """Return the rows of a SPLITS table that may be learned from; where there are none, as nobody was asked, all who answered."""
    return split["in_training"] if split["in_training"].any() else split["fold"] != NO_FOLD


def near_certain(respondents: pd.DataFrame, target: str, items: Sequence[str]) -> list[str]:
    """Return a line for each of ``items`` that nearly determines the target, or is determined by it.

    The rows are those of a RESPONDENTS table that may be learned from.
    """
    found = {item: association(respondents[target], respondents[item]) for item in items}
    return [
        f"'{item}' all but gives '{target}' away ({name} {value:.3f} among those who may be learned from); if one follows from the "
        f"other, name it under `gives_away.{target}` in the codebook"
        for item, (name, value) in found.items()
        if value > NEAR_CERTAIN
    ]


def association(first: "pd.Series[Any]", second: "pd.Series[Any]") -> tuple[str, float]:
    """Return the strongest association of two items, from 0 to 1, and its name; 0 if too few respondents answered both.

    Cramer's V of two items with options (Cramer 1946), \\|r\\| of two with an order, the correlation ratio of a number by a nominal
    item (Fisher 1925).
    """
    both = first.notna() & second.notna()
    first, second = first[both], second[both]
    if both.sum() < MIN_RESPONDENTS or first.nunique() < 2 or second.nunique() < 2:
        return "", 0.0
    found: dict[str, float] = {}
    ranks = [_ranks(one) for one in (first, second)]
    options = [isinstance(one.dtype, pd.CategoricalDtype) for one in (first, second)]
    if all(options):
        # Imported here: what checks a config alone needs no scipy.
        from scipy.stats.contingency import association as contingency

        rows, columns = (np.unique(one.cat.codes, return_inverse=True)[1] for one in (first, second))
        table = np.zeros((rows.max() + 1, columns.max() + 1), int)
        np.add.at(table, (rows, columns), 1)
        found["Cramer's V"] = float(contingency(table, method="cramer"))
    if ranks[0] is not None and ranks[1] is not None:
        found["|r|"] = abs(float(np.corrcoef(ranks[0], ranks[1])[0, 1]))
    elif not all(options):
        number, label = (first, second) if not options[0] else (second, first)
        found["correlation ratio"] = _correlation_ratio(number, label)
    return max(found.items(), key=lambda one: one[1])


def _ranks(answers: "pd.Series[Any]") -> npt.NDArray[np.float64] | None:
    """Return answers as numbers if they have an order."""
    if not isinstance(answers.dtype, pd.CategoricalDtype):
        return np.asarray(answers, dtype=np.float64)
    return np.asarray(answers.cat.codes, dtype=np.float64) if answers.cat.ordered else None


def _correlation_ratio(number: "pd.Series[Any]", label: "pd.Series[Any]") -> float:
    values, (_, groups) = number.to_numpy(float), np.unique(label.cat.codes, return_inverse=True)
    means = np.bincount(groups, values) / np.bincount(groups)
    return float(np.sqrt(means[groups].var() / values.var()))
