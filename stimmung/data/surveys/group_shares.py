"""Groups of respondents, and the weighted shares of their answers."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from stimmung.vocabulary.errors import InputError, warn

logger = logging.getLogger(__name__)

Options = Mapping[str, Sequence[str]]  # target to its options, in their order


def shares_of_respondents(
    respondents: pd.DataFrame, by: Sequence[str], options: Options, min_n: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the groups that the items ``by`` make, and the GROUP_SHARES table of their answers to the targets.

    A share is the sum of the weights of those who gave the answer, of all who answered the target. Its effective n is Kish's,
    (sum of weights)^2 / sum of squared weights. Who lacks an answer that makes a group is in none, and shares of fewer than
    ``min_n`` respondents are left out; both are told. The groups have the columns group and ``by``, in the order of the options.

    ``respondents`` is a RESPONDENTS table. Raises InputError if no group is left.
    """
    known = respondents[list(by)].notna().all(axis=1)
    if n := int((~known).sum()):
        warn(
            logger,
            f"groups: {n} of {len(respondents)} respondents lack an answer to {' or '.join(by)}, and are in no group",
        )
    groups, rows = [], []
    for answers, members in respondents[known].groupby(list(by), observed=True):
        group = dict(zip(by, map(str, answers), strict=True))
        name = ", ".join(group.values())
        groups.append({"group": name, **group})
        for item, labels in options.items():
            answered = members[members[item].notna()]
            if answered.empty:
                continue
            total = answered["weight"].sum()
            weights = answered.groupby(answered[item].astype(str))["weight"].sum()
            n_effective = total**2 / (answered["weight"] ** 2).sum()
            about = {"group": name, "item": item, "n": float(len(answered)), "n_effective": n_effective}
            rows += [{**about, "option": label, "share": weights.get(label, 0.0) / total} for label in labels]
    shares = pd.DataFrame(rows, columns=["group", "item", "option", "share", "n", "n_effective"])
    found = pd.DataFrame(groups, columns=["group", *by])
    if twice := list(found["group"][found["group"].duplicated()]):
        raise InputError(
            f"groups: two groups are called '{twice[0]}'", "Give the options of `groups.by` other labels."
        )
    for name in by:
        found[name] = found[name].astype(respondents[name].dtype)
    return with_enough(found, shares, min_n)


def with_enough(groups: pd.DataFrame, shares: pd.DataFrame, min_n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return groups and shares without those of fewer than ``min_n`` respondents, which are counted and told.

    Raises InputError if nothing is left.
    """
    few = shares["n"] < min_n
    if few.any():
        each = shares[few].drop_duplicates(["group", "item"])
        of = len(shares.drop_duplicates(["group", "item"]))
        ones = f", {n} of them of a single one" if (n := int((each["n"] <= 1).sum())) else ""
        warn(
            logger,
            f"groups: {len(each)} of {of} distributions are of fewer than {min_n} respondents{ones}; left out (`groups.min_n`)",
        )
    kept = shares[~few].reset_index(drop=True)
    if kept.empty:
        raise InputError(
            f"groups: no group has {min_n} respondents with an answer to a target",
            "Name fewer items under `groups.by`, or make their options broader.",
        )
    return groups[groups["group"].isin(kept["group"])].reset_index(drop=True), kept


def with_folds(groups: pd.DataFrame, shares: pd.DataFrame, n_folds: int, seed: int) -> pd.DataFrame:
    """Return the GROUPS table: each group with the fold that tests it, the same for all items, so that no adapter learned of it.

    Folds are drawn by the seed and are of equal size, give or take one. Raises InputError if there are fewer groups than folds, or
    all groups that have shares of an item are in one fold.
    """
    if len(groups) < n_folds:
        raise InputError(
            f"groups: {n_folds} folds need {n_folds} groups, and there are {len(groups)}",
            "Use fewer folds, name more items under `groups.by`, or lower `groups.min_n`.",
        )
    drawn = np.random.default_rng(seed).permutation(len(groups)) % n_folds
    table = groups.assign(fold=drawn.astype("int8"))
    fold_of = table.set_index("group")["fold"]
    for item, part in shares.groupby("item", sort=False):
        if fold_of[part["group"].unique()].nunique() < 2:
            raise InputError(
                f"groups: item '{item}' has shares in {part['group'].nunique()} groups, all in one fold: nothing to learn from",
                "Use another `split_seed`, or leave it out of the survey's `targets`.",
            )
    return table[["group", "fold", *(name for name in groups if name != "group")]]
