import warnings
from pathlib import Path

import numpy as np
import pytest

from benchmarks.rectification import (
    coefficient_draws,
    cross_predicted_draws,
    ess_item,
    rectified_draws,
    simulated_draws,
    summary,
)
from stimmung.evaluation.estimates.rectification import FEWEST_TO_TUNE, rectify, with_share_intervals
from stimmung.evaluation.estimates.survey_design import SurveyDesign
from stimmung.evaluation.estimates.weighted_fits import fit_linear, fit_logistic, fit_mean

ESS = Path(__file__).parents[4] / "shared/data/ess11-de"


def drawn(n=600, n_labelled=150, skill=0.8, seed=2):
    """Return answers that depend on an item, predictions of them, who is labelled, and a design matrix."""
    rng = np.random.default_rng(seed)
    item = rng.normal(size=n)
    answers = 0.5 * item + rng.normal(size=n)
    predicted = 0.4 + skill * answers + rng.normal(scale=0.6, size=n)
    return answers, predicted, np.arange(n) < n_labelled, np.stack([np.ones(n), item], axis=1)


@pytest.fixture
def ppi(monkeypatch):
    """The library of PPI++'s authors. Its import turns off all warnings; to compile it takes longer than these tests."""
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    with warnings.catch_warnings():
        yield pytest.importorskip("ppi_py")


def test_means_and_least_squares_are_those_of_ppi_py(ppi):
    answers, predicted, labelled, matrix = drawn()
    y, f, g = answers[labelled], predicted[labelled], predicted[~labelled]
    design = SurveyDesign(np.ones(len(answers)))
    own = rectify(fit_mean, answers, predicted, labelled, design)[0]
    assert own.estimate == pytest.approx(ppi.ppi_mean_pointestimate(y, f, g, lam=own.power)[0], rel=1e-12)
    low, high = (end[0] for end in ppi.ppi_mean_ci(y, f, g, alpha=0.05, lam=own.power))
    # The same interval but for Student's t and the degrees of freedom; the power is tuned on the pooled predictions there.
    assert (own.high - own.low) / (high - low) == pytest.approx(1, abs=0.02) and own.high > high
    assert abs(ppi.ppi_mean_pointestimate(y, f, g)[0] - own.estimate) < 0.05 * own.error
    slopes = rectify(fit_linear, answers, predicted, labelled, design, matrix)
    for place, one in enumerate(slopes):
        tables = matrix[labelled], y, f, matrix[~labelled], g
        assert one.estimate == pytest.approx(
            ppi.ppi_ols_pointestimate(*tables, lam=one.power)[place], rel=1e-9
        )
        low, high = (end[place] for end in ppi.ppi_ols_ci(*tables, alpha=0.05, lam=one.power))
        assert (one.high - one.low) / (high - low) == pytest.approx(1, abs=0.03)


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of scikit-learn, about that library
def test_logistic_regression_agrees_with_ppi_py_within_a_fraction_of_its_error(ppi):
    scores, latent, labelled, matrix = drawn(n=1500, n_labelled=500)
    answers, predicted = (scores > 0).astype(float), (latent > 0.4).astype(float)
    tables = matrix[labelled], answers[labelled], predicted[labelled], matrix[~labelled], predicted[~labelled]
    for place, one in enumerate(
        rectify(fit_logistic, answers, predicted, labelled, SurveyDesign(np.ones(1500)), matrix)
    ):
        other = ppi.ppi_logistic_pointestimate(*tables, coord=place)[place]
        low, high = (end[place] for end in ppi.ppi_logistic_ci(*tables, alpha=0.05, coord=place))
        assert abs(one.estimate - other) < 0.25 * one.error
        assert (one.high - one.low) / (high - low) == pytest.approx(1, abs=0.08)


def test_without_predictions_it_is_the_classical_regression_with_robust_errors():
    import statsmodels.api as sm

    scores, predicted, _, matrix = drawn()
    answers = (scores > 0).astype(float)
    weights = np.random.default_rng(1).uniform(0.5, 2, len(answers))
    everybody = np.ones(len(answers), dtype=bool)
    for fit, family in ((fit_linear, sm.families.Gaussian()), (fit_logistic, sm.families.Binomial())):
        own = rectify(fit, answers, predicted, everybody, SurveyDesign(weights), matrix)
        theirs = sm.GLM(answers, matrix, family=family, var_weights=weights).fit(cov_type="HC0")
        np.testing.assert_allclose([one.classical for one in own], theirs.params, rtol=1e-8)
        errors = theirs.bse * np.sqrt(len(answers) / (len(answers) - 1))
        np.testing.assert_allclose([one.classical_error for one in own], errors, rtol=1e-5)
        assert all(one.note == "nobody is left to predict" and one.estimate == one.classical for one in own)


@pytest.mark.parametrize("n", [2, 3, 9, 10, 40])
@pytest.mark.parametrize("skill", ["useless", "weak", "good", "perfect"])
def test_intervals_cover_and_are_never_much_longer_than_classical_ones(n, skill):
    """Variance of zero, perfect predictors of two respondents and the tuning's own noise: glide #289 and its kind."""
    skills = {"useless": 0.0, "weak": 0.3, "good": 0.7, "perfect": 1.0}
    found, truth = simulated_draws("normal", skills[skill], n, 200, draws=300, seed=4)
    told = summary(found, truth)
    assert told["length_ratio"] < 1.02
    # .95 but for the error of 300 draws.
    assert told["coverage"] > 0.91
    if skill == "perfect" and n > FEWEST_TO_TUNE:
        assert told["length_ratio"] < 0.5


def test_a_gain_has_an_interval_that_covers_it_and_a_gain_of_none_is_said():
    useless, _ = simulated_draws("normal", 0.0, 60, 200, draws=100, seed=1)
    assert sum("no gain" in one.note for one in useless) > 90
    assert np.mean([one.gain_low <= 1 <= one.gain_high for one in useless]) > 0.91
    good, _ = simulated_draws("normal", 0.7, 200, 2000, draws=150, seed=1)
    gain = 1 / (1 - 0.49 * 2000 / 2200)
    assert np.mean([one.gain_low <= gain <= one.gain_high for one in good]) > 0.91
    assert not any(one.note for one in good)
    few, _ = simulated_draws("normal", 0.7, 20, 200, draws=5, seed=1)
    assert all(np.isnan(one.gain_low) and ("too few" in one.note or one.gain <= 1) for one in few)


@pytest.mark.parametrize("own_fold", [False, True])
def test_intervals_cover_with_predictions_that_are_fitted_on_the_labelled_of_other_folds(own_fold):
    found = cross_predicted_draws(60, 300, own_fold, draws=250, seed=2)
    told = summary(found, 0.0)
    assert told["coverage"] > 0.91 and told["length_ratio"] < 0.95


def test_intervals_of_a_coefficient_cover_though_predictions_are_biased_by_the_item():
    told = summary(coefficient_draws("linear", 100, 500, draws=250, seed=3), 0.5)
    assert told["coverage"] > 0.91 and told["length_ratio"] < 0.95


@pytest.mark.parametrize("constant", [0.0, 0.25])
def test_predictions_that_do_not_vary_leave_the_classical_estimate(constant):
    answers, _, labelled, _ = drawn()
    one = rectify(fit_mean, answers, np.full(len(answers), constant), labelled, SurveyDesign(np.ones(600)))[0]
    assert one.note == "predictions do not vary" and one.power == 0 and one.gain == 1
    assert (one.estimate, one.low, one.high) == (one.classical, one.classical_low, one.classical_high)


def test_answers_that_do_not_vary_give_no_error_and_a_share_still_an_interval():
    _, predicted, labelled, _ = drawn()
    design = SurveyDesign(np.ones(600))
    one = rectify(fit_mean, np.zeros(600), predicted, labelled, design)[0]
    assert one.error == 0 and one.power == 0 and one.note == "the answers of the labelled do not vary"
    bounded = with_share_intervals(one, design.rows(labelled))
    assert bounded.low == 0 and 0.01 < bounded.high < 0.05
    assert (bounded.low, bounded.high) == (bounded.classical_low, bounded.classical_high)


@pytest.mark.parametrize("shared", [False, True], ids=["clusters apart", "clusters shared"])
def test_with_clusters_intervals_cover_and_predictions_help(shared):
    """An inverted ratio in the clustered power would lose the gain (glide #256), rows taken for independent the coverage."""
    rng = np.random.default_rng(8)
    cluster = np.repeat(np.arange(90), 6)
    labelled = np.tile([True, False, False], 180) if shared else cluster < 30
    found, rows_alone = [], []
    for _ in range(250):
        level = rng.normal(size=90)[cluster]
        answers = level + rng.normal(size=540)
        predicted = level + 0.7 * answers + rng.normal(size=540)
        found += rectify(fit_mean, answers, predicted, labelled, SurveyDesign(np.ones(540), None, cluster))
        rows_alone += rectify(fit_mean, answers, predicted, labelled, SurveyDesign(np.ones(540)))
    told, naive = summary(found, 0.0), summary(rows_alone, 0.0)
    assert told["coverage"] > 0.91 and told["length_ratio"] < (1.0 if shared else 0.75)
    assert naive["coverage"] < 0.85


def test_weights_are_those_of_the_estimate_and_whole_groups_may_weigh_more():
    """The labelled of a group are fewer and weigh more: unweighted, the estimate would be off by half."""
    rng = np.random.default_rng(5)
    found = []
    for _ in range(200):
        group = np.arange(800) % 2
        answers = group + rng.normal(size=800)
        labelled = rng.random(800) < np.where(group == 1, 0.1, 0.4)
        weights = np.where(labelled, np.where(group == 1, 4.0, 1.0), 1.0)
        weights[~labelled] = np.where(group[~labelled] == 1, 1 / 0.9, 1 / 0.6)
        found += rectify(fit_mean, answers, answers + rng.normal(size=800), labelled, SurveyDesign(weights))
    told = summary(found, 0.5)
    assert told["coverage"] > 0.91 and told["length_ratio"] < 0.9


@pytest.mark.parametrize("fit", [fit_linear, fit_logistic])
def test_items_that_determine_nothing_are_a_note_and_no_number(fit):
    answers, predicted, labelled, matrix = drawn()
    matrix[:, 1] = 1
    found = rectify(fit, (answers > 0) * 1.0, predicted, labelled, SurveyDesign(np.ones(600)), matrix)
    assert all(np.isnan(one.estimate) and "too few rows" in one.note for one in found)


def test_predictions_that_the_items_separate_do_not_count():
    scores, _, labelled, matrix = drawn()
    predicted = (matrix[:, 1] > 0).astype(float)
    found = rectify(fit_logistic, (scores > 0) * 1.0, predicted, labelled, SurveyDesign(np.ones(600)), matrix)
    assert all(one.note == "predictions: the items separate the answers" for one in found)
    assert all(one.estimate == one.classical and np.isfinite(one.low) for one in found)


@pytest.mark.skipif(not ESS.is_dir(), reason="../shared/data/ess11-de is absent")
@pytest.mark.parametrize(
    ("item", "ratio", "more"), [("trstprt", 0.617, 1.61), ("lrscale", 0.96, 0.08), ("rlgdgr", 0.99, 0.02)]
)
def test_predictions_of_gpt_5_nano_add_to_the_ess_what_was_published(item, ratio, more):
    """All 24 items: benchmarks/rectification.py."""
    answers, predicted = ess_item(ESS, item)
    told = summary(rectified_draws(answers, predicted, 200, draws=60, seed=1), float(answers.mean()))
    assert told["error_ratio"] == pytest.approx(ratio, abs=0.02)
    assert told["more_respondents"] == pytest.approx(more, abs=0.12)
