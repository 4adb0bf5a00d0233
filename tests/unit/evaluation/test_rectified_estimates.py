import numpy as np
import pandas as pd
import pytest

from stimmung.evaluation.estimates.rectified_estimates import (
    design_matrix,
    interview_plans,
    readme,
    rectified_estimates,
)
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.rectify import Regression
from stimmung.vocabulary.votes_schemas import INTERVIEW_PLANS, RECTIFIED
from tests.synthetic_votes import CONDITIONS, make_votes

TWINS = {name: "without-party" if name == "without-party" else "full" for name in CONDITIONS}


@pytest.fixture(scope="module")
def survey():
    """Predictions, splits and respondents; the last 30 of 300 were silent."""
    predictions, splits = make_votes(n=300, n_options=2, conditions=("full", "share-30", "no-democrats"))
    people = predictions.drop_duplicates("respondent_id")[["respondent_id", "weight", "target"]]
    silent = people["respondent_id"].iloc[-30:]
    splits.loc[splits["respondent_id"].isin(silent), ["fold", "in_training"]] = [-1, False]
    splits["fold"], splits["in_training"] = splits["fold"].astype("int8"), splits["in_training"].astype(bool)
    predictions.loc[predictions["respondent_id"].isin(silent), "fold"] = np.int8(-1)
    rng = np.random.default_rng(1)
    respondents = people.rename(columns={"target": "vote"}).assign(
        age=rng.integers(18, 90, 300).astype(float),
        party=pd.Categorical(rng.choice(["red", "none", "blue"], 300), ["red", "none", "blue"]),
    )
    respondents["vote"] = pd.Categorical(respondents["vote"], ["Clinton", "Dole"])
    respondents.loc[respondents["respondent_id"].isin(silent), "vote"] = None
    respondents.loc[respondents.index[:7], "age"] = np.nan
    # In another order than the predictions, as it may come.
    return predictions, splits, respondents.sample(frac=1, random_state=1, ignore_index=True)


def estimated(survey, **more):
    given = {"codes": [1.0, 2.0], "regressions": [Regression(outcome="Dole", on=["age", "party"])], **more}
    how = {"target": "vote", "conditions": CONDITIONS, "twins": TWINS}
    return RECTIFIED.validate(rectified_estimates(*survey, **{**how, **given}))


@pytest.fixture(scope="module")
def estimates(survey):
    return estimated(survey)


def test_every_method_is_rectified_under_every_condition_with_its_prompts(estimates, survey):
    methods = set(survey[0]["method"])
    for _, part in estimates.groupby("condition"):
        assert set(part["method"]) == methods
    one = estimates[(estimates["method"] == "tiny/zero-shot") & (estimates["condition"] == "share-30")]
    assert list(one["term"]) == [
        "Clinton",
        "Dole",
        "vote",
        "(intercept)",
        "age",
        "party: none",
        "party: blue",
    ]


def test_classical_estimates_are_weighted_means_of_the_labelled_whatever_the_method(estimates, survey):
    _, splits, respondents = survey
    trained = splits[(splits["condition"] == "share-30") & splits["in_training"]]["respondent_id"]
    own = respondents[respondents["respondent_id"].isin(trained)]
    share = np.average(own["vote"] == "Dole", weights=own["weight"])
    rows = estimates[(estimates["condition"] == "share-30") & (estimates["term"] == "Dole")]
    np.testing.assert_allclose(rows["classical"], share)
    assert (rows["n_labelled"] == len(own)).all() and (rows["n_predicted"] == 300 - len(own)).all()
    means = estimates[(estimates["condition"] == "share-30") & (estimates["term"] == "vote")]
    np.testing.assert_allclose(means["classical"], 1 + share)


def test_good_predictions_help_those_of_the_majority_do_not_and_none_is_much_longer(estimates):
    shares = estimates[(estimates["model"] == "share") & (estimates["condition"] == "share-30")].set_index(
        "method"
    )
    assert (
        shares.loc["baselines/logistic", "n_effective_low"] > shares.loc["baselines/logistic", "n_labelled"]
    ).all()
    assert shares.loc["baselines/majority", "note"].str.startswith("predictions do not vary").all()
    length = (shares["ci_high"] - shares["ci_low"]) / (shares["classical_high"] - shares["classical_low"])
    assert length.max() < 1.03
    assert shares[["ci_low", "classical_low"]].to_numpy().min() >= 0


def test_who_is_left_out_to_be_tested_is_not_labelled_at_random(survey):
    conditions = {**CONDITIONS, "share-30": {**CONDITIONS["share-30"], "left_out": {"party": ["red"]}}}
    table = estimated(survey, conditions=conditions, regressions=[])
    assert set(table.loc[table["condition"] == "share-30", "selection"]) == {"by group"}


def test_who_is_labelled_is_told_and_a_left_out_group_makes_the_readme_warn(estimates):
    selection = estimates.drop_duplicates("condition").set_index("condition")["selection"]
    assert selection.to_dict() == {
        "full": "by answering",
        "share-30": "by answering",
        "no-democrats": "by group",
    }
    text = readme(estimates, {"full": "all"}, title="T", target="vote", simulated=True)
    assert "Not valid for everybody: no-democrats." in text and "simulated" in text
    for column in RECTIFIED.columns:
        assert f"`{column}`" in text, column


def test_who_lacks_an_item_is_left_out_of_its_regression_and_counted(estimates):
    rows = estimates[(estimates["condition"] == "full") & (estimates["term"] == "age")]
    assert ((rows["n_labelled"] + rows["n_predicted"]) == 293).all()
    assert rows["note"].str.contains("7 of 300 left out").all()


def test_answers_that_no_labelled_respondent_gave_have_no_coefficient_and_are_left_out():
    people = pd.DataFrame({"party": pd.Categorical(["red", "none", "blue", "red"], ["red", "none", "blue"])})
    matrix, names, known = design_matrix(people, ["party"], np.array([True, True, False, False]))
    assert names == ["(intercept)", "party: none"] and list(known) == [True, True, False, True]
    np.testing.assert_array_equal(matrix[:, 1], [0, 1, 0, 0])


def test_seeds_are_averaged_and_predictions_of_other_respondents_refused(survey):
    predictions, splits, respondents = survey
    only = predictions[(predictions["method"] == "tiny/tuned")]
    twice = pd.concat([only, only.assign(seed=25)], ignore_index=True)
    both = [estimated((table, splits, respondents), regressions=[]) for table in (only, twice)]
    pd.testing.assert_frame_equal(*both)
    with pytest.raises(InputError, match="do not have the same respondents"):
        estimated((only, splits, respondents.iloc[1:]))


def test_a_file_holds_under_every_condition_whatever_it_ran_under(survey):
    predictions, splits, respondents = survey
    file = predictions[(predictions["method"] == "tiny/zero-shot")].assign(method="files/gpt")
    found = estimated((file, splits, respondents), regressions=[])
    assert set(found["condition"]) == {"full", "share-30", "no-democrats"}


def test_plans_have_a_row_for_what_varies_and_a_mean_counts_its_codes(estimates):
    plans = interview_plans(estimates, [1.0, 5.0], half_width=0.05, price_interview=20, price_prediction=0.01)
    INTERVIEW_PLANS.validate(plans)
    assert set(plans["model"]) == {"share", "mean"} and "baselines/majority" not in set(plans["method"])
    assert set(plans["half_width"][plans["model"] == "mean"]) == {0.2}
    assert (plans["cost"] <= plans["cost_alone"]).all() and (plans["n_predictions"] > 0).any()
