import numpy as np
import pandas as pd

from stimmung.baselines.nearest_item import answers_of_item, most_similar
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.similar_items import same_options

YES_NO = [{"code": 1, "label": "yes"}, {"code": 0, "label": "no"}]


def item(wording, options=YES_NO, **more):
    return {"column": wording, "wording": wording, "options": options, **more}


def codebook(**changes):
    """Return a codebook that asks for an item with one of a similar wording, one of other options, and one from which it follows."""
    items = {
        "spending": item("Spend more on the army"),
        "poor": item("Abortion be legal if the family is poor", [YES_NO[1], YES_NO[0] | {"label": "Yes"}]),
        "rape": item("Abortion be legal after a rape"),
        "often": item(
            "Abortion be legal if the family is rich", [{"code": 1, "label": "x"}, {"code": 2, "label": "y"}]
        ),
        "rich": item("Abortion be legal if the family is rich or poor"),
        "copy": item("Abortion be legal if the family is rich or not"),
    }
    content = {"title": "t", "source": "s", "instruction": "i", "question": "{wording}:", "target": "rich"}
    return Codebook.model_validate(content | {"items": items, "gives_away": {"copy": ["rich"]}} | changes)


def test_items_with_the_target_s_options_are_those_of_its_prompt_in_any_order():
    assert same_options(codebook(), [], "en") == ["spending", "poor", "rape"]
    assert same_options(codebook(), ["poor"], "en") == ["spending", "rape"]
    assert same_options(codebook(target="often", question="Often:"), [], "en") == []


def test_the_most_similar_item_shares_most_of_the_rare_words_of_the_wording():
    found = most_similar(codebook(), ["spending", "poor", "rape"], "en")
    assert list(found) == ["poor", "rape", "spending"]
    assert 0 < found["spending"] < found["rape"] < found["poor"] < 1


def test_the_own_answer_counts_by_its_words_and_shares_where_there_is_none():
    # The other item has its options the other way round.
    table = pd.DataFrame(
        {"poor": pd.Categorical(["Yes", "no", "no", None], ["no", "Yes"]), "weight": [2.0, 1, 1, 5]}
    )
    own, shares = (answers_of_item(table, table, "poor", ["yes", "no"], own=one) for one in (True, False))
    assert own.tolist() == [[1, 0], [0, 1], [0, 1], [0.5, 0.5]]
    assert np.array_equal(shares, np.full((4, 2), 0.5))
    assert answers_of_item(table[3:], table[:1], "poor", ["yes", "no"], own=False).tolist() == [[0.5, 0.5]]
