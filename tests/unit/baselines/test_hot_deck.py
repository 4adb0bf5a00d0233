import numpy as np
import pandas as pd

from stimmung.baselines.hot_deck import hot_deck_shares

PARTY = pd.CategoricalDtype(["red", "blue", "green"])
DONORS = pd.DataFrame(
    {
        "party": pd.Categorical(["red", "red", "red", "blue", None], dtype=PARTY),
        "age": [20.0, 20.0, 70.0, 20.0, 50.0],
        "vote": pd.Categorical(["A", "B", "B", "A", "B"], ["A", "B"]),
    }
)


def shares(cells, **answers):
    recipients = pd.DataFrame(
        {"party": pd.Categorical([answers.get("party")], dtype=PARTY), "age": [answers.get("age")]}
    )
    return hot_deck_shares(DONORS, recipients.astype({"age": float}), cells, "vote", ["A", "B"])[0].tolist()


def test_shares_are_those_of_the_donors_with_the_same_answers():
    assert shares(["party", "age"], party="red", age=20.0) == [0.5, 0.5]
    assert shares(["party", "age"], party="red", age=70.0) == [0, 1]


def test_a_cell_without_donors_leaves_the_last_item_out_and_in_the_end_all():
    assert shares(["party", "age"], party="blue", age=70.0) == [1, 0]
    assert shares(["party", "age"], party="green", age=70.0) == [0.4, 0.6]
    assert shares([], party="red") == [0.4, 0.6]


def test_that_an_answer_is_missing_is_an_answer():
    assert shares(["party"]) == [0, 1]


def test_a_quantity_is_in_bands_of_equally_many_donors():
    donors = pd.DataFrame(
        {"age": np.arange(100.0), "vote": pd.Categorical(["A"] * 20 + ["B"] * 80, ["A", "B"])}
    )
    found = hot_deck_shares(
        donors, pd.DataFrame({"age": [3.5, 19.0, 21.0, 500.0]}), ["age"], "vote", ["A", "B"]
    )
    np.testing.assert_allclose(found[:, 0], [1, 1, 0, 0])
