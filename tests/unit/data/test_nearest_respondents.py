import numpy as np
import pandas as pd

from stimmung.data.surveys import nearest_respondents as module
from stimmung.data.surveys.nearest_respondents import nearest_respondents

ITEMS = ["interest", "region", "age"]
TABLE = pd.DataFrame(
    {
        "respondent_id": ["asked", "same", "older", "north", "little", "silent"],
        "interest": pd.Categorical(
            ["much", "much", "much", "much", "little", None], ["little", "some", "much"], ordered=True
        ),
        "region": pd.Categorical(["south", "south", "south", "north", "south", "south"], ["north", "south"]),
        "age": [30.0, 30.0, 60.0, 30.0, 30.0, np.nan],
        "age.missing": pd.Categorical([None] * 5 + ["refused"], ["refused", "filter"]),
        "vote": pd.Categorical(["no", "yes", "no", "no", "no", "no"]),
    }
)


def nearest(tested=("asked",), k=5, table=TABLE, seed=0, items=ITEMS):
    training = [one for one in TABLE.respondent_id if one not in tested]
    return nearest_respondents(table, tested, training, items, k, seed)


def test_the_nearest_comes_first_and_an_absent_answer_is_far_from_every_answer():
    (found,) = nearest()
    # Older by the whole range, another region and the other end of an ordered scale are each as far as can be.
    assert found[0] == "same" and found[-1] == "silent"
    assert set(found[1:4]) == {"older", "north", "little"}
    some = TABLE.assign(interest=TABLE.interest.where(TABLE.respondent_id != "little", "some"))
    assert nearest(table=some)[0][:2] == ["same", "little"]


def test_the_same_reason_is_near_and_another_one_is_far():
    silent = TABLE.iloc[[5, 5, 5]].assign(respondent_id=["asked", "twin", "filtered"])
    silent["age.missing"] = pd.Categorical(["refused", "refused", "filter"], ["refused", "filter"])
    assert nearest_respondents(silent, ["asked"], ["filtered", "twin"], ITEMS, 2, 0) == [["twin", "filtered"]]


def test_items_that_are_not_in_the_prompt_and_the_answer_that_is_asked_for_do_not_count():
    (found,) = nearest(items=["region"])
    assert found[-1] == "north"
    turned = TABLE.assign(vote=TABLE.vote.map({"no": "yes", "yes": "no"}))
    assert nearest(table=turned) == nearest()


def test_equally_near_ones_are_drawn_by_the_seed_whatever_the_order_of_the_rows():
    many = pd.concat([TABLE.iloc[[1] * 40]], ignore_index=True)
    many["respondent_id"] = [f"r{number}" for number in range(40)]
    ids = list(many.respondent_id)
    first, again, other = (
        nearest_respondents(table, ["r0"], training, ITEMS, 5, seed)
        for table, training, seed in (
            (many, ids[1:], 1), (many.iloc[::-1], ids[:0:-1], 1), (many, ids[1:], 2)
        )
    )  # fmt: skip
    assert first == again != other


def test_blocks_of_rows_give_what_one_block_gives(monkeypatch):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"respondent_id": [f"r{number}" for number in range(60)], "age": rng.integers(18, 90, 60) + 0.0}
    )
    ids = list(table.respondent_id)
    whole = nearest_respondents(table, ids[:20], ids[20:], ["age"], 3, 0)
    monkeypatch.setattr(module, "BLOCK_ROWS", 7)
    assert nearest_respondents(table, ids[:20], ids[20:], ["age"], 3, 0) == whole
    ages = table.set_index("respondent_id").age
    for respondent, found in zip(ids[:20], whole, strict=True):
        apart = (ages[ids[20:]] - ages[respondent]).abs()
        assert apart[found].max() <= apart.drop(found).min()
