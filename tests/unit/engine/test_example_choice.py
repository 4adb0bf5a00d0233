import numpy as np
import pandas as pd
import pytest

from stimmung.engine.scoring.example_choice import examples_of_each, too_many_examples
from stimmung.engine.scoring.survey_prompts import draw_examples
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.few_shot import FewShot

N = 80
IDS = [f"r{number:02d}" for number in range(N)]
RESPONDENTS = pd.DataFrame({"respondent_id": IDS, "age": np.arange(N) + 18.0})
PROMPTS = pd.DataFrame(
    {
        "respondent_id": IDS,
        "messages": [
            [{"role": "system", "content": "How?"}, {"role": "user", "content": f"Age: {age:.0f}"}]
            for age in RESPONDENTS.age
        ],
        "target": ["Red", "Blue"] * (N // 2),
    }
)
TESTED, TRAINING = IDS[:20], IDS[20:]


def examples(k=5, seed=1, tested=TESTED, training=TRAINING, **how):
    return examples_of_each(PROMPTS, tested, training, k, seed, FewShot(**how), RESPONDENTS, ["age"])


def test_by_default_all_respondents_of_a_fold_see_the_examples_that_were_always_drawn():
    assert examples() == [draw_examples(PROMPTS, TRAINING, 5, 1)] * 20


@pytest.mark.parametrize("choice", ["random", "nearest"])
def test_a_redrawn_order_shows_the_same_examples_in_another_order_that_a_respondent_keeps(choice):
    kept, redrawn = examples(50, choice=choice), examples(50, choice=choice, order="redrawn")
    assert [sorted(one) for one in kept] == [sorted(one) for one in redrawn]
    assert len({tuple(one) for one in redrawn}) == 20
    assert examples(50, choice=choice, order="redrawn", tested=TESTED[7:8]) == redrawn[7:8]
    assert examples(50, choice=choice, order="redrawn", seed=2)[0] != redrawn[0]


def test_the_nearest_example_stands_last_and_all_are_of_training_rows():
    # r19 is 37 years old; the youngest of the training rows are 38, 39, …
    assert examples(3, choice="nearest")[-1] == [("Age: 40", "Red"), ("Age: 39", "Blue"), ("Age: 38", "Red")]


@pytest.mark.parametrize("choice", ["random", "nearest"])
def test_more_examples_than_training_rows_are_refused(choice):
    with pytest.raises(InputError, match="61 examples are asked for, but there are 60 training respondents"):
        examples(61, choice=choice)


@pytest.mark.parametrize("most", [1, 2, 37, 99])
def test_the_largest_number_that_fits_is_named(most):
    error = too_many_examples(100, lambda k: k <= most, InputError("a prompt of 9 tokens does not fit"))
    assert f"with 100 examples a prompt of 9 tokens does not fit; at most {most} fit" in str(error)
    assert f"`few_shot_k` to {most} or less" in str(error)
    assert str(error).count("ERROR") == 1


def test_a_prompt_that_does_not_fit_without_examples_is_told_as_such():
    error = too_many_examples(
        4, lambda _: False, InputError("a prompt of 9 tokens does not fit", "Drop items.")
    )
    assert str(error) == (
        "ERROR: a prompt of 9 tokens does not fit, not even without few-shot examples\nHint: Drop items."
    )
