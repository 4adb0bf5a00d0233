import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from stimmung.evaluation.estimates.rectification import rectify
from stimmung.evaluation.estimates.survey_design import SurveyDesign, share_interval
from stimmung.evaluation.estimates.weighted_fits import fit_linear, fit_logistic
from stimmung.evaluation.votes.predicted_shares import effective_n
from stimmung.vocabulary.errors import InputError


def drawn_sample(seed=3):
    """Three strata of five to seven clusters of two to nine rows, with weights; the clusters are numbered anew in each stratum."""
    rng = np.random.default_rng(seed)
    rows = []
    for stratum, n_clusters in {"a": 5, "b": 6, "c": 7}.items():
        for cluster in range(n_clusters):
            level = rng.normal(scale=0.7)
            rows += [(stratum, f"psu-{cluster}", level + rng.normal()) for _ in range(rng.integers(2, 10))]
    sample = pd.DataFrame(rows, columns=["stratum", "cluster", "y"])
    sample["yes"] = (sample["y"] > 0.3).astype(float)
    return sample.assign(
        weight=rng.uniform(0.3, 3, len(sample)), x=sample["y"] + rng.normal(size=len(sample))
    )


KINDS = {
    "weights": (None, None),
    "strata": ("stratum", None),
    "clusters": (None, "cluster"),
    "both": ("stratum", "cluster"),
}


def estimated(sample, kind, domain=None):
    strata, clusters = (sample[name] if name else None for name in KINDS[kind])
    design = SurveyDesign(sample["weight"].to_numpy(), strata, clusters)
    return design.estimate_means(sample[["y", "yes"]].to_numpy(), domain)


@pytest.mark.skipif(not shutil.which("Rscript"), reason="no Rscript")
def test_means_errors_and_design_effects_are_those_of_r_s_survey_package(tmp_path):
    sample = drawn_sample()
    lonely = sample[(sample["stratum"] != "a") | (sample["cluster"] == "psu-0")]
    sample.to_csv(tmp_path / "sample.csv", index=False)
    lonely.to_csv(tmp_path / "lonely.csv", index=False)
    script = """
    suppressMessages(library(survey)); options(survey.lonely.psu = "adjust", digits = 15)
    said <- function(...) { d <- svydesign(..., weights = ~weight, nest = TRUE); m <- svymean(~y + yes, d, deff = "replace")
      cat(coef(m), SE(m), deff(m), degf(d), "\\n") }
    s <- read.csv("sample.csv"); l <- read.csv("lonely.csv")
    said(ids = ~1, data = s); said(ids = ~1, strata = ~stratum, data = s); said(ids = ~cluster, data = s)
    said(ids = ~cluster, strata = ~stratum, data = s); said(ids = ~cluster, strata = ~stratum, data = l)
    d <- subset(svydesign(~cluster, strata = ~stratum, weights = ~weight, nest = TRUE, data = s), y < 1 & cluster != "psu-2")
    m <- svymean(~y + yes, d); cat(coef(m), SE(m), "\\n")
    d <- svydesign(~cluster, strata = ~stratum, weights = ~weight, nest = TRUE, data = s)
    for (g in list(svyglm(y ~ x, d), svyglm(yes ~ x, d, family = quasibinomial(), epsilon = 1e-14)))
      cat(coef(g), SE(g), g$df.residual, "\\n")
    """
    ran = subprocess.run(["Rscript", "-e", script], cwd=tmp_path, capture_output=True, text=True)
    if "no package called" in ran.stderr:
        pytest.skip("R has no package survey")
    assert ran.returncode == 0, ran.stderr
    lines = [np.array(line.split(), dtype=float) for line in ran.stdout.splitlines() if line.strip()]
    *lines, part, linear, logistic = lines
    for fit, outcome, line in ((fit_linear, "y", linear), (fit_logistic, "yes", logistic)):
        _assert_coefficients(sample, fit, outcome, line)
    chosen = ((sample["y"] < 1) & (sample["cluster"] != "psu-2")).to_numpy()
    of_part = estimated(sample, "both", chosen)
    np.testing.assert_allclose([*of_part.mean, *of_part.standard_error], part, rtol=1e-9)
    ours = [*(estimated(sample, kind) for kind in KINDS), estimated(lonely, "both")]
    for line, own in zip(lines, ours, strict=True):
        found = [*own.mean, *own.standard_error, *own.design_effect]
        np.testing.assert_allclose(found, line[:6], rtol=1e-9)
    # A lonely cluster is a degree of freedom neither there nor here.
    assert [own.df for own in ours] == [int(line[6]) for line in lines]


def _assert_coefficients(sample, fit, outcome, line):
    """What rectification calls the classical estimate, by linearised errors, is svyglm's."""
    matrix = np.stack([np.ones(len(sample)), sample["x"]], axis=1)
    design = SurveyDesign(sample["weight"].to_numpy(), sample["stratum"], sample["cluster"])
    answers, everybody = sample[outcome].to_numpy(), np.ones(len(sample), dtype=bool)
    own = rectify(fit, answers, answers, everybody, design, matrix)
    found = [one.classical for one in own] + [one.classical_error for one in own]
    np.testing.assert_allclose(found, line[:4], rtol=1e-6)
    assert own[0].df == line[4]


def test_equal_weights_without_strata_and_clusters_are_a_simple_random_sample():
    y = np.random.default_rng(1).normal(size=(50, 1))
    found = SurveyDesign(np.full(50, 2.5)).estimate_means(y)
    assert found.standard_error[0] == pytest.approx(y.std(ddof=1) / np.sqrt(50))
    assert found.design_effect[0] == pytest.approx(1)


def test_kish_s_design_effect_is_that_of_the_effective_number_of_respondents():
    weights = np.random.default_rng(1).uniform(0.2, 5, 80)
    assert SurveyDesign(weights).kish_effect == pytest.approx(80 / effective_n(weights))


def test_rows_alike_within_clusters_count_as_often_as_there_are_clusters():
    y = np.repeat([0.0, 1, 1, 0, 1, 0], 10)[:, None]
    clusters = np.repeat(list("uvwxyz"), 10)
    assert SurveyDesign(np.ones(60), None, clusters).estimate_means(y).design_effect[0] > 9


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((np.ones(3), ["a", "b"]), "3 weights, but strata of 2 rows"),
        ((np.ones(3), None, ["a", "b", "c", "d"]), "3 weights, but clusters of 4 rows"),
        ((np.ones(3), None, ["a", None, "c"]), "no value of clusters in 1 of 3 rows"),
        ((np.array([1.0, 0, np.nan]),), "zero, negative or missing in 2 of 3 rows"),
    ],
)
def test_weights_strata_and_clusters_that_are_not_of_the_rows_are_refused(arguments, said):
    with pytest.raises(InputError, match=said):
        SurveyDesign(*arguments)


def test_a_share_s_interval_is_wilsons_and_has_a_length_where_nobody_gave_the_answer():
    assert share_interval(0.3, 200, 1e9) == pytest.approx(
        proportion_confint(60, 200, method="wilson"), abs=1e-6
    )
    low, high = share_interval(0.0, 30, 29)
    assert low == 0 and 0.1 < high < 0.2
    assert share_interval(0.5, 1, 0) == (0, 1)
