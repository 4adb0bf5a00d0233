import numpy as np
import pandas as pd
import pytest

from stimmung.evaluation.votes.effective_sample import count_effective_respondents, respondents_needed
from stimmung.evaluation.votes.fold_metrics import measure_folds
from stimmung.evaluation.votes.fold_summary import summarize_folds
from tests.synthetic_votes import make_votes

CURVE = ["share-10", "share-30", "full"]
N = np.array([10.0, 100.0, 1000.0])


def as_arm(predictions, condition, source, method="tiny/tuned"):
    """Return predictions in which an arm under a condition says exactly what a baseline says under another."""
    said = predictions[(predictions.method == "baselines/logistic") & (predictions.condition == source)]
    said = said.assign(method=method, condition=condition)
    rest = predictions[predictions.method.str.startswith("baselines/logistic")]
    return pd.concat([rest, said], ignore_index=True)


@pytest.fixture(scope="module")
def votes():
    return make_votes(n=400, n_options=2)


@pytest.mark.parametrize(
    ("level", "needed"),
    [
        (0.5, 10), (0.6, np.sqrt(1000)), (0.7, 100), (0.9, 1000), (0.91, np.inf), (0.49, 0), (0.75, 10 ** 2.25)
    ],
)  # fmt: skip
def test_a_curve_is_read_off_on_a_logarithmic_scale_and_never_beyond_its_ends(level, needed):
    assert respondents_needed(level, N, np.array([0.5, 0.7, 0.9])) == pytest.approx(needed)


def test_a_dip_of_the_curve_is_smoothed_and_a_flat_part_reached_at_its_beginning():
    assert respondents_needed(0.7, N, np.array([0.7, 0.7, 0.9])) == 10
    # 0.8 and 0.6 become 0.7 twice.
    assert respondents_needed(0.7, N, np.array([0.5, 0.8, 0.6])) == pytest.approx(100)


def test_an_arm_that_equals_a_baseline_with_more_respondents_is_worth_exactly_as_many(votes):
    predictions, splits = votes
    table = count_effective_respondents(as_arm(predictions, "share-10", "share-30"), splits, [CURVE])
    sizes = summarize_folds(measure_folds(predictions, splits)).groupby("condition").n_training.max()
    assert len(table) == 2
    for row in table.itertuples():
        assert row.n_training == pytest.approx(sizes["share-10"])
        assert row.n_effective == pytest.approx(sizes["share-30"])
        assert row.ci_low <= row.n_effective <= row.ci_high
        assert (row.n_smallest, row.n_largest) == pytest.approx((sizes["share-10"], sizes["full"]))


def test_an_arm_that_equals_the_baseline_is_worth_its_own_respondents_with_no_doubt(votes):
    """Both curves are resampled together, so what they share moves neither."""
    predictions, splits = votes
    table = count_effective_respondents(as_arm(predictions, "share-30", "share-30"), splits, [CURVE])
    for row in table.itertuples():
        assert row.n_effective == pytest.approx(row.n_training)
        assert row.ci_low == pytest.approx(row.n_training, rel=0.35)


def test_better_than_all_respondents_is_infinite_and_worse_than_the_fewest_is_0(votes):
    predictions, splits = votes
    arm = as_arm(predictions, "share-10", "full")
    columns = ["p_Clinton", "p_Dole"]
    ours = arm.method == "tiny/tuned"
    right = np.stack([arm.target == "Clinton", arm.target == "Dole"], axis=1).astype(float)
    for truth, expected in ((0.98, np.inf), (0.02, 0.0)):
        arm.loc[ours, columns] = np.where(right[ours], truth, 1 - truth)
        table = count_effective_respondents(arm, splits, [CURVE])
        assert (table.n_effective == expected).all()
        assert (table.ci_low == expected).all() and (table.ci_high == expected).all()


def test_the_point_estimate_uses_the_means_over_folds_of_the_tables(votes):
    """Read off the METRICS table by hand: macro F1 of the arm on the logistic curve."""
    predictions, splits = votes
    wanted = predictions[predictions.method.isin(["baselines/logistic", "tiny/tuned"])]
    metrics = summarize_folds(measure_folds(wanted, splits)).query("metric == 'macro_f1'")
    metrics = metrics.set_index(["method", "condition"])
    curve = metrics.loc["baselines/logistic"].loc[CURVE]
    table = count_effective_respondents(wanted, splits, [CURVE], n_resamples=10)
    for row in table[table.metric == "macro_f1"].itertuples():
        level = metrics.value["tiny/tuned", row.condition]
        by_hand = respondents_needed(level, curve.n_training.to_numpy(), curve.value.to_numpy())
        assert row.n_effective == pytest.approx(by_hand)


def test_the_strongest_baseline_at_each_share_is_the_opponent(votes):
    predictions, splits = votes
    alone = count_effective_respondents(
        predictions[predictions.method.isin(["baselines/logistic", "tiny/tuned"])], splits, [CURVE]
    ).set_index(["method", "condition", "metric"])
    among = count_effective_respondents(predictions, splits, [CURVE]).set_index(
        ["method", "condition", "metric"]
    )
    assert len(alone) and (among.n_effective[alone.index] <= alone.n_effective + 1e-9).all()


def test_the_same_seed_gives_the_same_bits_and_zero_shot_arms_have_no_rows(votes):
    first, second = (count_effective_respondents(*votes, [CURVE], n_resamples=50) for _ in range(2))
    assert first.equals(second) and "tiny/zero-shot" not in set(first.method)


def test_weights_count_where_they_are_asked_for(votes):
    plain, weighted = (
        count_effective_respondents(*votes, [CURVE], n_resamples=20, weighted=one) for one in (False, True)
    )
    assert not np.allclose(plain.n_effective, weighted.n_effective)


def test_without_a_learning_curve_there_is_an_empty_table(votes):
    table = count_effective_respondents(*votes, [["full"]])
    assert table.empty and "n_effective" in table


def test_fault_at_rows_of_a_group_are_drawn_together_so_that_the_interval_is_as_long_as_without_copies(votes):
    predictions, splits = votes
    arm = (predictions.method == "tiny/tuned") & (predictions.condition == "share-30")
    chosen = predictions[arm | (predictions.method == "baselines/logistic")]

    def twice(table):
        return pd.concat([table.assign(respondent_id=table.respondent_id + twin) for twin in "ab"])

    ids = twice(splits).respondent_id.unique()
    people = pd.DataFrame({"cluster": [one[:-1] for one in ids]}, ids)

    def upper(votes_of, folds_of, design=None):
        return count_effective_respondents(votes_of, folds_of, [CURVE], design=design).ci_high.to_numpy()

    once = upper(chosen, splits)
    # Twice the rows were trained on, so that all numbers double.
    np.testing.assert_allclose(upper(twice(chosen), twice(splits), people), 2 * once)
    assert (upper(twice(chosen), twice(splits)) < 0.95 * 2 * once).all()
