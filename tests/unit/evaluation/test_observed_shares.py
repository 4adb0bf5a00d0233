import numpy as np
import pytest

from stimmung.evaluation.estimates.observed_shares import answers_of, drawn_shares, observed_shares
from stimmung.evaluation.votes.fold_metrics import measure_folds
from stimmung.evaluation.votes.predicted_shares import compare_shares
from stimmung.vocabulary.votes_schemas import SAMPLING_DESIGN
from tests.synthetic_votes import make_votes


@pytest.fixture
def votes():
    """Predictions, splits and respondents, of whom ten did not answer and are in no table of predictions."""
    predictions, splits = make_votes(n=200, conditions=("full",))
    respondents = predictions.drop_duplicates("respondent_id")[["respondent_id", "weight"]]
    silent = respondents["respondent_id"].iloc[:10]
    return predictions[~predictions["respondent_id"].isin(silent)], splits, respondents


def test_a_sample_that_was_simply_drawn_has_no_design_to_show(votes):
    predictions, _, respondents = votes
    assert observed_shares(answers_of(predictions), respondents.assign(weight=1.0)).empty
    assert drawn_shares(predictions, respondents) == {}


def test_shares_are_weighted_those_of_who_answered_and_weights_cost_respondents(votes):
    predictions, _, respondents = votes
    table = SAMPLING_DESIGN.validate(observed_shares(answers_of(predictions), respondents)).set_index(
        "option"
    )
    own = predictions.drop_duplicates("respondent_id")
    assert table["share"]["Dole"] == pytest.approx(np.average(own["target"] == "Dole", weights=own["weight"]))
    assert (
        (table["n"] == 190).all() and (table["kish_effect"] > 1).all() and (table["n_effective"] < 190).all()
    )
    assert (table["ci_low"] < table["share"]).all() and (table["share"] < table["ci_high"]).all()


def test_clusters_make_the_interval_of_the_observed_share_longer_in_the_report(votes):
    predictions, splits, respondents = votes
    answer = respondents["respondent_id"].map(
        predictions.drop_duplicates("respondent_id").set_index("respondent_id")["target"]
    )
    # Each cluster has one answer.
    clustered = respondents.assign(
        design_cluster=answer.fillna("silent") + (respondents.index % 8).astype(str)
    )
    tested = splits[splits["respondent_id"].isin(predictions["respondent_id"])]
    folds = measure_folds(predictions, tested)
    plain, drawn = (
        compare_shares(predictions, folds, drawn_shares(predictions, people))
        for people in (respondents, clustered)
    )
    assert (
        (drawn["observed_high"] - drawn["observed_low"])
        > 2 * (plain["observed_high"] - plain["observed_low"])
    ).all()
    np.testing.assert_array_equal(drawn["observed"], plain["observed"])
    table = observed_shares(answers_of(predictions), clustered)
    # With few clusters Student's t matters: the normal quantile held the truth in .89 of samples of ten.
    for end in ("low", "high"):
        assert set(drawn[f"observed_{end}"]) == set(table[f"ci_{end}"])
    # Without clusters, rows that belong together are not independent either.
    grouped = clustered.rename(columns={"design_cluster": "fold_group"})
    assert observed_shares(answers_of(predictions), grouped).equals(table)
    assert drawn_shares(predictions, grouped) == drawn_shares(predictions, clustered)
    assert (table["design_effect"] > 5).all() and (table["n_clusters"] >= 16).all()
