import numpy as np
import pandas as pd
import pytest
from scipy import stats

from stimmung.evaluation.votes.comparisons import (
    adjust_within_metric,
    best_baseline,
    compare_conditions,
    compare_with_best_baseline,
)
from stimmung.evaluation.votes.fold_metrics import measure_folds
from tests.synthetic_votes import make_votes


def folds_of(metric, **methods):
    tables = [
        pd.DataFrame(
            {
                "method": method.replace("__", "/"),
                "condition": "full",
                "metric": metric,
                "option": pd.Series([None] * len(values), dtype="str"),
                "fold": np.arange(len(values), dtype="int8"),
                "value": values,
                "n_test": 25,
                "n_training": 100,
            }
        )
        for method, values in methods.items()
    ]
    return pd.concat(tables, ignore_index=True)


ARM = [0.90, 0.85, 0.91, 0.88, 0.92]
GOOD = [0.80, 0.84, 0.79, 0.86, 0.81]
BAD = [0.70, 0.64, 0.69, 0.66, 0.61]


@pytest.mark.parametrize(
    ("metric", "opponent"), [("accuracy", "baselines/good"), ("log_loss", "baselines/bad")]
)
def test_the_opponent_is_the_best_by_the_metric_in_question(metric, opponent):
    row = compare_with_best_baseline(
        folds_of(metric, tiny__tuned=ARM, baselines__bad=BAD, baselines__good=GOOD)
    ).iloc[0]
    assert row["baseline"] == opponent


def test_difference_and_p_by_an_independent_formula():
    row = compare_with_best_baseline(folds_of("accuracy", tiny__tuned=ARM, baselines__good=GOOD)).iloc[0]
    difference = np.subtract(ARM, GOOD)
    # Nadeau and Bengio as a rescaled plain t-test: t / sqrt(1 + K n_test / n_training).
    t = stats.ttest_rel(ARM, GOOD).statistic / np.sqrt(1 + 5 * 25 / 100)
    assert row["difference"] == pytest.approx(difference.mean())
    assert row["p"] == pytest.approx(2 * stats.t.sf(abs(t), 4))
    assert row["ci_low"] < difference.mean() < row["ci_high"]


def test_an_interval_ends_where_two_values_of_the_metric_can_differ_no_more():
    folds = folds_of("accuracy", tiny__tuned=[0.35, 0.75], baselines__good=[0.85, 0.85])
    row = compare_with_best_baseline(folds).iloc[0]
    assert (row["ci_low"], row["ci_high"]) == (-1, 1), "with two folds the t interval reaches far beyond"
    folds = folds_of("log_loss", tiny__tuned=[0.35, 7.5], baselines__good=[0.85, 0.85])
    assert compare_with_best_baseline(folds).iloc[0]["ci_high"] > 7.5, "a loss has no upper end"


def test_holm_within_a_metric_by_hand():
    folds = folds_of(
        "accuracy",
        tiny__tuned=ARM,
        tiny__other=BAD,
        tiny__third=[0.8, 0.83, 0.81, 0.86, 0.8],
        baselines__good=GOOD,
    )
    table = compare_with_best_baseline(pd.concat([folds, folds.assign(metric="brier")]))
    family = table[table["metric"] == "accuracy"].sort_values("p")
    by_hand = np.minimum(np.maximum.accumulate(family["p"].to_numpy() * [3, 2, 1]), 1)
    assert family["p_adjusted"].to_numpy() == pytest.approx(by_hand)


def test_no_difference_anywhere_is_p_1_and_a_constant_one_is_not_tested():
    same = compare_with_best_baseline(folds_of("accuracy", tiny__tuned=GOOD, baselines__good=GOOD)).iloc[0]
    assert same["difference"] == 0 and same["p"] == same["p_adjusted"] == 1
    folds = folds_of("accuracy", tiny__shifted=np.add(GOOD, 0.1), tiny__tuned=ARM, baselines__good=GOOD)
    table = compare_with_best_baseline(folds).set_index("method")
    assert np.isnan(table.loc["tiny/shifted", "p_adjusted"])
    assert table.loc["tiny/tuned", "p_adjusted"] == table.loc["tiny/tuned", "p"]


def test_every_arm_meets_a_baseline_in_every_condition_it_ran_in():
    predictions, splits = make_votes(n=120)
    table = compare_with_best_baseline(measure_folds(predictions, splits))
    arms = predictions[~predictions["method"].str.startswith("baselines/")]
    assert (
        len(table) == len(arms[["method", "condition"]].drop_duplicates()) * 4
    )  # accuracy, macro F1, log-loss, Brier
    assert table["baseline"].str.startswith("baselines/").all()


@pytest.mark.parametrize("only", ["tiny/tuned", "baselines/logistic"])
def test_without_opponents_there_is_an_empty_table(only):
    predictions, splits = make_votes(n=120, conditions=("full",))
    table = compare_with_best_baseline(measure_folds(predictions[predictions["method"] == only], splits))
    assert table.empty and "p_adjusted" in table


def test_a_condition_is_compared_fold_by_fold_with_its_reference():
    predictions, splits = make_votes(n=120, conditions=("full", "no-democrats"))
    folds = measure_folds(predictions, splits)
    table = compare_conditions(folds, [("no-democrats", "full")])
    assert set(table["method"]) == set(predictions["method"]) - {"tiny/zero-shot"}
    values = folds.set_index(["method", "condition", "metric", "option", "fold"])["value"].sort_index()
    for _, row in table[table["metric"] != "macro_f1"].iterrows():
        after = values[row["method"], "no-democrats", row["metric"], row["option"]]
        before = values[row["method"], "full", row["metric"], row["option"]]
        assert row["difference"] == pytest.approx((after - before).mean())
        plain = stats.ttest_1samp(after - before, 0).confidence_interval()
        assert row["ci_high"] - row["ci_low"] >= plain.high - plain.low - 1e-12
    assert (table["option"] == "").sum() == (table["metric"] == "macro_f1").sum() > 0


def test_without_pairs_there_are_no_changes():
    predictions, splits = make_votes(n=120, conditions=("full",))
    assert compare_conditions(measure_folds(predictions, splits), []).empty


def test_p_values_are_adjusted_within_a_metric_and_absent_ones_do_not_count():
    table = pd.DataFrame(
        {"metric": ["f1", "brier", "f1", "f1", "brier"], "p": [0.01, 0.04, 0.03, np.nan, 0.5]},
        index=[7, 3, 5, 1, 0],
    )
    adjusted = adjust_within_metric(table, "p")["p_adjusted"]
    assert adjusted.tolist() == pytest.approx([0.02, 0.08, 0.03, np.nan, 0.5], nan_ok=True)


def test_a_metric_that_no_baseline_has_has_no_best_one():
    folds = pd.DataFrame({"method": ["baselines/a", "tiny/tuned"], "value": [np.nan, 0.5]})
    assert best_baseline(folds, "f1") is None
