"""The columns of a select-all item together: what an empty cell means, who chose nothing, and who said none of these and yet chose."""

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from stimmung.vocabulary.answer_options import MissingReason, in_language
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError, warn
from stimmung.vocabulary.select_all import NONE
from stimmung.vocabulary.votes_schemas import MISSING_SUFFIX

logger = logging.getLogger(__name__)


class _Answers(NamedTuple):
    """What all said of each option of an item, shape (n_respondents, options), and of "none of these", (n_respondents,)."""

    chosen: Any
    known: Any
    none: Any


def settle_select_all(
    table: Mapping[str, "pd.Series[Any]"], codebook: Codebook, language: str, max_lost_share: float
) -> dict[str, "pd.Series[Any]"]:
    """Return the columns of a RESPONDENTS table with the select-all items made consistent.

    - Who chose something did not choose the options whose cell is empty, if the codebook says so (``empty_is_no``).
    - Who said "none of these" chose no option: empty cells are a no. With an option chosen, the two contradict each other; such a
      respondent has no answer to any option.
    - Who chose nothing, explicitly, has no answer if the codebook says so (``nothing_chosen``).

    How many contradict themselves is told. Raises an InputError if a larger share of the respondents than ``max_lost_share`` does.
    """
    settled = dict(table)
    for group in codebook.select_all:
        settled |= _settle(settled, codebook, group, language, max_lost_share)
    return settled


def _settle(
    table: Mapping[str, "pd.Series[Any]"],
    codebook: Codebook,
    group: str,
    language: str,
    max_lost_share: float,
) -> dict[str, "pd.Series[Any]"]:
    item, names = codebook.select_all[group], codebook.members(group)
    yes, no = (in_language(option.label, language) for option in (item.chosen, item.not_chosen))
    asked_none = f"{group}.{NONE}"
    answers = _Answers(
        chosen=np.column_stack([table[name] == yes for name in names]),
        known=np.column_stack([table[name].notna() for name in names]),
        none=(table[asked_none] == yes).to_numpy()
        if asked_none in table
        else np.zeros(len(table[names[0]]), bool),
    )
    some = answers.chosen.any(axis=1)
    contradicting = some & answers.none
    _tell_contradictions(group, int(contradicting.sum()), len(some), max_lost_share)
    nothing = answers.known.all(axis=1) & ~some & ~answers.none
    if n := int(nothing.sum()):
        logger.info(
            "item '%s': %d of %d respondents chose no option: %s", group, n, len(some), item.nothing_chosen
        )
    absent = contradicting | (nothing & (item.nothing_chosen == "missing"))
    implied = (answers.none | (some & item.empty_is_no)) & ~absent
    settled = {}
    for place, name in enumerate(names):
        column, reasons = table[name], table.get(name + MISSING_SUFFIX)
        empty = ~answers.known[:, place]
        if reasons is not None:
            # A refusal is no empty cell.
            empty = empty & (reasons == MissingReason.NO_ANSWER.value).to_numpy()
        filled = empty & implied
        settled[name] = column.where(~filled, no).where(~absent)
        if reasons is not None:
            settled[name + MISSING_SUFFIX] = reasons.where(~filled).mask(
                absent & answers.known[:, place], MissingReason.NO_ANSWER.value
            )
    return settled


def _tell_contradictions(group: str, n: int, of: int, max_lost_share: float) -> None:
    what = f"item '{group}': {n} of {of} respondents chose an option and \"none of these\" as well"
    if n > max_lost_share * of:
        raise InputError(
            what,
            f"Are the codes of `chosen` right? The survey's `max_lost_share` allows a share of {max_lost_share:g}; allow more, and "
            "they count as without an answer to this item.",
        )
    if n:
        warn(logger, f"{what}; they count as without an answer to this item")
