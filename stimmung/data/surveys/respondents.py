"""From the codes of a survey file to the respondents table: answers in words and numbers, and why some are missing."""

import logging
import sys
from collections import ChainMap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from stimmung.data.surveys.coding import Conditions, code_item, describe_unknown, holds
from stimmung.data.surveys.select_all_answers import settle_select_all
from stimmung.data.surveys.survey_codes import SurveyFile, code_key
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError, warn
from stimmung.vocabulary.row_rules import MAX_LOST_SHARE
from stimmung.vocabulary.votes_schemas import CLUSTER, GROUP, MISSING_SUFFIX, STRATUM

logger = logging.getLogger(__name__)

_RESERVED = ("respondent_id", "weight", GROUP, STRATUM, CLUSTER)


def needed_columns(
    codebook: Codebook,
    where: Conditions,
    weight: str | None,
    where_not: Conditions | None = None,
    group: str | None = None,
    strata: str | None = None,
    clusters: str | None = None,
) -> list[str]:
    """Return the columns of the survey file that its respondents table needs, each once."""
    columns = [column for item in codebook.items.values() for column in item.columns]
    columns += [*where, *(where_not or {})]
    columns += [name for name in (codebook.respondent_id, weight, group, strata, clusters) if name]
    return list(dict.fromkeys(columns))


def respondents_table(
    survey: SurveyFile,
    codebook: Codebook,
    language: str,
    where: Conditions | None = None,
    weight: str | None = None,
    where_not: Conditions | None = None,
    group: str | None = None,
    strata: str | None = None,
    clusters: str | None = None,
    targets: Sequence[str] = (),
    max_lost_share: float = MAX_LOST_SHARE,
) -> pd.DataFrame:
    """Return one row for each respondent; ``survey`` has the columns that :func:`needed_columns` names.

    Parameters
    ----------
    where
        Column to codes or a rule: only respondents who have one of them, or fulfil it, in every column are kept.
    weight
        The column of the survey weight; None: every respondent has weight 1.
    where_not
        Column to codes or a rule: respondents who have one of them, or fulfil it, in any column are left out.
    group
        The column that says which rows belong together; None: the table has no column ``fold_group``.
    strata, clusters
        The columns of the sample's strata and primary sampling units; None: no column ``design_stratum``, ``design_cluster``.
    targets
        The items that are predicted; none: the codebook's target.
    max_lost_share
        Largest share of respondents whose answers to a select-all item may contradict each other.

    Returns
    -------
    pandas.DataFrame
        ``respondent_id`` (the codebook's column, or the number of the row in the file, from 1), ``weight``, ``fold_group``,
        ``design_stratum``, ``design_cluster``, and the items in the order of the codebook: a categorical of all option labels
        (ordered for an ordinal item) or a float for a numeric one, NA where the answer is missing. An item that declares missing
        codes is followed by ``{item}.missing``, a categorical of :class:`MissingReason` values, NA where there is an answer; an
        empty cell is 'no-answer'. In an item without missing codes an empty cell is NA without a reason. Respondents without a
        valid target are kept, with NA.

    Raises
    ------
    InputError
        If a code is not in the codebook, a weight is not positive, a group or an ID is missing or not unique, ``where`` leaves
        nobody, or a target has fewer than two answers.
    """
    _check_names(codebook, language)
    codes = _where(survey, where or {}, where_not or {})
    table: dict[str, pd.Series[Any]] = {}
    problems, hints = [], []
    own: dict[str, Any] = {
        "respondent_id": (_identifiers, codebook.respondent_id),
        "weight": (_weights, weight),
        **({GROUP: (_groups, group)} if group else {}),
        **({STRATUM: (_sampling_units, strata)} if strata else {}),
        **({CLUSTER: (_sampling_units, clusters)} if clusters else {}),
    }
    for name, (read, column) in own.items():
        try:
            table[name] = read(codes, column)
        except InputError as error:
            problems.append(error.what)
            hints.append(error.hint)
    predicted = codebook.targets_of(list(targets) or [codebook.target])
    for name, item in codebook.with_options(predicted).items.items():
        try:
            coded = code_item(survey, codes, item, language)
        except InputError as error:
            problems.append(f"item '{name}', {error.what}")
            hints.append(error.hint)
            continue
        table[name] = coded.answers
        if coded.reasons is not None:
            table[name + MISSING_SUFFIX] = coded.reasons
        if not coded.unknown.empty:
            labels = ChainMap(*(survey.value_labels.get(column, {}) for column in item.own_columns))
            problems.append(describe_unknown(name, item, coded.unknown, labels))
            place = "values" if item.is_number else "options"
            hints.append(f"Give each code in the codebook, under `{place}` or under `missing`.")
        if coded.n_ambiguous:
            warn(
                logger,
                f"item '{name}': {coded.n_ambiguous} of {len(codes)} respondents have different answers in "
                f"{', '.join(item.own_columns)}; the first counts",
            )
    if problems:
        raise InputError("; ".join(problems), " ".join(dict.fromkeys(hint for hint in hints if hint)))
    respondents = pd.DataFrame(settle_select_all(table, codebook, language, max_lost_share))
    for target in predicted:
        answers = respondents[target].dropna().unique()
        if len(answers) < 2:
            left = f"only '{answers[0]}' is" if len(answers) else "no answer is"
            raise InputError(
                f"target '{target}': {left} left among {len(respondents)} respondents",
                "A target needs two answers. Check the survey's `where` and the options of the target.",
            )
    return respondents.reset_index(drop=True)


def missing_counts(respondents: pd.DataFrame, items: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return the numbers of missing answers, item to reason to count, without zeros; 'empty' is an NA without a reason."""
    counts = {}
    for item in items:
        reasons = respondents.get(item + MISSING_SUFFIX)
        absent = int(respondents[item].isna().sum())
        if absent and reasons is not None:
            found = reasons.value_counts(sort=False)
            counts[item] = {str(reason): int(n) for reason, n in found.items() if n}
        elif absent:
            counts[item] = {"empty": absent}
    return counts


def _check_names(codebook: Codebook, language: str) -> None:
    if language not in codebook.languages:
        raise InputError(
            f"the codebook has no wording in '{language}'", f"It has: {', '.join(codebook.languages)}."
        )
    for name in codebook.items:
        if name in _RESERVED or name.endswith(MISSING_SUFFIX):
            raise InputError(
                f"codebook: an item cannot be named '{name}'", "That column has another meaning."
            )


def _where(survey: SurveyFile, where: Conditions, where_not: Conditions) -> pd.DataFrame:
    kept, n = survey.codes, len(survey.codes)
    for column, wanted in where.items():
        kept = kept[holds(survey, kept, {column: wanted})]
        _tell_left("where", column, len(kept), n)
    for column, unwanted in where_not.items():
        kept = kept[~holds(survey, kept, {column: unwanted})]
        _tell_left("where_not", column, len(kept), n)
    if kept.empty:
        said = f"where: none of {n} respondents is left" if n else "the file has no rows"
        raise InputError(said, "`where` names codes of the file, or their value labels.")
    return kept


def _tell_left(key: str, column: str, n_left: int, n: int) -> None:
    said = f"{key} {column}: {n_left} of {n} rows are left"
    logger.info(said)
    print(said, file=sys.stderr)


def _identifiers(codes: pd.DataFrame, column: str | None) -> "pd.Series[str]":
    if column is None:
        return pd.Series((codes.index + 1).astype(str), index=codes.index, dtype="str")
    keys = codes[column].map(code_key)
    absent, twice = int(keys.isna().sum()), int(keys.dropna().duplicated().sum())
    if absent or twice:
        raise InputError(
            f"respondent_id '{column}': {absent} rows have no ID and {twice} repeat an earlier ID",
            "Name a column that identifies each respondent, or leave out `respondent_id` to number the rows. Of persons with several "
            "rows, the identifier is the survey's `group`.",
        )
    return keys.astype("str")


def _groups(codes: pd.DataFrame, column: str) -> "pd.Series[str]":
    keys = codes[column].map(code_key)
    if absent := int(keys.isna().sum()):
        raise InputError(
            f"group '{column}': no value in {absent} of {len(codes)} rows",
            "Leave these rows out with `where_not`, or give each of them a group of its own.",
        )
    return keys.astype("str")


def _sampling_units(codes: pd.DataFrame, column: str) -> "pd.Series[str]":
    keys = codes[column].map(code_key)
    if absent := int(keys.isna().sum()):
        raise InputError(
            f"strata or clusters '{column}': no value in {absent} of {len(codes)} rows",
            "Without it nobody knows how these respondents were drawn: leave them out with `where_not`, or leave out the column.",
        )
    return keys.astype("str")


def _weights(codes: pd.DataFrame, column: str | None) -> "pd.Series[float]":
    if column is None:
        return pd.Series(1.0, index=codes.index)
    weights = pd.to_numeric(codes[column].map(code_key), errors="coerce").astype(float)
    unusable = int((~((weights > 0) & np.isfinite(weights))).sum())
    if unusable:
        raise InputError(
            f"weight '{column}': zero, negative or missing in {unusable} of {len(codes)} rows",
            f"Leave these respondents out with `where: {{{column}: {{above: 0}}}}`, or choose another weight.",
        )
    return weights
