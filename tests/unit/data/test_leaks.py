import numpy as np
import pandas as pd

from stimmung.data.surveys.leaks import association, near_certain

OPTIONS = ["red", "green", "blue"]


def respondents(n=300):
    """Made-up respondents: `list_vote` follows from `vote` but for one in a hundred, `score` from `trust`, and nothing from `age`."""
    rng = np.random.default_rng(3)
    vote, trust = rng.choice(3, n), rng.choice(5, n)
    other = np.where(rng.random(n) < 0.01, (vote + 1) % 3, vote)
    return pd.DataFrame(
        {
            "vote": pd.Categorical(np.array(OPTIONS)[vote], OPTIONS),
            "list_vote": pd.Categorical(np.array(["x", "y", "z"])[other], ["x", "y", "z"]),
            "trust": pd.Categorical.from_codes(trust, list("abcde"), ordered=True),
            "score": trust * 10.0 + rng.random(n),
            "income_of_vote": vote * 100.0,
            "age": rng.integers(18, 90, n).astype(float),
        }
    )


def test_an_item_that_follows_from_the_target_is_named_and_others_are_not():
    table = respondents()
    items = ["list_vote", "trust", "score", "income_of_vote", "age"]
    lines = near_certain(table, "vote", items)
    assert [line.split("'")[1] for line in lines] == ["list_vote", "income_of_vote"]
    assert "gives_away.vote" in lines[0] and "Cramer's V 0.9" in lines[0]
    (line,) = near_certain(table, "trust", ["vote", "score", "age"])
    assert line.startswith("'score' all but gives 'trust' away (|r| 1.000")


def test_an_association_is_the_same_from_both_sides_and_needs_both_answers():
    table = respondents()
    for first, second in (("vote", "list_vote"), ("vote", "age"), ("trust", "score"), ("vote", "trust")):
        there, back = association(table[first], table[second]), association(table[second], table[first])
        assert there[0] == back[0] and np.isclose(there[1], back[1]) and 0 <= there[1] <= 1
    few = table.assign(list_vote=table.list_vote.where(table.index < 20))
    assert association(few.vote, few.list_vote) == ("", 0.0), "20 respondents answered both"
    assert association(table.vote[table.vote == "red"], table.age)[1] == 0, "one answer only"
