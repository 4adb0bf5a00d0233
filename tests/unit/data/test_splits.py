import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stimmung.data.surveys.drawn_rows import draw_rows, draw_share
from stimmung.data.surveys.splits import assign_folds, split_condition
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.not_asked import NotAsked
from stimmung.vocabulary.votes_schemas import GROUP, NO_FOLD

PARTIES, VOTES = ["left", "centre", "right"], ["no", "yes", "abstain"]


def respondents(n, seed, missing=0.1):
    """Return made-up respondents; about a tenth has no target, another tenth no party."""
    rng = np.random.default_rng(seed)
    vote = rng.choice(VOTES, n, p=[0.5, 0.35, 0.15]).astype(object)
    party = rng.choice(PARTIES, n).astype(object)
    vote[rng.random(n) < missing] = None
    party[rng.random(n) < missing] = None
    return pd.DataFrame(
        {
            "respondent_id": [f"r{number}" for number in range(n)],
            "weight": 1.0,
            "party": pd.Categorical(party, PARTIES, ordered=True),
            "age": rng.integers(18, 90, n).astype(float),
            "vote": pd.Categorical(vote, VOTES),
        }
    )


def split(table, n_folds=5, seed=24, **condition):
    return split_condition(table, "vote", "c", n_folds=n_folds, seed=seed, **condition)


def trained_on(table, splits, fold):
    return table[splits.in_training & (splits.fold != fold) & (splits.fold != NO_FOLD)]


seeds = st.integers(0, 2**31 - 1)
sizes = st.integers(250, 400)


@given(sizes, seeds, st.sampled_from(PARTIES), st.floats(0.1, 1))
@settings(max_examples=15, deadline=None)
def test_folds_are_the_same_under_every_condition_and_cover_who_has_a_target_once(n, seed, party, share):
    table = respondents(n, seed)
    full = split(table, seed=seed)
    for condition in ({"exclude": {"party": [party]}}, {"keep": {"party": [party]}}, {"share": share}):
        assert split(table, seed=seed, **condition).fold.equals(full.fold)
    assert ((full.fold == NO_FOLD) == table.vote.isna()).all()
    assert set(full.fold) - {NO_FOLD} == set(range(5))


@given(sizes, seeds, st.integers(2, 6))
@settings(max_examples=15, deadline=None)
def test_every_fold_has_its_part_of_every_answer(n, seed, n_folds):
    table = respondents(n, seed)
    folds = assign_folds(table.vote, n_folds, seed)
    counts = pd.crosstab(folds[folds != NO_FOLD], table.vote[folds != NO_FOLD])
    assert (counts.max() - counts.min() <= 1).all()


@given(sizes, seeds, st.sampled_from(PARTIES), st.floats(0.05, 1))
@settings(max_examples=15, deadline=None)
def test_nobody_without_a_target_is_trained_on_and_nobody_who_is_excluded(n, seed, party, share):
    table = respondents(n, seed)
    splits = split(table, seed=seed, exclude={"party": [party]}, share=share)
    assert not (splits.in_training & table.vote.isna()).any()
    assert not (splits.in_training & (table.party == party)).any()
    for fold in range(5):
        assert (splits.fold[trained_on(table, splits, fold).index] != fold).all()


@given(sizes, seeds, st.floats(0.02, 0.5), st.floats(0.5, 1))
@settings(max_examples=15, deadline=None)
def test_a_smaller_share_lies_within_a_larger_one(n, seed, small, large):
    table = respondents(n, seed)
    assert (
        split(table, seed=seed, share=small).in_training <= split(table, seed=seed, share=large).in_training
    ).all()


@given(sizes, seeds, st.floats(0.02, 1))
@settings(max_examples=15, deadline=None)
def test_a_share_holds_for_every_answer_and_every_folds_training_rows(n, seed, share):
    table = respondents(n, seed)
    full, part = split(table, seed=seed), split(table, seed=seed, share=share)
    for answer in VOTES:
        rows = table.vote == answer
        expected = max(2, share * (full.in_training & rows).sum())
        assert abs((part.in_training & rows).sum() - expected) <= 0.5
        by_fold = part.fold[part.in_training & rows].value_counts().reindex(range(5), fill_value=0)
        assert by_fold.max() - by_fold.min() <= 2
        for fold in range(5):
            assert (trained_on(table, part, fold).vote == answer).any()


def test_a_share_of_one_is_everybody_and_another_seed_is_another_draw():
    table = respondents(300, 1)
    assert split(table, share=1.0).in_training.equals(split(table).in_training)
    folds = assign_folds(table.vote, 5, 24)
    every = table.vote.notna().to_numpy()
    assert (
        draw_share(every, table.vote, folds, 0.3, 1) != draw_share(every, table.vote, folds, 0.3, 2)
    ).any()


def test_exclude_drops_who_gave_an_answer_to_any_item_and_keep_stays_with_who_gave_one_to_every_item():
    table = respondents(300, 3).assign(twin=lambda frame: frame.vote)
    excluded = split(table, exclude={"party": ["left", "right"], "twin": ["yes"]})
    gone = table.party.isin(["left", "right"]) | (table.twin == "yes")
    assert (excluded.in_training == (table.vote.notna() & ~gone)).all()
    assert excluded.in_training[table.party.isna() & (table.vote == "no")].all()
    kept = split(table, keep={"party": ["left", "right"], "twin": ["no", "abstain"]})
    stays = table.party.isin(["left", "right"]) & table.twin.isin(["no", "abstain"])
    assert (kept.in_training == stays).all()


def test_a_share_is_drawn_from_the_rows_that_are_left():
    table = respondents(400, 5)
    splits = split(table, exclude={"party": ["left"]}, share=0.5)
    left = table.vote.notna() & (table.party != "left")
    assert abs(splits.in_training.sum() - left.sum() / 2) <= len(VOTES) / 2


def test_the_wording_of_the_answers_does_not_change_the_folds():
    table = respondents(300, 7)
    translated = table.vote.cat.rename_categories({"no": "z-nein", "yes": "ja", "abstain": "nicht"})
    assert assign_folds(translated, 5, 24).equals(assign_folds(table.vote, 5, 24))


def test_an_answer_with_fewer_rows_than_folds_is_refused_by_name():
    table = respondents(300, 9, missing=0)
    table["vote"] = pd.Categorical(["abstain"] * 3 + ["no"] * 200 + ["yes"] * 97, VOTES)
    with pytest.raises(InputError, match=r"5 folds need 5 respondents for each answer, but 'abstain' has 3"):
        split(table)


def test_an_option_that_nobody_chose_is_no_class():
    table = respondents(300, 11)
    table["vote"] = table.vote.cat.add_categories("other")
    assert split(table).fold.max() == 4


@pytest.mark.parametrize(
    "condition",
    [{"exclude": {"party": PARTIES}, "keep": {"party": PARTIES}}, {"keep": {"party": ["left"], "vote": []}}],
)
def test_a_condition_that_leaves_nobody_to_train_on_is_refused_by_name(condition):
    with pytest.raises(InputError, match="condition 'c' leaves nobody to train on for fold 0"):
        split(respondents(300, 13), **condition)


def test_a_condition_that_leaves_nobody_for_one_fold_is_refused():
    table = respondents(300, 15)
    only = np.flatnonzero(split(table).fold == 2)[0]
    table["marked"] = pd.Categorical(np.where(np.arange(300) == only, "one", "others"))
    with pytest.raises(InputError, match="nobody to train on for fold 2"):
        split(table, keep={"marked": ["one"]})


def test_an_answer_that_is_absent_from_training_is_logged(caplog):
    with caplog.at_level(logging.WARNING):
        split(respondents(300, 17), exclude={"vote": ["abstain"]})
    assert "condition c, fold 0: no training row for abstain" in caplog.text


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ({"exclude": {"prty": ["left"]}}, r"no item 'prty' \(did you mean 'party'\?\)"),
        ({"keep": {"party": ["lefd"]}}, r"item 'party' has no answer 'lefd' \(did you mean 'left'\?\)"),
        ({"keep": {"age": ["30"]}}, "'age' is numeric"),
    ],
)
def test_an_unknown_item_or_answer_is_refused(condition, said):
    with pytest.raises(InputError, match=said):
        split(respondents(300, 19), **condition)


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_a_rare_answer_keeps_rows_of_two_folds_however_uneven_they_are(seed):
    folds = pd.Series([0] * 60 + [1] * 2 + [2] * 60)
    target = pd.Series(["rare"] * 62 + ["other"] * 60, dtype="category")
    drawn = draw_share(np.ones(122, dtype=bool), target, folds, 0.01, seed)
    assert set(folds[drawn & (target == "rare")]) == {0, 1}


def test_complete_answers_only_and_a_draw_of_as_many():
    table = respondents(400, 21, missing=0.2)
    complete = split(table, complete=["party", "age"])
    expected = table.vote.notna() & table.party.notna() & table.age.notna()
    assert (complete.in_training == expected).all()
    draw = split(table, same_size_as={"complete": ["party", "age"]})
    assert draw.in_training.sum() == complete.in_training.sum()
    # A draw from everybody: some of them did not answer every item.
    assert table.party[draw.in_training].isna().any()
    assert draw.fold.equals(complete.fold)
    full = split(table)
    shares = table.vote[draw.in_training].value_counts(normalize=True)
    np.testing.assert_allclose(
        shares, table.vote[full.in_training].value_counts(normalize=True)[shares.index], atol=0.01
    )


@given(sizes, seeds, st.integers(0, 200))
@settings(max_examples=15, deadline=None)
def test_exactly_so_many_rows_are_drawn_as_are_asked_for(n, seed, wanted):
    table = respondents(n, seed)
    every = table.vote.notna().to_numpy()
    drawn = draw_rows(every, table.vote, assign_folds(table.vote, 5, seed), wanted, seed)
    assert drawn.sum() == wanted and (drawn <= every).all()


def test_a_draw_of_more_rows_than_there_are_is_refused():
    table = respondents(300, 23)
    with pytest.raises(
        InputError, match=r"same_size_as: \d+ training rows are to be drawn, but the condition has only \d+"
    ):
        split(table, keep={"party": ["left"]}, same_size_as={})


def in_groups(table, n_groups, seed):
    """Give each row one of so many groups, in which an answer is more frequent than elsewhere."""
    rng = np.random.default_rng(seed)
    near = table.vote.cat.codes.to_numpy() * n_groups // 4 + rng.integers(
        0, max(1, n_groups // 2), len(table)
    )
    return table.assign(**{GROUP: [f"g{number % n_groups}" for number in near]})


CONDITIONS = [
    {},
    {"share": 0.3},
    {"exclude": {"party": ["left"]}, "share": 0.5},
    {"same_size_as": {"share": 0.2}},
]


@given(sizes, seeds, st.integers(5, 120))
@settings(max_examples=15, deadline=None)
def test_fault_at_no_group_stands_in_training_and_in_test_under_any_condition(n, seed, n_groups):
    table = in_groups(respondents(n, seed), n_groups, seed)
    n_folds = min(5, table[GROUP][table.vote.notna()].nunique())
    full = split(table, n_folds, seed)
    assert set(full.fold) - {NO_FOLD} == set(range(n_folds))
    assert ((full.fold == NO_FOLD) == table.vote.isna()).all()
    for condition in CONDITIONS:
        splits = split(table, n_folds, seed, **condition)
        assert splits.fold.equals(full.fold)
        for fold in range(n_folds):
            tested = set(table[GROUP][splits.fold == fold])
            assert not tested & set(trained_on(table, splits, fold)[GROUP])


@given(seeds, st.sampled_from([0.1, 0.3, 0.7]))
@settings(max_examples=15, deadline=None)
def test_fault_at_a_share_takes_whole_groups_and_lies_within_a_larger_one(seed, share):
    table = in_groups(respondents(400, seed), 80, seed)
    part, larger = split(table, seed=seed, share=share), split(table, seed=seed, share=share + 0.2)
    answered = table.vote.notna()
    of_group = part.in_training[answered].groupby(table[GROUP][answered])
    assert (of_group.min() == of_group.max()).all()
    assert (part.in_training <= larger.in_training).all()
    # As near as whole groups allow: of each answer's groups, at most half of one is too much or too little.
    most = table[GROUP][answered].value_counts().max()
    assert abs(part.in_training.sum() - share * answered.sum()) <= len(VOTES) * (most + 1)


def test_fault_at_as_many_rows_as_another_condition_are_drawn_as_whole_groups_and_the_difference_is_told(
    caplog,
):
    table = respondents(400, 1)
    table[GROUP] = [f"unit {number // 40}" for number in range(400)]
    with caplog.at_level(logging.WARNING):
        draw = split(table, seed=0, same_size_as={"complete": ["party"]})
    answered = table.vote.notna()
    of_group = draw.in_training[answered].groupby(table[GROUP][answered])
    assert (of_group.min() == of_group.max()).all()
    wanted = int((answered & table.party.notna()).sum())
    assert draw.in_training.sum() != wanted
    assert f"condition c: {draw.in_training.sum()} rows drawn instead of {wanted}" in caplog.text


def test_fault_at_folds_of_groups_are_stratified_and_rows_that_are_groups_of_their_own_are_drawn_as_without():
    table = respondents(400, 3)
    pairs = table.assign(**{GROUP: [f"g{number // 2}" for number in range(400)]})
    counts = pd.crosstab(split(pairs).fold, pairs.vote).drop(index=NO_FOLD, errors="ignore")
    assert (counts.max() - counts.min() <= 4).all()
    alone = table.assign(**{GROUP: table.respondent_id})
    every, folds = table.vote.notna().to_numpy(), split(table).fold
    for draw, size in ((draw_share, 0.3), (draw_rows, 100)):
        without = draw(every, table.vote, folds, size, 7)
        assert (draw(every, table.vote, folds, size, 7, alone[GROUP]) == without).all()


def test_fault_at_fewer_groups_than_folds_are_one_line_with_both_numbers():
    table = respondents(300, 5)
    table[GROUP] = [f"country {number % 4}" for number in range(300)]
    with pytest.raises(
        InputError, match=r"5 folds need 5 groups, but the \d+ rows with an answer to 'vote' are in 4"
    ):
        split(table)
    assert split(table, n_folds=4).fold.max() == 3


def test_fault_at_groups_without_an_answer_do_not_count():
    table = respondents(300, 7, missing=0)
    table[GROUP] = [f"country {number % 6}" for number in range(300)]
    table.loc[table[GROUP].isin(["country 0", "country 1"]), "vote"] = None
    with pytest.raises(InputError, match="are in 4"):
        split(table)


@given(sizes, seeds, st.floats(0.2, 1))
@settings(max_examples=10, deadline=None)
def test_a_respondent_stands_in_one_fold_and_one_draw_for_all_targets(n, seed, share):
    table = respondents(n, seed)
    by_target = {
        target: split_condition(table, target, "c", share=share, other_targets=[other], n_folds=4, seed=seed)
        for target, other in (("vote", "party"), ("party", "vote"))
    }
    for target, splits in by_target.items():
        assert ((splits.fold == NO_FOLD) == table[target].isna()).all()
        assert not splits.in_training[splits.fold == NO_FOLD].any()
    vote, party = by_target.values()
    both = (table.vote.notna() & table.party.notna()).to_numpy()
    assert vote.fold[both].equals(party.fold[both]) and vote.in_training[both].equals(party.in_training[both])
    # No adapter learns any answer of whom it is tested on.
    for fold in range(4):
        learned = {
            one for splits in by_target.values() for one in trained_on(table, splits, fold).respondent_id
        }
        tested = {one for splits in by_target.values() for one in splits.respondent_id[splits.fold == fold]}
        assert tested and not learned & tested


def test_groups_stay_whole_for_several_targets():
    table = respondents(240, 1).assign(**{GROUP: [str(row // 6) for row in range(240)]})
    splits = split_condition(table, "vote", "c", other_targets=["party"], n_folds=4, seed=1)
    assert (splits[splits.fold != NO_FOLD].groupby(table[GROUP]).fold.nunique() == 1).all()


def test_a_target_that_nobody_of_a_fold_answered_is_refused():
    table = respondents(200, 2)
    table["vote"] = table.vote.where(table.index < 3)
    with pytest.raises(
        InputError, match=r"target 'vote': \d respondents answered it, and none of them is in fold"
    ):
        split_condition(table, "vote", "c", other_targets=["party"], n_folds=5, seed=0)


WAVES = ["2001", "2002", "2003"]


def panel(n=400, seed=5):
    """Return rows of persons who were asked in one to three waves, with another target that is always answered."""
    rng = np.random.default_rng(seed)
    table = respondents(n, seed)
    table["wave"] = pd.Categorical(rng.choice(WAVES, n), WAVES, ordered=True)
    table["mood"] = pd.Categorical(rng.choice(["good", "bad"], n), ["good", "bad"])
    return table.assign(**{GROUP: [f"p{number}" for number in rng.integers(0, n // 2, n)]})


def test_who_is_left_out_is_tested_alone_in_the_fold_of_every_condition_and_never_learned_from():
    table = panel()
    full, without = split(table), split(table, left_out={"wave": ["2002"]})
    left = table.wave == "2002"
    assert without.fold.equals(full.fold) and "tested" not in full
    assert (without.tested == left).all() and not without.in_training[left].any()
    assert without.in_training[~left].equals(full.in_training[~left])


def test_no_wave_of_a_person_is_learned_from_when_another_of_theirs_is_tested():
    table = panel()
    splits = split(table, left_out={"wave": ["2002"]})
    for fold in range(5):
        tested = table[GROUP][splits.tested & (splits.fold == fold)]
        assert not tested.empty and not set(tested) & set(trained_on(table, splits, fold)[GROUP])


@pytest.mark.parametrize("among", [{}, {"wave": ["2001", "2002"]}])
def test_an_answer_that_was_not_asked_is_not_learned_and_the_respondents_other_answers_are(among):
    table = panel()
    unasked = NotAsked(items=["vote"], among=among)
    of_vote = split(table, other_targets=["mood"], not_asked=unasked, share=0.5)
    of_mood, full = (
        split_condition(
            table, "mood", "c", other_targets=["vote"], n_folds=5, seed=24, share=0.5, not_asked=one
        )
        for one in (unasked, None)
    )
    silent = table.wave.isin(among.get("wave", WAVES))
    assert not of_vote.in_training[silent].any()
    assert of_vote.in_training[~silent].any() == bool(among) and ("tested" in of_vote) == bool(among)
    pd.testing.assert_frame_equal(of_mood, full)
    assert of_mood.in_training[silent].any() and of_vote.fold[table.vote.notna()].equals(
        of_mood.fold[table.vote.notna()]
    )


def test_a_wave_without_an_answer_and_a_fold_without_a_tested_respondent_are_errors():
    table = panel()
    table.loc[table.wave == "2001", "vote"] = np.nan
    with pytest.raises(InputError, match="nobody with wave 2001 has an answer to 'vote'"):
        split(table, left_out={"wave": ["2001", "2002"]})
    few = table.assign(
        vote=table.vote.where((table.wave != "2002") | (table.index == table.index[table.wave == "2002"][0]))
    )
    few.loc[table.index[table.wave == "2002"][0], "vote"] = "yes"
    with pytest.raises(InputError, match="of the 1 respondents with an answer to 'vote' none is in fold"):
        split(few, left_out={"wave": ["2002"]})


def test_with_as_many_groups_as_folds_each_fold_is_a_group():
    rng = np.random.default_rng(2)
    # One region is much larger, and answers are its own: stratified folds would put two of the others together.
    region = rng.choice(list("abcde"), 500, p=[0.8, 0.05, 0.05, 0.05, 0.05])
    table = respondents(500, 2).assign(**{GROUP: region})
    splits = split(table)
    tested = splits.fold != NO_FOLD
    assert (pd.crosstab(splits.fold[tested], table[GROUP][tested]) > 0).sum(axis=1).eq(1).all()
    assert splits.fold[tested].nunique() == 5
