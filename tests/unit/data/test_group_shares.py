import numpy as np
import pandas as pd
import pytest

from stimmung.data.surveys.group_shares import shares_of_respondents, with_folds
from stimmung.vocabulary.errors import InputError

OPTIONS = {"vote": ["Red", "Blue", "Green"]}


def people(*rows):
    frame = pd.DataFrame(rows, columns=["sex", "region", "vote", "weight"])
    for name, labels in (("sex", ["woman", "man"]), ("region", ["East", "West"]), ("vote", OPTIONS["vote"])):
        frame[name] = frame[name].astype(pd.CategoricalDtype(labels))
    return frame.astype({"weight": float})


SOME = people(
    ("woman", "East", "Red", 3),
    ("woman", "East", "Blue", 1),
    ("woman", "East", None, 9),
    ("man", "West", "Blue", 1),
    ("man", "West", "Blue", 1),
    ("man", "East", "Red", 2),
    ("man", None, "Red", 1),
)


def test_shares_are_weighted_and_of_those_who_answered():
    groups, shares = shares_of_respondents(SOME, ["sex", "region"], OPTIONS, 2)
    assert list(groups["group"]) == ["woman, East", "man, West"]
    table = shares.set_index(["group", "option"])
    assert list(table.loc["woman, East", "share"]) == [0.75, 0.25, 0.0]
    assert list(table.loc["man, West", "share"]) == [0.0, 1.0, 0.0]
    assert table.loc["woman, East", "n"].eq(2).all()
    assert table.loc["woman, East", "n_effective"].eq(4**2 / (3**2 + 1)).all(), "Kish's"


def test_a_group_of_one_respondent_is_left_out_and_counted_and_so_is_who_is_in_none(capsys):
    shares_of_respondents(SOME, ["sex", "region"], OPTIONS, 2)
    told = capsys.readouterr().err
    assert "1 of 3 distributions are of fewer than 2 respondents, 1 of them of a single one; left out" in told
    assert "1 of 7 respondents lack an answer to sex or region" in told
    with pytest.raises(InputError, match="no group has 3 respondents"):
        shares_of_respondents(SOME, ["sex", "region"], OPTIONS, 3)


def test_each_group_is_tested_in_one_fold_which_the_seed_draws():
    groups = pd.DataFrame({"group": [f"g{n}" for n in range(11)]})
    shares = groups.assign(item="vote")
    first, again, other = (with_folds(groups, shares, 3, seed)["fold"] for seed in (1, 1, 2))
    assert first.equals(again) and not first.equals(other)
    assert sorted(np.bincount(first)) == [3, 4, 4]


def test_too_few_groups_or_an_item_with_nothing_to_learn_from():
    groups = pd.DataFrame({"group": ["a", "b", "c"]})
    with pytest.raises(InputError, match="5 folds need 5 groups, and there are 3"):
        with_folds(groups, groups.assign(item="vote"), 5, 0)
    with pytest.raises(InputError, match="item 'mood' has shares in 1 groups, all in one fold"):
        with_folds(groups, pd.DataFrame({"group": ["b"], "item": ["mood"]}), 3, 0)
