import numpy as np
import pytest

from stimmung.evaluation.votes.fold_metrics import measure_folds
from stimmung.evaluation.votes.predicted_shares import compare_shares, effective_n
from tests.synthetic_votes import make_votes


@pytest.fixture
def votes():
    predictions, splits = make_votes(n=200, conditions=("full",))
    return predictions, splits


def shares_of(predictions, splits):
    return compare_shares(predictions, measure_folds(predictions, splits))


def test_effective_n():
    assert effective_n(np.ones(50)) == 50
    assert effective_n(np.array([1.0, 1, 2])) == pytest.approx(16 / 6)
    assert effective_n(np.array([5.0, 5, 10])) == pytest.approx(16 / 6)


def test_shares_are_weighted_means(votes):
    table = shares_of(*votes).set_index(["method", "option"])
    run = votes[0][votes[0]["method"] == "tiny/tuned"]
    row = table.loc[("tiny/tuned", "Dole")]
    assert row["predicted"] == pytest.approx((run["p_Dole"] * run["weight"]).sum() / run["weight"].sum())
    assert row["observed"] == pytest.approx(
        run.loc[run["target"] == "Dole", "weight"].sum() / run["weight"].sum()
    )
    assert table.groupby("method")[["predicted", "observed"]].sum().to_numpy() == pytest.approx(1)


def test_interval_of_the_observed_share_is_wilsons(votes):
    predictions, splits = votes
    row = (
        shares_of(predictions.assign(weight=1.0), splits)
        .set_index(["method", "option"])
        .loc[("tiny/tuned", "Dole")]
    )
    n, p, z = 200, row["observed"], 1.959963985
    middle, reach = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert row["n_effective"] == 200
    assert row["observed_low"] == pytest.approx((middle - reach) / (1 + z**2 / n))
    assert row["observed_high"] == pytest.approx((middle + reach) / (1 + z**2 / n))


def test_unequal_weights_lengthen_the_interval(votes):
    predictions, splits = votes
    rng = np.random.default_rng(2)
    unequal = dict(zip(predictions["respondent_id"].unique(), rng.pareto(1.5, 200) + 0.1, strict=True))
    equal = shares_of(predictions.assign(weight=1.0), splits)
    weighted = shares_of(predictions.assign(weight=predictions["respondent_id"].map(unequal)), splits)
    assert weighted["n_effective"].iloc[0] < 100
    length = [table["observed_high"] - table["observed_low"] for table in (equal, weighted)]
    assert (length[1] > length[0]).all()


def test_seeds_do_not_add_respondents():
    predictions, splits = make_votes(n=200, seeds=(1, 2, 3), conditions=("full",))
    table = shares_of(predictions.assign(weight=1.0), splits)
    assert (table["n_effective"] == 200).all()


def test_predicted_share_lies_in_its_interval(votes):
    table = shares_of(*votes)
    assert (table["predicted_low"] <= table["predicted"]).all()
    assert (table["predicted"] <= table["predicted_high"]).all()


def test_an_option_that_nobody_chose_has_an_observed_share_of_0(votes):
    predictions, splits = votes
    extra = predictions.assign(p_Perot=0.0)
    order = [*predictions.columns[: list(predictions.columns).index("p_Dole") + 1], "p_Perot"]
    extra = extra[order + [name for name in extra.columns if name not in order]]
    row = shares_of(extra, splits).set_index(["method", "option"]).loc[("tiny/tuned", "Perot")]
    assert row["observed"] == row["predicted"] == 0
    assert row["observed_high"] > 0
