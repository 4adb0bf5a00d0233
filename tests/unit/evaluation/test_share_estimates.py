import numpy as np
import pandas as pd
import pytest

from stimmung.evaluation.estimates.multiple_imputation import impute_draws
from stimmung.evaluation.estimates.share_estimates import estimate_shares
from stimmung.vocabulary.votes_schemas import ESTIMATES
from tests.stacked_votes import OPTIONS, make_respondents, predict

PEOPLE = make_respondents(200, seed=6)
HIDDEN = (np.arange(200) % 4 == 0) & (PEOPLE.index < 180)
ABSENT = PEOPLE.index >= 180  # did not answer
ANSWERS = PEOPLE.set_index("respondent_id").vote.where(~ABSENT)
SPLITS = pd.DataFrame(
    {
        "respondent_id": PEOPLE.respondent_id,
        "condition": "some",
        "fold": np.where(ABSENT, -1, np.arange(200) % 5).astype("int8"),
        "in_training": ~HIDDEN & ~ABSENT,
    }
)


@pytest.fixture(scope="module")
def draws():
    known = PEOPLE.assign(vote=PEOPLE.vote.where(~ABSENT))
    found = impute_draws(known, ~HIDDEN & ~ABSENT, predict, target="vote", options=OPTIONS, m=4)
    return found.assign(method="baselines/logistic", condition="some", uncertainty="bootstrap")


def estimates(draws, people=PEOPLE):
    table = ESTIMATES.validate(estimate_shares(draws, people, ANSWERS, SPLITS))
    return {method: part.set_index("option") for method, part in table.groupby("method")}


def test_imputed_shares_are_of_everybody_and_observed_ones_of_those_who_are_known(draws):
    found = estimates(draws)
    n = {method: set(part.n_respondents) for method, part in found.items()}
    assert n == {"all answers": {180}, "baselines/complete-cases": {135}, "baselines/logistic": {200}}
    assert set(found["baselines/logistic"].n_imputed) == {65}
    answered = PEOPLE[~ABSENT]
    share = np.average(answered.vote == "SPD", weights=answered.weight)
    assert found["all answers"].estimate["SPD"] == pytest.approx(share)


def test_clusters_and_strata_of_the_survey_are_in_the_standard_errors(draws):
    """Of clusters in which all vote alike, respondents say little more than one of each would."""
    alike = PEOPLE.assign(design_cluster=PEOPLE.vote.astype(str) + (PEOPLE.index % 4).astype(str))
    plain, clustered = estimates(draws), estimates(draws, alike)
    for method in plain:
        assert (clustered[method].std_error > 1.3 * plain[method].std_error).all(), method
    assert (clustered["all answers"].df == 11).all()
    stratified = PEOPLE.assign(design_stratum=PEOPLE.vote.astype(str))
    assert (
        estimates(draws, stratified)["all answers"].std_error < 0.8 * plain["all answers"].std_error
    ).all()


def test_without_draws_there_are_no_rows():
    none = pd.DataFrame(columns=["method", "condition", "uncertainty", "draw", "respondent_id", "answer"])
    assert ESTIMATES.validate(estimate_shares(none, PEOPLE, ANSWERS, SPLITS)).empty
