import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from stimmung.evaluation.estimates.multiple_imputation import impute_draws, stacked_data
from stimmung.evaluation.estimates.pooled_estimates import pooled_means, pooled_regression, pooled_shares
from stimmung.vocabulary.errors import InputError
from tests.stacked_votes import OPTIONS, make_respondents, predict

IN_R = """
suppressMessages({library(mitools); library(mice); library(survey)})
long <- read.csv("stacked.csv", check.names = FALSE, na.strings = "", stringsAsFactors = TRUE,
                 colClasses = c(respondent_id = "character"))
stopifnot(substr(long$respondent_id[1], 1, 2) == "00")
imputed <- subset(long, .imp > 0)
copies <- imputationList(split(imputed, imputed$.imp))
write.table(format(rbind(
  local({found <- MIcombine(with(svydesign(ids = ~1, weights = ~weight, data = copies), svymean(~vote)))
    cbind(coef(found), sqrt(diag(vcov(found))))}),
  local({found <- MIcombine(with(svydesign(ids = ~cluster, weights = ~weight, data = copies), svymean(~vote)))
    cbind(coef(found), sqrt(diag(vcov(found))))}),
  local({found <- MIcombine(with(svydesign(ids = ~1, weights = ~weight, data = copies), svyglm(age ~ vote + sex)))
    cbind(coef(found), sqrt(diag(vcov(found))))}),
  local({found <- MIcombine(with(svydesign(ids = ~1, weights = ~weight, data = copies),
    svyglm(sex ~ vote + age, family = quasibinomial, epsilon = 1e-12)))
    cbind(coef(found), sqrt(diag(vcov(found))))})), digits = 15), "mitools.txt", quote = FALSE, col.names = FALSE,
    row.names = FALSE)
mids <- as.mids(long, .id = "respondent_id")
multinomial <- summary(pool(with(mids, nnet::multinom(vote ~ age + sex, trace = FALSE, reltol = 1e-14, maxit = 1000)),
  dfcom = 294))
linear <- summary(pool(with(mids, lm(age ~ vote + sex))))
shown <- c("estimate", "std.error", "df")
write.table(format(rbind(multinomial[, shown], linear[, shown]), digits = 15), "mice.txt", quote = FALSE,
  col.names = FALSE, row.names = FALSE)
"""


@pytest.fixture(scope="module")
def stacked():
    respondents = make_respondents(300, seed=1)
    donors = np.random.default_rng(2).random(300) < 0.7
    draws = impute_draws(respondents, donors, predict, target="vote", options=OPTIONS, m=5, seed=3)
    found = stacked_data(respondents, draws, target="vote")
    return found.assign(cluster=found.respondent_id.str[-2:])


@pytest.fixture(scope="module")
def in_r(stacked, tmp_path_factory):
    if shutil.which("Rscript") is None:
        pytest.skip("R is not installed")
    folder = tmp_path_factory.mktemp("r")
    found = subprocess.run(
        [
            "Rscript",
            "-e",
            "for (name in c('mitools', 'mice', 'survey', 'nnet')) library(name, character.only = TRUE)",
        ],
        capture_output=True,
    )
    if found.returncode:
        pytest.skip("R lacks mitools, mice, survey or nnet")
    stacked.to_csv(folder / "stacked.csv", index=False)
    (folder / "pooled.R").write_text(IN_R, encoding="utf-8")
    done = subprocess.run(["Rscript", "pooled.R"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {name: np.loadtxt(folder / f"{name}.txt") for name in ("mitools", "mice")}


def test_weighted_shares_and_regressions_are_those_of_r_s_mitools(stacked, in_r):
    by_weight = {"weight": "weight"}
    ours = [
        pooled_shares(stacked, "vote"),
        pooled_shares(stacked, "vote", cluster="cluster"),
        pooled_regression(stacked, "age", ["vote", "sex"], family="linear", **by_weight),
        pooled_regression(stacked, "sex", ["vote", "age"], family="logistic", **by_weight),
    ]
    found = pd.concat(ours)[["estimate", "std_error"]].to_numpy()
    np.testing.assert_allclose(found, in_r["mitools"], atol=1e-6)


def test_multinomial_and_linear_regressions_are_those_of_r_s_mice_with_its_degrees_of_freedom(stacked, in_r):
    ours = [
        pooled_regression(stacked, "vote", ["age", "sex"], family="multinomial"),
        pooled_regression(stacked, "age", ["vote", "sex"], family="linear"),
    ]
    found = pd.concat(ours)[["estimate", "std_error", "df"]].to_numpy()
    np.testing.assert_allclose(found[:, :2], in_r["mice"][:, :2], atol=1e-4)
    np.testing.assert_allclose(found[:, 2], in_r["mice"][:, 2], rtol=1e-3)


def test_a_pooled_multinomial_model_keeps_the_option_of_each_coefficient(stacked):
    """R's mice lost them (issues 687 and 708), so that coefficients of different options could not be told apart."""
    found = pooled_regression(stacked, "vote", ["age", "sex"], family="multinomial")
    assert list(zip(found.outcome, found.term, strict=True)) == [
        (option, term) for option in OPTIONS[1:] for term in ("(Intercept)", "age", "sex=male")
    ]


def test_an_option_that_only_some_imputations_have_is_refused_and_one_that_none_has_is_told(stacked, capsys):
    rare = stacked.assign(vote=stacked.vote.cat.add_categories(["FDP", "Linke"]))
    rare.loc[(rare[".imp"] == 2) & (rare.respondent_id == "000000"), "vote"] = "FDP"
    with pytest.raises(InputError, match="'FDP' is in 1 of 5 imputations"):
        pooled_regression(rare, "vote", ["age"], family="multinomial")
    with pytest.raises(InputError, match="'FDP' is in 1 of 5 imputations"):
        pooled_regression(rare, "age", ["vote"], family="linear")
    assert "Linke" in capsys.readouterr().err


def test_shares_of_an_option_that_nobody_chose_are_not_certain(stacked):
    """Rubin's interval of it is [0, 0]."""
    found = pooled_shares(stacked.assign(vote=stacked.vote.cat.add_categories(["FDP"])), "vote").set_index(
        "option"
    )
    assert found.estimate["FDP"] == 0 and found.ci_low["FDP"] == 0 and 0.01 < found.ci_high["FDP"] < 0.03
    assert found.estimate.sum() == pytest.approx(1)


def test_means_are_shares_of_scores(stacked):
    ordered = stacked.assign(sex=stacked.sex.cat.as_ordered())
    means = pooled_means(ordered, ["age", "sex"]).set_index("item")
    share = pooled_shares(stacked, "sex").set_index("option")
    assert means.estimate["sex"] == pytest.approx(1 + share.estimate["male"])
    assert means.std_error["sex"] == pytest.approx(share.std_error["male"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"weight": "wieght"}, "no column of weights 'wieght' .did you mean 'weight'"),
        ({"family": "logistic"}, "'vote' has 3 answers"),
        ({"family": "linear"}, "cannot be 'vote', which has options"),
        ({"predictors": ["aeg"]}, "no column 'aeg' .did you mean 'age'"),
        ({"predictors": ["age", "age"]}, "no finite coefficients"),
    ],
)
def test_what_cannot_be_fitted_is_said_in_one_line(stacked, changes, said):
    with pytest.raises(InputError, match=said):
        pooled_regression(stacked, "vote", **{"predictors": ["age"], "family": "multinomial", **changes})


def test_a_weight_that_is_missing_is_refused(stacked):
    with pytest.raises(InputError, match="zero, negative or missing in 1 of 300"):
        pooled_shares(stacked.assign(weight=stacked.weight.mask(stacked.index == 310)), "vote")


def test_who_lacks_a_predictor_is_left_out_and_counted(stacked):
    gap = stacked.assign(age=stacked.age.mask(stacked.respondent_id == "000007"))
    assert set(pooled_regression(gap, "vote", ["age"], family="multinomial").n_respondents) == {299}
