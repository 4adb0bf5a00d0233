from stimmung.evaluation.votes.condition_roles import (
    changes,
    in_words,
    learning_curves,
    left_out,
    reference_conditions,
)
from tests.synthetic_votes import CONDITIONS


def test_roles_of_the_demo_conditions():
    assert reference_conditions(CONDITIONS) == ["full", "without-party"]
    assert learning_curves(CONDITIONS) == [["share-10", "share-30", "full"]]
    assert left_out(CONDITIONS) == [("no-democrats", "full")]


def test_which_arms_run_is_no_change():
    assert changes({"share": 1.0, "arms": ["tiny/tuned"], "exclude": {}, "drop_items": []}) == {}


def test_composed_conditions_meet_their_own_reference():
    conditions = {
        "full": {},
        "plain": {"drop_items": ["party_id"]},
        "plain-10": {"drop_items": ["party_id"], "share": 0.1},
        "students": {"keep": {"job": ["student"]}},
        "plain-students": {"keep": {"job": ["student"]}, "drop_items": ["party_id"]},
        "lonely": {"exclude": {"job": ["student"]}, "share": 0.5},
    }
    assert learning_curves(conditions) == [["plain-10", "plain"]]
    # Nothing else trains on a half, so there is nothing that 'lonely' can be compared with.
    assert left_out(conditions) == [("students", "full"), ("plain-students", "plain")]


def test_a_study_without_a_plain_condition_has_its_first_as_reference():
    assert reference_conditions({"share-10": {"share": 0.1}, "share-20": {"share": 0.2}}) == ["share-10"]


def test_words_name_everything_that_a_condition_does():
    assert in_words({}) == "all training rows, all items"
    assert in_words({"share": 0.1}) == "a stratified 10 % of the training rows"
    words = in_words(
        {
            "exclude": {"party": ["A", "B", "C"]},
            "keep": {"job": ["student"]},
            "drop_items": ["age"],
            "complete": True,
            "later": 7,
        }
    )
    assert "whose party is A, B or C" in words
    assert "only training rows of respondents whose job is student" in words
    assert "age" in words
    assert "who answered every item" in words
    assert "later: 7" in words


def test_conditions_that_test_some_only_or_learn_no_answer_are_no_reference_and_on_no_curve():
    gap = {"left_out": {"year": ["1996", "1998"]}}
    conditions = {"full": {}, "gap": gap, "half": gap | {"share": 0.5}, "never": {"not_asked": ["rape"]}}
    conditions["young"] = gap | {"exclude": {"age": ["old"]}}
    assert reference_conditions(conditions) == ["full"]
    assert learning_curves(conditions) == [] and left_out(conditions) == []
    assert (
        in_words(gap) == "training rows without respondents whose year is 1996 or 1998, who alone are tested"
    )
    assert in_words(conditions["never"]) == "as if rape had not been asked of anybody"
    both = in_words(gap | conditions["never"])
    assert (
        both
        == "as if rape had not been asked of respondents whose year is 1996 or 1998, who alone are tested"
    )
