"""A file of given shares as a source without respondents: group, item, option, share, n, and the answers that make each group."""

import logging
from collections import ChainMap
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from stimmung.data.surveys.coding import code_item, describe_unknown, places_of_options, shortened
from stimmung.data.surveys.group_shares import Options, with_enough
from stimmung.data.surveys.survey_codes import SurveyFile, code_key
from stimmung.data.surveys.survey_files import read_survey_file
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError, did_you_mean, warn
from stimmung.vocabulary.groups import Groups

logger = logging.getLogger(__name__)

COLUMNS = ("group", "item", "option", "share", "n")
_OF_OPTIONS = "A select-all item has rows of each of its options: item 'media.tv', option 'yes' or 'no'."


def shares_of_file(
    settings: Groups,
    source: str,
    codebook: Codebook,
    targets: Sequence[str],
    language: str,
    encoding: str | None,
    max_lost_share: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the groups of a file of shares, and their GROUP_SHARES table, as :func:`shares_of_respondents` does.

    Each row is one option of one item in one group, by code or in words; an option without a row has a share of 0. ``n`` is the
    number of respondents behind the shares, and counts as effective. Rows of items that are no targets are not used, which is told.

    Raises
    ------
    InputError
        If a column is absent; a cell is empty or no number; an item or option is not in the codebook; a row is doubled; the shares
        of an item in a group do not sum to 1; n or what makes a group differs between its rows; or a target has no shares.
    """
    items = [codebook.items[name] for name in settings.by]
    needed = dict.fromkeys([*COLUMNS, *(column for item in items for column in item.columns)])
    survey = read_survey_file(source, list(needed), encoding, max_lost_share)
    keys = survey.codes[list(COLUMNS)].map(code_key)
    if n := int(keys.isna().any(axis=1).sum()):
        raise InputError(f"{source}: {n} of {len(keys)} rows have an empty {', '.join(COLUMNS[:-1])} or n")
    if strange := [name for name in keys["item"].unique() if name not in codebook.items]:
        raise InputError(
            f"{source}: no item '{strange[0]}' in the codebook{did_you_mean(strange[0], codebook.items)}",
            _OF_OPTIONS if strange[0] in codebook.select_all else None,
        )
    wanted = keys["item"].isin(list(targets))
    if not wanted.all():
        warn(logger, f"{source}: {int((~wanted).sum())} of {len(keys)} rows are of items that are no targets")
    if absent := [name for name in targets if not (keys["item"] == name).any()]:
        raise InputError(f"{source}: no shares of the target '{absent[0]}'")
    keys, survey = keys[wanted], replace(survey, codes=survey.codes[wanted])
    numbers = keys[["share", "n"]].apply(pd.to_numeric, errors="coerce").astype(float)
    table = keys[["group", "item"]].assign(
        option=_options(keys, survey, codebook, language, source), share=numbers["share"], n=numbers["n"]
    )
    options = {name: codebook.items[name].labels(language) for name in targets}
    shares = _whole(_checked(table, source), options, settings.tolerance, source)
    groups = _groups(keys["group"], survey, settings.by, codebook, language, source)
    return with_enough(groups, shares, settings.min_n)


def _options(
    keys: pd.DataFrame, survey: SurveyFile, codebook: Codebook, language: str, source: str
) -> "pd.Series[str]":
    """Return each row's option in words."""
    found = pd.Series(None, index=keys.index, dtype=object)
    labels = survey.value_labels.get("option", {})
    for name, part in keys.groupby("item"):
        item = codebook.items[str(name)]
        place_of = places_of_options(item, labels, codebook.languages, f"{source}, column 'option'")
        odd = part["option"][~part["option"].isin(list(place_of))]
        if not odd.empty:
            near = did_you_mean(odd.iloc[0], item.labels(language))
            raise InputError(
                f"{source}: item '{name}' has no option '{shortened(odd.iloc[0])}'{near}, in {len(odd)} rows",
                f"Write it in words, such as '{item.labels(language)[0]}'."
                if item.is_number
                else "Options are those of the codebook, by code or in words.",
            )
        words = item.labels(language)
        found[part.index] = [words[place_of[key]] for key in part["option"]]
    return found.astype(str)


def _checked(table: pd.DataFrame, source: str) -> pd.DataFrame:
    """Return rows whose cells are what they must be, or raise an InputError that names the first that is not."""
    of_group = table.groupby(["group", "item"])["n"]
    faults = {
        "the share is no number from 0 to 1": ~table["share"].between(0, 1),
        "n is no number above 0": ~((table["n"] > 0) & np.isfinite(table["n"])),
        "an option stands in two rows": table.duplicated(["group", "item", "option"]),
        "n differs between the options": of_group.transform("nunique") > 1,
    }
    for what, wrong in faults.items():
        if wrong.any():
            percentages = what.startswith("the share") and table["share"].max() > 1
            first = table[wrong].iloc[0]
            raise InputError(
                f"{source}: {what}: {_place(first)}, and {int(wrong.sum()) - 1} more rows",
                "Per cent must be divided by 100." if percentages else None,
            )
    return table


def _whole(table: pd.DataFrame, options: Options, tolerance: float, source: str) -> pd.DataFrame:
    """Return the GROUP_SHARES table, with a row for each option; the shares of an item in a group sum to 1."""
    sums = table.groupby(["group", "item"], sort=False)["share"].sum()
    # Sums of decimal fractions are off by rounding.
    off = sums[(sums - 1).abs() > tolerance + 1e-9]
    if not off.empty:
        group, item = off.index[0]
        raise InputError(
            f"{source}: the shares of item '{item}' in group '{group}' sum to {off.iloc[0]:.4g} instead of 1, and those of "
            f"{len(off) - 1} more; `groups.tolerance` is {tolerance:g}",
            "Is there a row for every option that somebody chose? A larger `groups.tolerance` allows for rounded percentages.",
        )
    if n := int(((sums - 1).abs() > 1e-6).sum()):
        warn(
            logger,
            f"{source}: the shares of {n} of {len(sums)} distributions are scaled to a sum of exactly 1",
        )
    n_of = table.groupby(["group", "item"])["n"].first()
    known = table.set_index(["group", "item", "option"])["share"]
    rows = [
        {
            **{"group": group, "item": item, "option": label},
            "share": min(1.0, known.get((group, item, label), 0.0) / total),
            "n": n_of[group, item],
            "n_effective": n_of[group, item],
        }
        for group, item, total in sums.reset_index().itertuples(index=False)
        for label in options[item]
    ]
    return pd.DataFrame(rows)


def _groups(
    names: "pd.Series[str]",
    survey: SurveyFile,
    by: Sequence[str],
    codebook: Codebook,
    language: str,
    source: str,
) -> pd.DataFrame:
    """Return each group, in the order of the file, with the answers that make it; one that the file leaves empty is absent."""
    table = pd.DataFrame({"group": names.astype(str)})
    for name in by:
        item = codebook.items[name]
        coded = code_item(survey, survey.codes, item, language)
        if not coded.unknown.empty:
            labels = ChainMap(*(survey.value_labels.get(column, {}) for column in item.own_columns))
            raise InputError(
                f"{source}: {describe_unknown(name, item, coded.unknown, labels)}",
                "Give each code in the codebook, under `options` or under `missing`.",
            )
        table[name] = coded.answers
    groups = table.drop_duplicates().reset_index(drop=True)
    if twice := list(groups["group"][groups["group"].duplicated()]):
        raise InputError(f"{source}: group '{twice[0]}' has different answers to {' or '.join(by)}")
    alike = groups[groups.duplicated(list(by), keep=False)]
    if not alike.empty:
        raise InputError(
            f"{source}: {len(alike)} groups have the same answers to {' and '.join(by)} as another, and so the same prompt, such as "
            f"'{alike['group'].iloc[0]}'",
            "Name under `groups.by` what tells the groups apart.",
        )
    return groups


def _place(row: "pd.Series[str]") -> str:
    return f"group '{row['group']}', item '{row['item']}', option '{row['option']}'"
