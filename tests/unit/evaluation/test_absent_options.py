import numpy as np
import pytest

from stimmung.evaluation.votes.absent_options import absent_option, compare_absent
from stimmung.evaluation.votes.fold_metrics import measure_folds
from stimmung.evaluation.votes.fold_summary import corrected_resampled_t
from tests.synthetic_votes import make_votes

PAIRS = [("no-democrats", "full")]


@pytest.fixture(scope="module")
def votes():
    predictions, splits = make_votes(n=400, n_options=8)
    return predictions, splits, measure_folds(predictions, splits)


def test_the_absent_option_is_the_one_whose_voters_left_the_training_rows(votes):
    # The made-up condition removes seven of ten voters of the first option.
    assert absent_option(*votes[:2], "no-democrats", "full") == "CDU"


def test_before_and_after_are_those_of_the_fold_metrics(votes):
    table = compare_absent(*votes, PAIRS)
    folds = votes[2]
    assert set(table.method) == set(folds.method) - {"tiny/zero-shot"}
    for row in table.itertuples():
        own = folds[(folds.method == row.method) & (folds.metric == row.metric) & (folds.option == "CDU")]
        values = own.pivot(index="fold", columns="condition", values="value")
        assert row.after == pytest.approx(values["no-democrats"].mean())
        assert row.difference == pytest.approx((values["no-democrats"] - values["full"]).mean())
        assert row.ci_low <= row.difference <= row.ci_high


def test_the_advantage_is_over_the_baseline_that_copes_best_and_its_test_is_that_of_the_folds(votes):
    table = compare_absent(*votes, PAIRS).set_index(["method", "metric"])
    folds = votes[2]
    f1 = folds[(folds.metric == "f1") & (folds.option == "CDU") & (folds.condition == "no-democrats")]
    wide = f1.pivot(index="fold", columns="method", values="value")
    best = max((name for name in wide if name.startswith("baselines/")), key=lambda name: wide[name].mean())
    row = table.loc["tiny/tuned", "f1"]
    assert row.baseline == best
    difference = (wide["tiny/tuned"] - wide[best]).to_numpy()
    assert row.advantage == pytest.approx(difference.mean())
    rows = f1[f1.method == "tiny/tuned"]
    own, other = (np.array(f1[f1.method == name].answer_errors.iloc[0]) for name in ("tiny/tuned", best))
    tested = corrected_resampled_t(
        difference, rows.n_test.to_numpy(), rows.n_training.to_numpy(), ((own - other) ** 2).sum()
    )
    assert row.advantage_p == pytest.approx(tested.p)
    assert table.advantage[:, "f1"].filter(like="baselines/").isna().all()


def test_p_values_are_adjusted_by_holm_within_a_metric(votes):
    table = compare_absent(*votes, PAIRS)
    for _, family in table.groupby("metric"):
        tested = family[family.p.notna()].sort_values("p")
        n = len(tested)
        by_hand = np.minimum(1, np.maximum.accumulate((n - np.arange(n)) * tested.p.to_numpy()))
        np.testing.assert_allclose(tested.p_adjusted, by_hand)


def test_without_such_a_condition_there_is_an_empty_table(votes):
    assert compare_absent(*votes, []).empty
