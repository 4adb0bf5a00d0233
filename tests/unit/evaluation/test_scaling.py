import numpy as np
import pandas as pd
import pytest

from stimmung.evaluation.votes.calibration import expected_calibration_error
from stimmung.evaluation.votes.scaling import scaled_predictions
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.votes_schemas import CALIBRATED, NO_FOLD, option_columns, options_of
from tests.synthetic_votes import make_votes

KEYS = ["respondent_id", "method", "condition", "seed"]


def overconfident(n=1500, n_options=2, sharpness=3.0, in_training=None):
    """Return predictions whose log-odds are ``sharpness`` times those that the answers were drawn from."""
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(n, n_options)) * 1.2
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    answers = (rng.random(n)[:, None] > true.cumsum(axis=1)).sum(axis=1)
    said = np.exp(sharpness * logits) / np.exp(sharpness * logits).sum(axis=1, keepdims=True)
    options = [f"option {place}" for place in range(n_options)]
    ids = [f"respondent-{number:04d}" for number in range(n)]
    fold = (np.arange(n) % 5).astype("int8")
    predictions = pd.DataFrame(
        {
            **{"respondent_id": ids, "method": "tiny/tuned", "condition": "full", "seed": 24, "fold": fold},
            "target": np.array(options)[answers],
            "weight": 1.0,
            **{f"p_{option}": said[:, place] for place, option in enumerate(options)},
            **{
                "option_mass": rng.uniform(0.9, 1, n),
                "n_tokens": 120,
                "normalization": "none",
                "n_unseen": 0,
            },
        }
    )
    may = np.ones(n, dtype=bool) if in_training is None else in_training
    splits = predictions[["respondent_id", "condition", "fold"]].assign(in_training=may)
    return predictions, splits, true


def error_of(predictions):
    probabilities = predictions[option_columns(predictions)].to_numpy()
    correct = np.array(options_of(predictions))[probabilities.argmax(axis=1)] == predictions["target"]
    return expected_calibration_error(probabilities.max(axis=1), correct.to_numpy())


@pytest.mark.parametrize(
    ("scaling", "n_options"), [("temperature", 2), ("temperature", 8), ("vector", 3), ("isotonic", 2)]
)
def test_overconfident_probabilities_are_calibrated_and_come_near_the_true_ones(scaling, n_options):
    predictions, splits, true = overconfident(n_options=n_options)
    scaled = CALIBRATED.validate(scaled_predictions(predictions, splits, scaling))
    assert error_of(predictions) > 0.1 and error_of(scaled) <= 0.05
    columns = option_columns(predictions)
    before, after = (np.abs(one[columns].to_numpy() - true).mean() for one in (predictions, scaled))
    assert after < before / 2
    assert set(scaled["scaling"]) == {scaling}


def test_the_temperature_is_the_one_that_the_probabilities_were_sharpened_by():
    predictions, splits, _ = overconfident(n=4000)
    scaled = scaled_predictions(predictions, splits, "temperature")
    odds = [np.log(one["p_option 0"] / one["p_option 1"]) for one in (predictions, scaled)]
    assert (odds[0] / odds[1]).to_numpy() == pytest.approx(3, rel=0.15)


def test_nobody_is_scaled_by_their_own_fold_nor_by_whom_the_condition_excludes():
    excluded = np.arange(1500) % 3 == 0
    predictions, splits, _ = overconfident(in_training=~excluded)
    scaled = scaled_predictions(predictions, splits, "temperature").set_index("respondent_id")
    turned = predictions.copy()
    mine = (turned["fold"] == 2) | excluded
    turned.loc[mine, "target"] = turned.loc[mine, "target"].map(
        {"option 0": "option 1", "option 1": "option 0"}
    )
    again = scaled_predictions(turned, splits, "temperature").set_index("respondent_id")
    columns = option_columns(predictions)
    of_fold = predictions.set_index("respondent_id")["fold"] == 2
    assert (again.loc[of_fold, columns] == scaled.loc[of_fold, columns]).all(axis=None)
    assert not np.allclose(again.loc[~of_fold, columns], scaled.loc[~of_fold, columns])
    assert set(scaled.loc[of_fold, "calibrated_on"]) == {"800 respondents of folds 0, 1, 3, 4"}
    assert set(scaled.loc[of_fold, "n_calibrated_on"]) == {800}


def test_who_has_no_fold_is_scaled_by_all_folds_and_what_is_no_probability_stays():
    predictions, splits, _ = overconfident(n=300)
    unanswered = predictions["respondent_id"] < "respondent-0030"
    for table in (predictions, splits):
        table.loc[unanswered, "fold"] = NO_FOLD
    predictions["target"] = predictions["target"].where(~unanswered)
    splits["in_training"] = ~unanswered
    scaled = scaled_predictions(predictions, splits, "temperature")
    assert set(scaled["calibrated_on"][unanswered]) == {"270 respondents of folds 0, 1, 2, 3, 4"}
    others = [name for name in predictions if not name.startswith("p_")]
    pd.testing.assert_frame_equal(scaled[others], predictions[others])
    assert not np.allclose(scaled["p_option 0"][unanswered], predictions["p_option 0"][unanswered])


def test_survey_weights_count_and_their_scale_does_not():
    predictions, splits, _ = overconfident(n=400)
    weighted = predictions.assign(weight=np.where(predictions["target"] == "option 0", 5.0, 1.0))
    scaled = [
        scaled_predictions(one, splits, "vector")["p_option 0"].mean()
        for one in (predictions, weighted, weighted.assign(weight=weighted["weight"] * 1000))
    ]
    assert scaled[1] > scaled[0] + 0.1
    assert scaled[2] == pytest.approx(scaled[1], abs=1e-6)


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({"option 1": "option 0"}, "nothing: of 240 respondents to learn from, none chose option 1"),
        ({}, "nothing: 16 respondents to learn from, temperature needs 20"),
    ],
)
def test_where_nothing_can_be_learned_probabilities_stay_and_the_table_says_why(answers, why):
    predictions, splits, _ = overconfident(n=300, in_training=np.arange(300) < (300 if answers else 20))
    predictions["target"] = predictions["target"].replace(answers)
    scaled = scaled_predictions(predictions, splits, "temperature")
    assert set(scaled["calibrated_on"]) == {why}
    assert set(scaled["scaling"]) == {"none"} and set(scaled["n_calibrated_on"]) == {0}
    columns = option_columns(predictions)
    np.testing.assert_allclose(scaled[columns], predictions[columns], rtol=1e-12)


def test_every_method_condition_and_seed_has_a_fit_of_its_own():
    predictions, splits = make_votes(n=200, n_options=8, seeds=(24, 99), conditions=("full", "without-party"))
    predictions["n_unseen"] = 0
    scaled = scaled_predictions(predictions, splits, "temperature")
    for _, run in predictions.groupby(["method", "condition", "seed"]):
        alone = scaled_predictions(run, splits, "temperature")
        pd.testing.assert_frame_equal(scaled.loc[run.index], alone)


def test_a_certain_and_wrong_prediction_and_separable_answers_give_finite_probabilities():
    predictions, splits, _ = overconfident(n=200)
    right = (predictions["target"] == "option 0").astype(float)
    for said in (right, 1 - right):
        certain = predictions.assign(**{"p_option 0": said, "p_option 1": 1 - said})
        for scaling in ("temperature", "vector"):
            scaled = CALIBRATED.validate(scaled_predictions(certain, splits, scaling))
            assert np.isfinite(scaled["p_option 0"]).all()


def test_who_was_shown_no_option_has_nothing_to_be_scaled():
    predictions, splits, _ = overconfident(n=300)
    hidden = np.arange(300) < 50
    predictions.loc[hidden, ["p_option 0", "p_option 1"]] = 0.5
    predictions.loc[hidden, "n_unseen"] = 2
    scaled = scaled_predictions(predictions, splits, "vector")
    assert (scaled["p_option 0"][hidden] == 0.5).all()
    assert set(scaled["n_calibrated_on"]) == {200}


def test_isotonic_is_for_two_options_and_unknown_scalings_and_other_splits_are_refused():
    predictions, splits, _ = overconfident(n=60, n_options=3)
    with pytest.raises(InputError, match="isotonic is for two answer options, and there are 3"):
        scaled_predictions(predictions, splits, "isotonic")
    with pytest.raises(InputError, match="no 'temprature' \\(did you mean 'temperature'"):
        scaled_predictions(predictions, splits, "temprature")
    with pytest.raises(InputError, match="the splits lack respondents that are predicted under full"):
        scaled_predictions(predictions, splits.iloc[1:], "temperature")
