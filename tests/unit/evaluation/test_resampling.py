import numpy as np
import pandas as pd
import pytest

from stimmung.evaluation.estimates.survey_design import SurveyDesign
from stimmung.evaluation.votes.resampling import bias_corrected_interval, resample


def test_resamples_vary_as_the_survey_s_design_says():
    """Strata of two clusters each, whose rows stand in different folds: a mean's error is that of linearisation."""
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(40), 5)
    values = rng.normal(size=40)[cluster] + (cluster // 2) / 5 + rng.normal(size=200)
    ids = [f"r{row:03d}" for row in range(200)]
    tested = pd.DataFrame({"respondent_id": ids, "fold": np.arange(200) % 5})
    design = pd.DataFrame({"stratum": (cluster // 2).astype(str), "cluster": cluster.astype(str)}, ids)
    counts = resample(tested, design, 2000, rng)
    assert (counts[0] == 1).all()
    assert (counts.reshape(-1, 40, 5) == counts.reshape(-1, 40, 5)[:, :, :1]).all(), "clusters stay whole"
    error = (counts[1:] @ values / counts[1:].sum(axis=1)).std()
    right = SurveyDesign(np.ones(200), design["stratum"], design["cluster"]).estimate_means(values[:, None])
    assert error == pytest.approx(right.standard_error[0], rel=0.06)


def test_without_strata_clusters_are_drawn_within_folds_and_a_stratum_of_one_cluster_joins_the_others():
    tested = pd.DataFrame({"respondent_id": list("abcdefgh"), "fold": np.repeat([0, 1], 4)})
    groups = pd.DataFrame({"cluster": list("ssttuuvv")}, list("abcdefgh"))
    counts = resample(tested, groups, 50, np.random.default_rng(0))
    assert (counts[:, :4].sum(axis=1) == 4).all() and len(np.unique(counts[:, 0])) > 1
    alone = groups.assign(stratum=list("11112233"))  # of the four clusters, u and v are alone in their strata
    counts = resample(tested, alone, 50, np.random.default_rng(0))
    assert (counts[:, 4:].sum(axis=1) == 4).all() and len(np.unique(counts[:, 4])) > 1


def test_an_interval_reaches_as_far_as_the_resamples_of_a_variance_that_cannot_rise():
    """Of two shares near one half, 1 - p^2 - q^2 only falls: the normal interval would end just above what it is in the sample."""
    shares = np.append(0.51, np.random.default_rng(0).normal(0.51, 0.02, 400))
    low, high = bias_corrected_interval(2 * shares * (1 - shares), (0.0, 1.0))
    furthest = np.quantile(np.abs(2 * shares * (1 - shares) - 0.4998), 0.95)
    assert low <= 0.4998 - furthest + 1e-4 and high >= 0.5
    undefined = np.where(np.arange(401) % 5 == 1, np.nan, shares)
    assert np.isnan(bias_corrected_interval(undefined, (0.0, 1.0))).all()
