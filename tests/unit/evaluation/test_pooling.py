import numpy as np
import pytest

from stimmung.evaluation.estimates.pooling import degrees_of_freedom, pool
from stimmung.vocabulary.errors import InputError


def test_rubin_s_rules_by_hand():
    pooled = pool([[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]])
    # Within 5, between 1: total 5 + 4/3.
    assert pooled.estimate[0] == 2 and pooled.std_error[0] == pytest.approx(np.sqrt(5 + 4 / 3))
    assert pooled.relative_increase[0] == pytest.approx(4 / 15)
    assert pooled.df[0] == pytest.approx(2 * (1 + 15 / 4) ** 2)


def test_degrees_of_freedom_never_exceed_those_of_the_complete_data():
    """Rubin's of 1987 do, where little is missing: Barnard and Rubin's (1999) are why."""
    shares = np.array([0.0, 0.01, 0.3, 0.99])
    assert (degrees_of_freedom(20, shares, np.inf)[:2] > 10_000).all()
    found = degrees_of_freedom(20, shares, 29.0)
    assert (found < 29).all() and (np.diff(found) < 0).all()
    assert found[0] == pytest.approx(30 / 32 * 29)


def test_what_does_not_vary_between_imputations_keeps_its_variance_and_lacks_no_information():
    pooled = pool([[0.1], [0.1], [0.1]], [[0.04], [0.04], [0.04]], 99)
    assert pooled.std_error[0] == pytest.approx(0.2) and pooled.missing_information[0] == 0
    nothing = pool([[0.0], [0.0]], [[0.0], [0.0]], 99)
    assert nothing.std_error[0] == 0 and np.isfinite(nothing.df).all()


@pytest.mark.parametrize("m", [0, 1])
def test_one_imputation_is_not_pooled(m):
    with pytest.raises(InputError, match=f"{m} imputation"):
        pool(np.ones((m, 2)), np.ones((m, 2)))


def test_an_estimate_that_is_no_number_is_not_averaged_away():
    with pytest.raises(InputError, match="no finite estimate"):
        pool([[1.0], [np.nan]], [[1.0], [1.0]])
