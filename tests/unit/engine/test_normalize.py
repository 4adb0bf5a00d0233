import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stimmung.engine.scoring.normalize import normalize, option_mass

SCORES = st.lists(st.floats(-60, 0), min_size=2, max_size=8)


@settings(deadline=None)
@given(SCORES, st.sampled_from(["none", "token", "byte", "pmi"]))
def test_probabilities_sum_to_one_under_every_normalization(scores, normalization):
    size = len(scores)
    found = normalize(
        np.array(scores),
        normalization,
        n_tokens=range(1, size + 1),
        options=["x" * length for length in range(3, size + 3)],
        unconditional=np.zeros(size),
    )
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()


def test_normalizations_are_what_their_names_say():
    scores = np.array([-2.0, -6.0])
    lengths = {"n_tokens": [1, 3], "options": ["Left", "a very left1"]}
    assert np.log(normalize(scores, "none", **lengths)) @ [1, -1] == pytest.approx(4)
    assert np.log(normalize(scores, "token", **lengths)) @ [1, -1] == pytest.approx(0)
    assert np.log(normalize(scores, "byte", **lengths)) @ [1, -1] == pytest.approx(0)
    conditional = normalize(scores, "pmi", **lengths, unconditional=np.array([-1.0, -6.0]))
    assert np.log(conditional) @ [1, -1] == pytest.approx(-1)


def test_fault_gg_the_space_before_an_option_is_none_of_its_bytes():
    scores, n_tokens = np.array([-2.0, -6.0]), [1, 3]
    bare, spaced = ["Grün", "Linke"], [" Grün", " Linke"]
    found = normalize(scores, "byte", n_tokens=n_tokens, options=bare)
    assert (found == normalize(scores, "byte", n_tokens=n_tokens, options=spaced)).all()
    assert np.log(found) @ [1, -1] == pytest.approx(-2 / 5 + 6 / 5)


def test_option_mass_is_the_probability_of_any_option():
    assert option_mass(np.log([0.5, 0.25])) == pytest.approx(0.75)
