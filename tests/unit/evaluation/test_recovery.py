import numpy as np
import pandas as pd
import pytest
from scipy import stats

from stimmung.evaluation.series.recovery import measure_recovery
from stimmung.vocabulary.moods_schemas import RECOVERY
from tests.weekly_tables import autoregression, posts_table, week_labels

OPTIONS = ("Bored", "Happy", "Sad")


def recovered(noise, n_weeks=20, **more):
    truth, _ = autoregression([0.7], (len(OPTIONS), n_weeks), 1)
    found = truth + noise * np.random.default_rng(2).standard_normal(truth.shape)
    weeks = week_labels(n_weeks)
    known = posts_table(truth, OPTIONS, weeks)
    table = measure_recovery(posts_table(found, OPTIONS, weeks), known, **more)
    RECOVERY.validate(table)
    return table, found, truth


def test_r_and_rho_are_those_of_scipy_and_the_first_row_is_their_mean():
    table, found, truth = recovered(0.5)
    assert list(table["option"].fillna("mean")) == ["mean", *OPTIONS]
    r = [stats.pearsonr(x, y).statistic for x, y in zip(found, truth, strict=True)]
    rho = [stats.spearmanr(x, y).statistic for x, y in zip(found, truth, strict=True)]
    assert table["r"].to_numpy() == pytest.approx([np.mean(r), *r])
    assert table["rho"].to_numpy() == pytest.approx([np.mean(rho), *rho])


def test_the_interval_holds_the_estimate_and_is_longer_with_noise():
    lengths = []
    for noise in (0.1, 1.0):
        mean = recovered(noise)[0].iloc[0]
        assert mean["ci_low"] <= mean["r"] <= mean["ci_high"]
        lengths.append(mean["ci_high"] - mean["ci_low"])
    assert lengths[1] > 3 * lengths[0]


def test_the_mean_over_options_knows_that_options_share_their_weeks():
    """Three copies of one option say no more than one of them."""
    series, _ = autoregression([0.7], (1, 20), 1)
    found = series + np.random.default_rng(2).standard_normal(series.shape)
    weeks = week_labels(20)
    tables = [
        measure_recovery(
            posts_table(np.repeat(found, n, axis=0), OPTIONS[:n], weeks),
            posts_table(np.repeat(series, n, axis=0), OPTIONS[:n], weeks),
        )
        for n in (1, 3)
    ]
    for side in ("r", "ci_low", "ci_high"):
        assert tables[0][side][0] == pytest.approx(tables[1][side][0])


def test_a_constant_series_recovers_nothing_and_counts_in_the_mean():
    weeks = week_labels(12)
    truth, _ = autoregression([0.7], (2, 12), 1)
    found = truth.copy()
    found[0] = 0.25
    table = measure_recovery(posts_table(found, OPTIONS[:2], weeks), posts_table(truth, OPTIONS[:2], weeks))
    assert table["r"].to_numpy() == pytest.approx([0.5, 0, 1])
    assert table["rho"].to_numpy() == pytest.approx([0.5, 0, 1])


def test_mixed_weeks_do_not_follow_each_other():
    """Mixes in the order of their shares are no trend: each of them counts as one week."""
    truth = np.linspace(0, 1, 11)[None]
    found = truth + 0.1 * np.random.default_rng(0).standard_normal(truth.shape)
    weeks = week_labels(11)
    known, posts = posts_table(truth, ["Happy"], weeks), posts_table(found, ["Happy"], weeks)
    mixes, series = (measure_recovery(posts, known, serial=serial) for serial in (False, True))
    assert mixes["ci_low"][1] > series["ci_low"][1], "a series of as many weeks says less"
    assert mixes["r"][0] == series["r"][0]
    z, half = np.arctanh(mixes["r"][1]), stats.t.ppf(0.975, 9) / np.sqrt(8)
    assert mixes.loc[1, ["ci_low", "ci_high"]].tolist() == pytest.approx(np.tanh([z - half, z + half]))


def test_fault_uu_three_mixes_and_a_constant_series_have_no_interval():
    weeks, truth = week_labels(3), np.array([[0.0, 0.5, 1.0]])
    known = posts_table(truth, ["Happy"], weeks)
    table = measure_recovery(posts_table(truth, ["Happy"], weeks), known, serial=False)
    assert (table["r"] == 1).all() and table[["ci_low", "ci_high"]].isna().all(axis=None)
    frozen = measure_recovery(posts_table(0 * truth, ["Happy"], weeks), known, serial=False)
    assert frozen["r"][1] == 0 and np.isnan(frozen["ci_low"][1])


def test_the_worst_seed_is_the_one_with_the_lowest_rank_correlation_and_signals_have_none():
    weeks, random = week_labels(12), np.random.default_rng(3)
    truth, _ = autoregression([0.7], (len(OPTIONS), 12), 1)
    by_seed = {
        seed: truth + noise * random.standard_normal(truth.shape) for seed, noise in ((1, 0.3), (2, 1.5))
    }
    seeds = pd.concat([posts_table(one, OPTIONS, weeks).assign(seed=seed) for seed, one in by_seed.items()])
    mean = seeds.groupby(["model", "week", "question", "option"], as_index=False)["value"].mean()
    posts = pd.concat([mean, mean.assign(model="baselines/words")])
    table = measure_recovery(posts, posts_table(truth, OPTIONS, weeks), seeds=seeds)
    RECOVERY.validate(table)
    signal, arm = (part for _, part in table.groupby(table["model"] != "baselines/words"))
    assert signal["rho_worst_seed"].isna().all()
    of_seed = [
        [stats.spearmanr(x, y).statistic for x, y in zip(one, truth, strict=True)] for one in by_seed.values()
    ]
    expected = [min(np.mean(of_seed, axis=1)), *np.min(of_seed, axis=0)]
    assert arm["rho_worst_seed"].to_numpy() == pytest.approx(expected)


@pytest.mark.parametrize(("options", "n_weeks"), [(["B"], 12), (["A"], 2)], ids=["options", "weeks"])
def test_fault_nn_nothing_in_common_with_the_truth_is_a_row_without_numbers(options, n_weeks):
    weeks = week_labels(12)
    series, _ = autoregression([0.7], (1, 12), 1)
    good = posts_table(series, ["A"], weeks)
    short = posts_table(series[:, :n_weeks], options, weeks[:n_weeks], "signals/short")
    table = RECOVERY.validate(measure_recovery(pd.concat([good, short]), posts_table(series, ["A"], weeks)))
    by_model = table.set_index("model")
    assert by_model.loc["tiny/weekly", "r"].to_numpy() == pytest.approx([1, 1])
    assert np.isnan(by_model.loc["signals/short", "r"]) and by_model.loc["signals/short", "n"] == (
        12 if options == ["B"] else 2
    )


def test_weeks_that_a_series_lacks_are_no_constant_series():
    """A gap once made an option's series count as constant, with a rank correlation of 0."""
    weeks = week_labels(20)
    truth, _ = autoregression([0.7], (1, 20), 1)
    found = posts_table(truth, ["A"], weeks)
    found.loc[3, "value"] = np.nan
    table = measure_recovery(found, posts_table(truth, ["A"], weeks))
    assert table["rho"].to_numpy() == pytest.approx([1, 1]) and (table["n"] == 19).all()
