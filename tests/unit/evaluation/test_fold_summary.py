from dataclasses import astuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.linear_model import LogisticRegression

from stimmung.evaluation.votes.fold_metrics import measure_folds
from stimmung.evaluation.votes.fold_summary import corrected_resampled_t, paired_difference, summarize_folds


def summary(values, n_test=20, n_training=80):
    values = np.array(values, dtype=float)
    return corrected_resampled_t(values, np.full(len(values), n_test), np.full(len(values), n_training))


def test_agrees_with_nadeau_and_bengio_written_out():
    # Their eq. 16 and the t distribution, number by number: five folds, 80 and 20 rows.
    mean = (0.80 + 0.84 + 0.79 + 0.86 + 0.81) / 5
    variance = sum((value - mean) ** 2 for value in (0.80, 0.84, 0.79, 0.86, 0.81)) / 4
    error = ((1 / 5 + 20 / 80) * variance) ** 0.5
    found = summary([0.80, 0.84, 0.79, 0.86, 0.81])
    assert found.mean == pytest.approx(mean)
    assert found.sd == pytest.approx(variance**0.5)
    assert found.ci_high - found.mean == pytest.approx(2.776445 * error, rel=1e-6)
    assert found.p == pytest.approx(2 * (1 - stats.t(4).cdf(mean / error)), abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=2, max_size=10))
def test_without_training_rows_it_is_the_plain_t_test(values):
    found = summary(values, n_training=0)
    if found.sd < 1e-9:
        return
    plain = stats.ttest_1samp(values, 0)
    assert found.p == pytest.approx(plain.pvalue, abs=1e-9)
    assert found.ci_low == pytest.approx(plain.confidence_interval().low, abs=1e-9)


def test_interval_grows_as_the_training_share_falls_and_then_no_further():
    values = [0.80, 0.84, 0.79, 0.86, 0.81]
    lengths = [summary(values, 200, n).ci_high - summary(values, 200, n).ci_low for n in (800, 240, 80, 8, 1)]
    assert lengths[0] < lengths[1] < lengths[2] < lengths[3] == lengths[4]
    assert lengths[4] / lengths[0] == pytest.approx(np.sqrt((0.2 + 3) / (0.2 + 0.25)))


def test_two_folds_keep_the_full_correction():
    found = summary([0.7, 0.8], 50, 50)
    assert found.ci_high - found.mean == pytest.approx(
        stats.t.ppf(0.975, 1) * np.std([0.7, 0.8], ddof=1) * np.sqrt(1.5)
    )


def test_undefined_folds_are_left_out():
    with_gap = summary([0.5, np.nan, 0.6, 0.7])
    assert with_gap == summary([0.5, 0.6, 0.7])
    assert with_gap.n_folds == 3


def test_degenerate_folds_have_defined_answers():
    assert np.isnan(summary([np.nan, np.nan]).mean)
    one = summary([0.5])
    assert one.mean == 0.5 and np.isnan(one.ci_low) and np.isnan(one.p)
    assert summary([0.0, 0.0, 0.0]).p == 1
    same = summary([0.1, 0.1, 0.1])
    assert np.isnan(same.p) and same.ci_low == same.ci_high == pytest.approx(0.1)


def test_interval_covers_the_expected_accuracy_at_a_small_training_share():
    """Logistic regression in 5 folds on a fixed tenth of 600 respondents; uncorrected it would not."""
    rng = np.random.default_rng(3)
    slopes = rng.normal(0, 0.6, 6)

    def respondents(n):
        items = rng.normal(size=(n, 6))
        return items, rng.random(n) < 1 / (1 + np.exp(-items @ slopes))

    test_items, test_votes = respondents(20_000)
    model = LogisticRegression(C=10)
    truth = np.mean([model.fit(*respondents(48)).score(test_items, test_votes) for _ in range(150)])
    covered, covered_plain = [], []
    for _ in range(120):
        items, votes = respondents(600)
        fold, share = np.arange(600) % 5, rng.random(600) < 0.1
        values = []
        for k in range(5):
            training = share & (fold != k)
            values.append(
                model.fit(items[training], votes[training]).score(items[fold == k], votes[fold == k])
            )
        found, plain = summary(values, 120, 48), summary(values, 120, 0)
        covered.append(found.ci_low <= truth <= found.ci_high)
        covered_plain.append(plain.ci_low <= truth <= plain.ci_high)
    assert np.mean(covered) >= 0.95
    assert np.mean(covered_plain) < 0.93


def fold_rows(values, n_training=80, metric="accuracy", option=None, method="tiny/tuned"):
    return pd.DataFrame(
        {
            "method": method,
            "condition": "full",
            "metric": metric,
            "option": pd.Series([option] * len(values), dtype="str"),
            "fold": np.arange(len(values), dtype="int8"),
            "value": values,
            "n_test": 20,
            "n_training": n_training,
        }
    )


def test_summary_cuts_intervals_where_the_metric_ends():
    folds = pd.concat(
        [
            fold_rows([0.9, 1.0, 1.0]),
            fold_rows([0.1, 0.9, 3.0], metric="log_loss"),
            fold_rows([0.2, 0.6, 0.1], metric="f1", option="Dole"),
        ]
    )
    table = summarize_folds(folds).set_index("metric")
    assert table.loc["accuracy", "ci_high"] == 1 and table.loc["accuracy", "ci_low"] > 0
    assert table.loc["log_loss", "ci_low"] == 0 and table.loc["log_loss", "ci_high"] > 3
    assert table.loc["f1", "option"] == "Dole"
    assert table.loc["accuracy", "n_respondents"] == 60


def test_the_f1_of_an_option_that_is_rarely_named_reaches_further_up_than_down():
    row = summarize_folds(fold_rows([0.0, 0.1, 0.05, 0.0, 0.1], metric="f1", option="Perot")).iloc[0]
    assert row.ci_low == 0 and row.ci_high - row.value > 1.5 * (
        summary([0.0, 0.1, 0.05, 0.0, 0.1]).ci_high - 0.05
    )
    middle = [0.45, 0.5, 0.55, 0.5, 0.5]
    row = summarize_folds(fold_rows(middle, metric="f1", option="Dole")).iloc[0]
    assert row.ci_high == pytest.approx(summary(middle, 20, 80).ci_high)


def test_pairs_meet_fold_by_fold_whatever_the_order_of_rows():
    first, second = fold_rows([0.9, 0.8, 0.7]), fold_rows([0.6, 0.6, 0.6], n_training=40)
    found = paired_difference(first, second.iloc[::-1])
    assert astuple(found) == pytest.approx(astuple(summary([0.3, 0.2, 0.1], 20, 40)))


def test_an_untrained_method_takes_the_correction_of_its_opponent():
    found = paired_difference(fold_rows([0.9, 0.8, 0.7], n_training=0), fold_rows([0.6, 0.6, 0.6]))
    assert astuple(found) == pytest.approx(astuple(summary([0.3, 0.2, 0.1], 20, 80)))


def test_a_constant_prediction_has_the_interval_of_its_respondents_though_stratified_folds_agree():
    """Accuracy of 'a' for everybody, 160 of 400 of whom answered it: the standard error of a share."""
    ids = [f"r{number:03d}" for number in range(400)]
    target = np.where(np.arange(400) % 5 < 2, "a", "b")
    fold = (np.arange(400) // 5 % 5).astype("int8")
    table = pd.DataFrame({"respondent_id": ids, "fold": fold, "target": target, "weight": 1.0, "seed": 0})
    predictions = table.assign(
        method="baselines/majority", condition="full", p_a=0.6, p_b=0.4, option_mass=1.0
    )
    splits = table[["respondent_id", "fold"]].assign(condition="full", in_training=True)
    found = summarize_folds(measure_folds(predictions, splits)).set_index(["metric", "option"])
    row = found.loc[("accuracy", np.nan)]
    assert row.sd_over_folds == 0
    assert (row.ci_high - row.ci_low) / 2 == pytest.approx(1.96 * np.sqrt(0.4 * 0.6 / 400), rel=0.01)
    # What was predicted depends on the training rows, whose shares are the same in all folds.
    share = found.loc[("predicted_share", "a")]
    assert (share.ci_high - share.ci_low) / 2 == pytest.approx(1.96 * np.sqrt(0.6 * 0.4 / 400), rel=0.01)


def test_what_folds_do_not_show_is_added_and_cancels_between_methods_that_share_it():
    plain = summary([0.80, 0.84, 0.79, 0.86, 0.81])
    values, n_test, n_training = np.array([0.80, 0.84, 0.79, 0.86, 0.81]), np.full(5, 20), np.full(5, 80)
    longer = corrected_resampled_t(values, n_test, n_training, 0.01**2)
    assert longer.ci_high - longer.ci_low > plain.ci_high - plain.ci_low and longer.p > plain.p
    # At the level p the interval ends at 0: the t of the folds and the normal of the answers are the legs of a triangle.
    far = corrected_resampled_t(values - 0.78, n_test, n_training, 0.01**2)
    of_folds = far.sd * np.sqrt(1 / 5 + 20 / 80)
    legs = stats.t.isf(far.p / 2, 4) * of_folds, stats.norm.isf(far.p / 2) * 0.01
    assert np.hypot(*legs) == pytest.approx(far.mean) and 0.01 < far.p < 0.5
    reach = np.hypot(stats.t.isf(0.025, 4) * of_folds, stats.norm.isf(0.025) * 0.01)
    assert far.ci_high - far.mean == pytest.approx(reach)
    first, second = fold_rows([0.9, 0.8, 0.7]), fold_rows([0.6, 0.6, 0.6])
    alike = [part.assign(answer_errors=[[0.3, 0.2]] * 3) for part in (first, second)]
    assert astuple(paired_difference(*alike)) == pytest.approx(astuple(paired_difference(first, second)))


def test_a_change_by_other_training_rows_is_as_uncertain_as_these_rows_make_it():
    """Of a share p in all n rows, and in n / 4 of them drawn at random, the difference has the variance p (1 - p) (4 / n - 1 / n)."""
    p, n = 0.3, 400
    few, many = (
        fold_rows([p] * 5, n_training=size, metric="predicted_share", option="a").assign(
            answer_errors=[[0.0, 0.0, np.sqrt(p * (1 - p) / size), 0.0]] * 5
        )
        for size in (n // 4, n)
    )
    for pair in ((few, many), (many, few)):
        change = paired_difference(*pair)
        variance = p * (1 - p) * (4 / n - 1 / n)
        assert (change.ci_high - change.ci_low) / 2 == pytest.approx(1.959964 * np.sqrt(variance))
    # Of an option whose share is another among the few, more is not common to both.
    other = few.assign(answer_errors=[[0.0, 0.0, np.sqrt(0.1 * 0.9 / 100), 0.0]] * 5)
    change = paired_difference(other, many)
    variance = 0.09 / 100 + 0.21 / 400 - 2 * 0.09 / 400
    assert (change.ci_high - change.ci_low) / 2 == pytest.approx(1.959964 * np.sqrt(variance))
