import numpy as np
import pytest
from scipy import stats

from stimmung.evaluation.votes.distribution_measures import (
    distance_intervals,
    distribution_measures,
    entropy,
    kolmogorov_smirnov,
    total_variation,
    variance,
    wasserstein,
)

SCORES = np.array([0.0, 1, 2, 3, 4])
PREDICTED, OBSERVED = np.array([0.1, 0.2, 0.4, 0.2, 0.1]), np.array([0.3, 0.1, 0.2, 0.1, 0.3])


def test_measures_of_ordered_answers_are_those_of_scipy():
    assert wasserstein(PREDICTED, OBSERVED, SCORES) == pytest.approx(
        stats.wasserstein_distance(SCORES, SCORES, PREDICTED, OBSERVED)
    )
    assert entropy(PREDICTED) == pytest.approx(stats.entropy(PREDICTED))
    draws = [np.repeat(SCORES, (1000 * one).round().astype(int)) for one in (PREDICTED, OBSERVED)]
    assert kolmogorov_smirnov(PREDICTED, OBSERVED) == pytest.approx(stats.ks_2samp(*draws).statistic)
    assert variance(PREDICTED, SCORES) == pytest.approx(np.var(draws[0]))


def test_total_variation_is_the_share_that_would_have_to_change():
    assert total_variation(np.array([0.5, 0.5, 0]), np.array([0.2, 0.5, 0.3])) == pytest.approx(0.3)


def test_the_same_distribution_is_ideal_and_one_answer_for_all_has_no_spread():
    for scores in (None, SCORES):
        same = {name: one[2] for name, one in distribution_measures(OBSERVED, OBSERVED, scores).items()}
        assert same["variance_ratio"] == same["entropy_ratio"] == same["overlap"] == 1
        assert all(same[name] == 0 for name in set(same) - {"variance_ratio", "entropy_ratio", "overlap"})
        one = distribution_measures(np.eye(5)[2], OBSERVED, scores)
        assert one["variance_ratio"][2] == one["entropy_ratio"][2] == 0
    assert set(same) >= {"wasserstein", "kolmogorov_smirnov"}
    assert "total_variation" in distribution_measures(OBSERVED, OBSERVED)


def test_the_variance_of_nominal_answers_is_the_chance_that_two_differ():
    rng = np.random.default_rng(1)
    first, second = rng.choice(5, (2, 200_000), p=OBSERVED)
    assert variance(OBSERVED) == pytest.approx((first != second).mean(), abs=0.005)


@pytest.mark.parametrize("scores", [None, SCORES])
def test_intervals_of_distances_hold_the_true_one_also_where_it_is_zero(scores):
    rng = np.random.default_rng(4)
    for other in (OBSERVED, PREDICTED):
        held = []
        for _ in range(100):
            answers, predictions = (rng.multinomial(300, one) / 300 for one in (OBSERVED, other))
            again = [
                np.vstack([one, rng.multinomial(300, one, size=200) / 300]) for one in (answers, predictions)
            ]
            truth = {name: one[2] for name, one in distribution_measures(other, OBSERVED, scores).items()}
            found = distance_intervals(again[1], again[0], scores)
            held.append([low - 1e-9 <= truth[name] <= high + 1e-9 for name, (low, high) in found.items()])
        assert np.mean(held, axis=0).min() >= 0.92
