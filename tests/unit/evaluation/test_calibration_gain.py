import numpy as np
import pandas as pd
import pytest

from stimmung.evaluation.votes.calibration_gain import compare_calibration
from stimmung.evaluation.votes.scaling import scaled_predictions
from stimmung.evaluation.votes.vote_metrics import VOTE_METRICS, Fold
from stimmung.vocabulary.votes_schemas import CALIBRATION_GAIN, option_columns, options_of
from tests.synthetic_votes import make_votes
from tests.unit.evaluation.test_scaling import overconfident


def gain_of(predictions, splits, subgroups=None, scaling="temperature", **more):
    scaled = scaled_predictions(predictions, splits, scaling)
    return CALIBRATION_GAIN.validate(compare_calibration(predictions, scaled, subgroups or {}, **more))


def whole(gain):
    return gain[gain["subgroup"].isna() & gain["option"].isna()].set_index("metric")


@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_before_are_those_of_the_report_over_all_rows(weighted):
    predictions, splits = make_votes(n=200, n_options=8, conditions=("full",))
    gain = gain_of(predictions, splits, weighted=weighted)
    for method, run in predictions.groupby("method"):
        probabilities = run[option_columns(run)].to_numpy()
        weights = run["weight"].to_numpy()
        fold = Fold(
            target=pd.Index(options_of(run)).get_indexer(pd.Index(run["target"])),
            probabilities=probabilities / probabilities.sum(axis=1, keepdims=True),
            survey_weights=weights,
            weights=weights if weighted else None,
            option_mass=run["option_mass"].to_numpy(),
            n_unseen=np.zeros(len(run), int),
        )
        mine = whole(gain[gain["method"] == method])["before"]
        for metric in ("expected_calibration_error", "log_loss", "brier"):
            assert mine[metric] == pytest.approx(VOTE_METRICS[metric].compute(fold)), (method, metric)


def test_scaling_repairs_overconfidence_and_the_slope_says_by_how_much():
    predictions, splits, _ = overconfident(n=1500, n_options=3)
    gain = whole(gain_of(predictions, splits))
    assert gain["before"]["slope"] == pytest.approx(1 / 3, rel=0.15)
    assert gain["after_low"]["slope"] < 1 < gain["after_high"]["slope"]
    for metric in ("expected_calibration_error", "log_loss", "brier"):
        assert gain["change_high"][metric] < 0, metric
    assert set(gain["calibrated_on"]) == {"temperature, 1200 respondents of the other folds"}


def test_the_slope_of_an_option_is_that_of_a_logistic_regression():
    from statsmodels.api import Logit, add_constant

    predictions, splits, _ = overconfident(n=600, n_options=3)
    gain = gain_of(predictions, splits)
    for option in options_of(predictions):
        said = predictions[f"p_{option}"]
        model = Logit(predictions["target"] == option, add_constant(np.log(said / (1 - said))))
        fitted = model.fit(disp=0, cov_type="HC0")
        own = gain[(gain["option"] == option) & (gain["metric"] == "slope")].iloc[0]
        assert own["before"] == pytest.approx(fitted.params.iloc[1], rel=1e-5)
        # As long as that of a sandwich, within the noise of the resamples.
        length = own["before_high"] - own["before_low"]
        assert length == pytest.approx(2 * 1.96 * fitted.bse.iloc[1], rel=0.25)


def test_a_subgroup_has_its_own_errors_and_of_two_options_one_says_all():
    predictions, splits, _ = overconfident(n=800)
    ids = list(predictions["respondent_id"])
    first = pd.Series(predictions["respondent_id"].isin(ids[:300]).to_numpy(), index=predictions.index)
    sure = predictions.assign(
        **{name: predictions[name].where(~first, 0.5) for name in option_columns(predictions)}
    )
    gain = gain_of(sure, splits, {"unsure": ids[:300], "others": ids[300:]})
    before = gain[gain["metric"] == "log_loss"].set_index(["subgroup", "option"])["before"]
    assert before["unsure", np.nan] == pytest.approx(np.log(2))
    assert before["others", np.nan] > before["unsure", np.nan]
    assert set(gain["option"].dropna()) == {"option 0"}
    assert gain.set_index("subgroup").loc["unsure", "n_respondents"].unique().tolist() == [300]


def test_intervals_of_errors_hold_what_they_are_of_and_where_nothing_was_scaled_nothing_changed():
    predictions, splits = make_votes(n=200, conditions=("full",))
    gain = gain_of(predictions, splits, scaling="none")
    np.testing.assert_allclose(gain["change"].dropna(), 0, atol=1e-12)
    known = gain.dropna(subset=["before", "before_low"])
    assert ((known["before_low"] <= known["before"]) & (known["before"] <= known["before_high"])).all()
    assert set(gain["calibrated_on"]) == {"nothing: not asked for"}


def test_several_seeds_do_not_shorten_the_intervals():
    predictions, splits = make_votes(n=200, conditions=("full",))
    again = pd.concat([predictions, predictions.assign(seed=99)], ignore_index=True)
    one, two = (gain_of(table, splits) for table in (predictions, again))
    for column in ("before", "before_low", "after_high"):
        np.testing.assert_allclose(one[column], two[column], rtol=1e-6)


def test_the_interval_of_a_calibrated_model_s_error_begins_at_zero_and_of_another_s_does_not():
    predictions, splits, true = overconfident(n=900, n_options=3)
    calibrated = predictions.assign(**dict(zip(option_columns(predictions), true.T, strict=True)))
    gain = whole(gain_of(calibrated, splits, scaling="none"))
    assert gain["before"]["expected_calibration_error"] > 0.01
    assert gain["before_low"]["expected_calibration_error"] == 0
    assert whole(gain_of(predictions, splits))["before_low"]["expected_calibration_error"] > 0.1
