import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import ttest_1samp, wasserstein_distance

from stimmung.evaluation.votes.group_distances import compare_groups, jensen_shannon, scaled_wasserstein
from stimmung.vocabulary.group_schemas import ALL_ITEMS

OPTIONS = ["low", "middle", "high"]


def table(shares, item="trust", **more):
    return pd.DataFrame(
        [
            {"group": f"g{place}", "item": item, "option": option, "share": share, **more}
            for place, row in enumerate(shares)
            for option, share in zip(OPTIONS, row, strict=True)
        ]
    )


def predicted(shares, method, seed=1, **more):
    found = table(shares, **more).rename(columns={"share": "predicted"})
    return found.assign(method=method, seed=seed, fold=0)


def test_distances_are_scipys():
    rng = np.random.default_rng(0)
    first, second = rng.dirichlet(np.ones(4), 5), rng.dirichlet(np.ones(4), 5)
    first[0] = [0, 0, 0, 1]
    assert jensen_shannon(first, second) == pytest.approx(jensenshannon(first, second, base=2, axis=1))
    assert jensen_shannon(first, first).tolist() == [0] * 5
    values = np.array([2.0, 3.0, 10.0, 12.0])
    scaled = (values - 2) / 10
    assert scaled_wasserstein(first, second, values) == pytest.approx(
        [wasserstein_distance(scaled, scaled, *pair) for pair in zip(first, second, strict=True)]
    )


def test_a_perfect_prediction_is_as_far_off_as_the_sampling_noise_says():
    """Known shares, of which samples are observed: the distance of the truth from them is what the column foretells."""
    rng = np.random.default_rng(1)
    truth = rng.dirichlet([4, 4, 4], 300)
    observed = np.array([rng.multinomial(50, one) / 50 for one in truth])
    shares = table(observed, n=50.0, n_effective=50.0)
    found = compare_groups(predicted(truth, "oracle"), shares, {"trust": [0, 1, 2]}, "oracle", 1)
    every = found[found["item"] == ALL_ITEMS].set_index("metric")
    assert (every["value"] / every["sampling_noise"]).to_numpy() == pytest.approx(1, abs=0.06)
    assert (every["sampling_noise"] > 0.02).all()
    fewer = compare_groups(
        predicted(truth, "oracle"), shares.assign(n_effective=5.0), {"trust": [0, 1, 2]}, "oracle", 1
    )
    assert (fewer["sampling_noise"].to_numpy() > 2 * found["sampling_noise"].to_numpy()).all()


def test_differences_are_paired_by_group_and_seeds_are_averaged():
    rng = np.random.default_rng(2)
    observed, mean = rng.dirichlet([2, 2, 2], 12), np.tile([1 / 3] * 3, (12, 1))
    one, other = (0.5 * observed + 0.5 * rng.dirichlet([2, 2, 2], 12) for _ in range(2))
    shares = table(observed, n=100.0, n_effective=100.0)
    predictions = pd.concat(
        [predicted(mean, "mean"), predicted(one, "tuned"), predicted(other, "tuned", seed=2)]
    )
    found = compare_groups(predictions, shares, {"trust": None}, "mean", 1)
    assert set(found["metric"]) == {"jensen_shannon", "total_variation"}, "nominal options have no steps"
    row = found.query("method == 'tuned' and item == 'trust' and metric == 'total_variation'").iloc[0]
    distances = [np.abs(each - observed).sum(axis=1) / 2 for each in (one, other, mean)]
    tuned = (distances[0] + distances[1]) / 2
    assert row["value"] == pytest.approx(tuned.mean())
    assert row["difference"] == pytest.approx((tuned - distances[2]).mean())
    low, high = ttest_1samp(tuned - distances[2], 0).confidence_interval()
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((low, high))
    assert found.query("method == 'mean'")["difference"].isna().all()


def test_intervals_of_what_learns_allow_for_what_folds_share():
    rng = np.random.default_rng(4)
    observed = np.repeat(rng.dirichlet([3, 3, 3], 4), 5, axis=0)  # folds alike but for a little
    observed = 0.95 * observed + 0.05 * rng.dirichlet([3, 3, 3], 20)
    shares = table(observed, n=100.0, n_effective=100.0)
    fold_of = {f"g{place}": place % 5 for place in range(20)}
    steady = np.tile(rng.dirichlet([3, 3, 3]), (20, 1))
    # Each fold has an adapter that is more or less off for all of its groups.
    off = 0.2 * np.arange(5)[np.arange(20) % 5][:, None]
    shared = (1 - off) * observed + off * np.array([1.0, 0, 0])
    said = {
        "base/zero-shot": steady,
        "steady/tuned": steady,
        "moved/tuned": shared,
        "baselines/mean": observed[::-1],
    }
    predictions = pd.concat([predicted(one, name) for name, one in said.items()])
    predictions["fold"] = predictions["group"].map(fold_of)
    found = compare_groups(predictions, shares, {"trust": None}, "baselines/mean", 1)
    found = found.query("item == 'trust' and metric == 'total_variation'").set_index("method")
    half = (found["ci_high"] - found["ci_low"]) / 2
    distances = {name: np.abs(one - observed).sum(axis=1) / 2 for name, one in said.items()}
    plain = {name: ttest_1samp(one, 0).confidence_interval() for name, one in distances.items()}
    assert half["base/zero-shot"] == pytest.approx(
        (plain["base/zero-shot"].high - plain["base/zero-shot"].low) / 2
    )
    # Of 20 groups in 5 folds, as for the folds: 1 / 5 + 4 / 16 in place of 1 / 5.
    assert half["steady/tuned"] == pytest.approx(half["base/zero-shot"] * np.sqrt(1 + 5 / 4))
    of_folds = distances["moved/tuned"].reshape(4, 5).mean(axis=0)
    over_folds = ttest_1samp(of_folds, 0).confidence_interval()
    assert half["moved/tuned"] == pytest.approx((over_folds.high - over_folds.low) / 2)
    # The baseline learns, so a difference from it is as if the method did.
    difference = ttest_1samp(
        distances["base/zero-shot"] - distances["baselines/mean"], 0
    ).confidence_interval()
    compared = found.loc["base/zero-shot"]
    assert compared["difference_high"] - compared["difference_low"] > 1.4 * (difference.high - difference.low)
