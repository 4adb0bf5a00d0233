import math
import subprocess
import sys

import numpy as np
import pytest

from stimmung.evaluation.votes.fold_metrics import measure_folds
from stimmung.evaluation.votes.fold_summary import summarize_folds
from stimmung.evaluation.votes.vote_metrics import UNIT, VOTE_METRICS, Fold, Metric, metric
from tests.synthetic_votes import make_votes


def test_a_metric_without_a_label_or_a_range_is_an_error_where_it_is_registered():
    before = dict(VOTE_METRICS)
    with pytest.raises(TypeError, match="range"):
        metric("Surprise", higher_is_better=True)
    with pytest.raises(TypeError, match="label"):
        metric(range=UNIT, higher_is_better=True)
    with pytest.raises(ValueError, match="'surprise' has no label"):
        Metric("surprise", " ", UNIT, True, len)
    with pytest.raises(ValueError, match=r"'surprise': no value lies in its range \(1, 0\)"):
        Metric("surprise", "Surprise", (1, 0), True, len)
    with pytest.raises(ValueError, match="two metrics are named 'accuracy'"):
        metric("Accuracy", UNIT, higher_is_better=True)(before["accuracy"].compute)
    assert before == VOTE_METRICS


def test_one_function_is_enough_for_a_metric_to_be_measured_and_summarised_within_its_range(monkeypatch):
    accuracy = VOTE_METRICS["accuracy"].compute
    monkeypatch.setitem(
        VOTE_METRICS, "tens", Metric("tens", "Tens", (0, 10), True, lambda fold: 10 * accuracy(fold))
    )
    predictions, splits = make_votes(n=61)
    table = summarize_folds(measure_folds(predictions, splits))
    tens, ones = (
        table[table["metric"] == name].reset_index(drop=True)[["value", "ci_high"]]
        for name in ("tens", "accuracy")
    )
    assert tens["value"].to_numpy() == pytest.approx(10 * ones["value"].to_numpy())
    assert tens["ci_high"].to_numpy() == pytest.approx(10 * ones["ci_high"].to_numpy())  # not cut at 1


def test_every_metric_of_a_fold_lies_within_its_range_and_has_a_heading():
    predictions, splits = make_votes(n=80)
    table = measure_folds(
        predictions, splits, option_values=np.arange(predictions.filter(like="p_").shape[1])
    )
    assert set(table["metric"]) == set(VOTE_METRICS)
    unordered = {name for name, one in VOTE_METRICS.items() if not one.ordered}
    assert set(measure_folds(predictions, splits)["metric"]) == unordered < set(VOTE_METRICS)
    for name, one in VOTE_METRICS.items():
        values = table.loc[table["metric"] == name, "value"].dropna()
        assert values.between(*one.range).all(), name
        assert one.heading.endswith(
            {True: "\u00a0↑", False: "\u00a0↓", None: one.label}[one.higher_is_better]
        )
    assert not math.isfinite(VOTE_METRICS["log_loss"].range[1])


def ordered(target, probabilities, weights=None, values=None):
    """Return a fold of ordered answers."""
    probabilities = np.array(probabilities, float)
    ones = np.ones(len(probabilities))
    return Fold(
        np.array(target), probabilities, ones if weights is None else weights, weights, ones, 0 * ones, values
    )


def value(name, fold):
    return float(VOTE_METRICS[name].compute(fold))


def test_a_far_answer_costs_more_than_a_neighbouring_one():
    # Of three options: 0, (0 - 0)^2 and (1 - 1)^2; a step away, one threshold is missed; two steps away, both.
    sure = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert [value("ranked_probability_score", ordered([0], [one])) for one in sure] == [0, 0.5, 1]
    assert value("ranked_probability_score", ordered([0], [[0.5, 0.3, 0.2]])) == pytest.approx(
        (0.25 + 0.04) / 2
    )
    near, far = ordered([0, 1, 2, 2], [*sure, sure[1]]), ordered([0, 1, 2, 2], [*sure, sure[0]])
    assert value("weighted_kappa", near) > value("weighted_kappa", far) > 0
    assert value("weighted_kappa", ordered([0, 1, 2], sure)) == 1


def test_the_mean_and_its_error_count_steps_and_use_the_weights():
    fold = ordered([0, 2], [[0.5, 0.5, 0], [0, 0.5, 0.5]])
    assert value("mean_error", fold) == pytest.approx((0.5 - 0.5) / 2)
    assert value("correlation", fold) == pytest.approx(1)
    weighted = ordered([0, 2], [[0.5, 0.5, 0], [0, 0.5, 0.5]], np.array([3.0, 1.0]))
    assert value("mean_error", weighted) == pytest.approx((3 * 0.5 - 0.5) / 4)
    rng = np.random.default_rng(1)
    probabilities, target = rng.dirichlet(np.ones(4), 50), rng.integers(0, 4, 50)
    expected = np.corrcoef(probabilities @ np.arange(4), target)[0, 1]
    assert value("correlation", ordered(target, probabilities)) == pytest.approx(expected)
    assert math.isnan(value("correlation", ordered([0, 1], [[0.3, 0.7]] * 2))), (
        "shares alone tell no two apart"
    )


def test_numbers_count_by_their_distance_and_steps_are_numbers_at_equal_ones():
    from sklearn.metrics import cohen_kappa_score

    hours = np.array([10.0, 11.0, 40.0])
    far = ordered([0, 0], [[0, 1, 0], [0, 0, 1]], values=hours)
    # Missed: the way from 10 to 11, and all of it.
    assert value("ranked_probability_score", far) == pytest.approx((1 / 30 + 1) / 2)
    assert value("mean_absolute_error", far) == 15.5 and value("mean_error", far) == 15.5
    assert value("root_mean_squared_error", far) == pytest.approx(np.sqrt((1 + 900) / 2))
    # The absolute error is the median's, the squared one the mean's.
    unsure = ordered([0], [[0.5, 0.2, 0.3]], values=hours)
    assert value("mean_absolute_error", unsure) == 0 and value(
        "root_mean_squared_error", unsure
    ) == pytest.approx(9.2)
    rng = np.random.default_rng(1)
    probabilities, target, weights = rng.dirichlet(np.ones(4), 50), rng.integers(0, 4, 50), rng.random(50)
    steps, twos = (ordered(target, probabilities, weights, step * np.arange(4.0)) for step in (1, 2))
    for name in ("ranked_probability_score", "weighted_kappa", "correlation"):
        assert value(name, steps) == pytest.approx(value(name, twos))
    kappa = cohen_kappa_score(target, steps.predicted, weights="linear", sample_weight=weights)
    assert value("weighted_kappa", steps) == pytest.approx(kappa)


def test_labels_and_ranges_can_be_had_without_the_libraries_that_compute_metrics():
    code = "import sys, stimmung.evaluation.votes.vote_metrics; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"sklearn", "scipy", "statsmodels", "pandas"} & set(loaded.stdout.split()) == set()


@pytest.mark.parametrize("chosen", [(1, 6), (1, 11), (1, 12)])
def test_shares_that_are_predicted_exactly_have_a_distance_of_0(chosen):
    """NaN, which rounding makes of it in scipy, would leave out of the mean the very folds that are predicted best."""
    target = np.repeat([0, 1], chosen)
    share = chosen[0] / len(target)
    fold = Fold(
        target=target,
        probabilities=np.tile([share, 1 - share], (len(target), 1)),
        survey_weights=np.ones(len(target)),
        weights=None,
        option_mass=np.ones(len(target)),
        n_unseen=np.zeros(len(target), int),
    )
    assert VOTE_METRICS["jensen_shannon"].compute(fold) == pytest.approx(0, abs=1e-7)
