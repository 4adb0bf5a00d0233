import pytest
from pydantic import ValidationError

from stimmung.vocabulary.condition import Condition, combined_conditions

CONDITIONS = {
    "full": {},
    "without-party": {"drop_items": ["party_id"]},
    "students": {"keep": {"job": ["student", "pupil"]}, "arms": ["tiny/tuned"]},
    "no-red": {"exclude": {"party_id": ["red"]}},
    "no-blue": {"exclude": {"party_id": ["blue"]}},
    "tenth": {"share": 0.1},
    "as-many": {"same_size_as": "tenth"},
}


def combined(**more):
    """Return the keys of each combined condition that are not the defaults."""
    conditions = {name: Condition(**one) for name, one in {**CONDITIONS, **more}.items()}
    return {
        name: one.model_dump(exclude_defaults=True) for name, one in combined_conditions(conditions).items()
    }


def test_conditions_without_parts_stay_as_they_are():
    assert combined() == CONDITIONS


def test_what_the_parts_take_away_is_taken_away_together():
    result = combined(
        all={"combine": ["no-red", "no-blue", "without-party", "tenth"], "exclude": {"job": ["none"]}}
    )
    assert result["all"] == {
        "exclude": {"party_id": ["red", "blue"], "job": ["none"]},
        "drop_items": ["party_id"],
        "share": 0.1,
    }


def test_who_is_kept_is_kept_by_every_part_and_arms_are_nobody_else_s():
    result = combined(both={"combine": ["students"], "keep": {"job": ["student"], "sex": ["female"]}})
    assert result["both"] == {"keep": {"job": ["student"], "sex": ["female"]}}
    assert combined(x={"combine": ["full"], "arms": ["a/tuned"]})["x"] == {"arms": ["a/tuned"]}


def test_parts_may_have_parts():
    result = combined(a={"combine": ["no-red", "without-party"]}, b={"combine": ["a", "tenth"]})
    assert result["b"] == {"exclude": {"party_id": ["red"]}, "drop_items": ["party_id"], "share": 0.1}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"x": {"combine": ["studends"]}},
            r"x.combine: no condition 'studends' \(did you mean 'students'\?\)",
        ),
        ({"x": {"combine": ["x"]}}, "x.combine: refers to itself"),
        ({"x": {"combine": ["y"]}, "y": {"combine": ["x"]}}, "x.combine: refers to itself"),
        ({"x": {"combine": ["tenth"], "share": 0.5}}, "x.combine: two parts give 'share', 0.1 and 0.5"),
        ({"x": {"combine": ["tenth", "as-many"]}}, "x.combine: share and same_size_as both"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(more, said):
    with pytest.raises(ValueError, match=said):
        combined(**more)


def test_a_condition_draws_its_rows_in_one_way():
    with pytest.raises(ValidationError, match="give one"):
        Condition(share=0.5, same_size_as="full")
