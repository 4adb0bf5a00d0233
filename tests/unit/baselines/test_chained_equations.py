import numpy as np
import pandas as pd
import pytest

from stimmung.baselines.chained_equations import chained_equations
from tests.stacked_votes import OPTIONS, PREDICTORS, make_respondents

PEOPLE = make_respondents(400, seed=2)
DONORS, RECIPIENTS = PEOPLE[:250], PEOPLE[250:]


def probabilities(donors=DONORS, recipients=RECIPIENTS, items=PREDICTORS, seed=1):
    return chained_equations(donors, recipients, items, "vote", OPTIONS, seed)


def test_probabilities_are_those_of_a_model_of_the_other_items():
    found = probabilities()
    np.testing.assert_allclose(found.sum(axis=1), 1)
    age = np.clip(0.05 * (50 - RECIPIENTS.age), -5, 5)
    assert np.corrcoef(found[:, 1], age)[0, 1] > 0.8
    np.testing.assert_array_equal(found, probabilities())


def test_what_recipients_answered_is_never_looked_at():
    other = RECIPIENTS.assign(vote=pd.Categorical(["CDU"] * 150, OPTIONS))
    np.testing.assert_array_equal(probabilities(), probabilities(recipients=other))


@pytest.mark.parametrize("item", PREDICTORS)
def test_gaps_in_items_are_filled_by_draws(item):
    gappy = PEOPLE.assign(**{item: PEOPLE[item].where(np.arange(400) % 4 > 0)})
    first, second = (probabilities(gappy[:250], gappy[250:], seed=seed) for seed in (1, 2))
    assert np.isfinite(first).all() and abs(first - second).max() > 0.01
    np.testing.assert_allclose(first.sum(axis=1), 1)


def test_an_item_that_nobody_answered_is_left_out():
    nobody = PEOPLE.assign(age=np.nan)
    found = probabilities(nobody[:250], nobody[250:])
    np.testing.assert_allclose(found, probabilities(items=["sex"]), atol=1e-6)


def test_an_option_without_donors_has_probability_0():
    few = DONORS[DONORS.vote != "SPD"]
    assert (probabilities(few)[:, 2] == 0).all()
