import numpy as np
import pandas as pd
import pytest

from stimmung.evaluation.votes.calibration import bin_of, bin_reliability, expected_calibration_error
from tests.synthetic_votes import make_votes


def test_bins_include_their_upper_edge():
    confidence = np.array([0.0, 0.05, 0.1, 0.1000001, 0.5, 0.7, 0.9, 0.95, 1.0])
    assert bin_of(confidence).tolist() == [0, 0, 0, 1, 4, 6, 8, 9, 9]


def test_expected_calibration_error_by_hand():
    # Two rows at .6, one right: gap .1. Three rows at .9, all right: gap .1. One row at 1, wrong: gap 1.
    confidence = np.array([0.6, 0.6, 0.9, 0.9, 0.9, 1.0])
    correct = np.array([True, False, True, True, True, False])
    assert expected_calibration_error(confidence, correct) == pytest.approx((2 * 0.1 + 3 * 0.1 + 1) / 6)
    weights = np.array([1.0, 1, 1, 1, 1, 5])
    assert expected_calibration_error(confidence, correct, weights) == pytest.approx(
        (2 * 0.1 + 3 * 0.1 + 5) / 10
    )


def test_weights_count_within_a_bin():
    confidence, correct = np.array([0.75, 0.75]), np.array([True, False])
    assert expected_calibration_error(confidence, correct, np.array([3.0, 1.0])) == pytest.approx(0)


def test_calibrated_probabilities_have_a_small_error_and_overconfident_ones_a_large_one():
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.5, 1, 20_000)
    correct = rng.random(20_000) < confidence
    assert expected_calibration_error(confidence, correct) < 0.02
    assert expected_calibration_error(np.minimum(confidence + 0.15, 1), correct) > 0.1


def test_bins_of_a_run_add_up_to_its_rows_and_its_accuracy():
    predictions, _ = make_votes(n=200, n_options=8, conditions=("full",))
    bins = bin_reliability(predictions)
    for method, part in bins.groupby("method"):
        run = predictions[predictions["method"] == method]
        probabilities = run.filter(like="p_")
        right = probabilities.idxmax(axis=1).str.removeprefix("p_") == run["target"]
        assert part["n"].sum() == len(run)
        assert np.average(part["accuracy"], weights=part["n"]) == pytest.approx(right.mean())
        assert np.average(part["confidence"], weights=part["n"]) == pytest.approx(
            probabilities.max(axis=1).mean()
        )
        assert part["bin"].is_monotonic_increasing


def test_several_seeds_do_not_shorten_the_interval():
    predictions, _ = make_votes(n=200, conditions=("full",))
    again = pd.concat([predictions, predictions.assign(seed=99)], ignore_index=True)
    one, two = bin_reliability(predictions), bin_reliability(again)
    assert two["n"].tolist() == (2 * one["n"]).tolist()
    assert np.allclose(one["accuracy_low"], two["accuracy_low"])


def test_methods_stay_in_the_order_of_the_predictions():
    predictions, _ = make_votes(n=100, conditions=("full",))
    assert list(dict.fromkeys(bin_reliability(predictions)["method"])) == list(
        dict.fromkeys(predictions["method"])
    )


def test_a_weight_of_two_counts_as_two_respondents_where_weights_are_asked_for():
    predictions, _ = make_votes(n=60, conditions=("full",))
    doubled = predictions["respondent_id"] < "respondent-0030"
    predictions["weight"] = np.where(doubled, 2.0, 1.0)
    repeated = pd.concat([predictions, predictions[doubled]], ignore_index=True)
    weighted, by_hand = bin_reliability(predictions, weighted=True), bin_reliability(repeated)
    keys = ["method", "condition", "bin"]
    both = weighted.merge(by_hand, on=keys, suffixes=("", "_by_hand"), validate="one_to_one")
    assert len(both) == len(weighted) == len(by_hand)
    for mean in ("confidence", "accuracy"):
        np.testing.assert_allclose(both[mean], both[f"{mean}_by_hand"])
    assert not np.allclose(both["accuracy"], bin_reliability(predictions)["accuracy"])
    # But two copies are not two people: the interval is for Kish's effective number, and is longer.
    length = both["accuracy_high"] - both["accuracy_low"]
    assert (length >= both["accuracy_high_by_hand"] - both["accuracy_low_by_hand"] - 1e-12).all()
