import numpy as np
import pandas as pd

from stimmung.baselines.design import MAX_STEPS, design_matrix, steps_of
from stimmung.vocabulary.answer_options import MissingReason

TABLE = pd.DataFrame(
    {
        "interest": pd.Categorical(
            ["much", None, "little", "some"], ["little", "some", "much"], ordered=True
        ),
        "region": pd.Categorical(["south", "north", None, "north"], ["north", "south", "west"]),
        "age": [30.0, 41.5, np.nan, 18.0],
        "age.missing": pd.Categorical(
            [None, None, "refused", None], [reason.value for reason in MissingReason]
        ),
    }
)


def test_an_ordinal_item_is_one_column_of_ranks_in_the_order_of_the_options():
    np.testing.assert_array_equal(design_matrix(TABLE, ["interest"])["interest"], [2, np.nan, 0, 1])


def test_a_nominal_item_is_an_indicator_of_each_option_with_none_for_an_absent_answer():
    design = design_matrix(TABLE, ["region"])
    assert design[["region=north", "region=south", "region=west"]].to_numpy().tolist() == [
        [0, 1, 0],
        [1, 0, 0],
        [0, 0, 0],
        [1, 0, 0],
    ]


def test_a_nominal_item_may_stay_a_column_of_labels():
    design = design_matrix(TABLE, ["region"], one_hot=False)
    assert design["region"].tolist() == ["south", "north", "(no answer)", "north"]


def test_a_numeric_item_is_its_value():
    np.testing.assert_array_equal(design_matrix(TABLE, ["age"])["age"], TABLE["age"])


def test_absence_is_an_indicator_of_each_reason_or_of_the_item():
    design = design_matrix(TABLE, ["interest", "age"])
    assert design["age (refused)"].tolist() == [0, 0, 1, 0]
    assert design["age (filter)"].tolist() == [0, 0, 0, 0]
    assert design["interest (no answer)"].tolist() == [0, 1, 0, 0]


def test_a_row_is_encoded_the_same_whatever_rows_stand_beside_it():
    every = ["interest", "region", "age"]
    pd.testing.assert_frame_equal(
        design_matrix(TABLE, every).iloc[1:2], design_matrix(TABLE.iloc[1:2], every)
    )


def test_fault_aq_ordered_answers_can_be_indicators_with_none_for_an_absent_one():
    design = design_matrix(TABLE, ["interest", "region"], steps=steps_of(TABLE, ["interest", "region"]))
    assert "interest" not in design
    columns = ["interest=little", "interest=some", "interest=much", "interest (no answer)"]
    assert design[columns].to_numpy().tolist() == [[0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0]]


def test_fault_aq_a_numeric_rating_scale_has_steps_and_a_quantity_or_two_answers_have_none():
    rows = pd.DataFrame(
        {
            "rating": [1.0, 5.0, np.nan, 3.0] * 4,
            "age": np.arange(16.0) + 18,
            "twice": [0.0, 1.0] * 8,
            "agrees": pd.Categorical(["no", "yes"] * 8, ["no", "yes"], ordered=True),
            "region": pd.Categorical(["north", "south", "west", "east"] * 4),
        }
    )
    assert steps_of(rows, list(rows)) == {"rating": [1.0, 3.0, 5.0]}
    rows["age"] = (np.arange(16.0) % (MAX_STEPS + 1)) + 18
    assert "age" not in steps_of(rows, list(rows))
    # A value that no training row has is none of the steps.
    assert (
        design_matrix(rows.assign(rating=2.0), ["rating"], steps={"rating": [1.0, 3.0, 5.0]}).sum(axis=None)
        == 0
    )
