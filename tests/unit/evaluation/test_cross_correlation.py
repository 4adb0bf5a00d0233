import numpy as np
import pandas as pd
import pytest
from scipy import stats

from stimmung.evaluation.series.correlation import published_correlation
from stimmung.evaluation.series.cross_correlation import cross_correlate_series
from stimmung.vocabulary.moods_schemas import CCF
from tests.weekly_tables import autoregression, posts_table, survey_table, week_labels

OPTIONS = ["Bored", "Happy", "Sad"]
LABELS = week_labels(50)
FAST = {"n_simulations": 99, "seed": 1}


@pytest.fixture(scope="module")
def tables():
    """Posts that show the mood two weeks before the survey does; Sad's posts are noise."""
    mood = autoregression([0.7], (3, 52), seed=1)[0]
    posts = mood[:, 10:44].copy()
    posts[2] = autoregression([0.7], (34,), seed=2)[0]
    survey = 0.3 + 0.05 * (mood[:, :50] + 0.2 * np.random.default_rng(3).standard_normal((3, 50)))
    return posts_table(posts, OPTIONS, LABELS[8:42]), survey_table(survey, OPTIONS, LABELS)


@pytest.fixture(scope="module")
def ccf(tables):
    return cross_correlate_series(*tables, **FAST)


def test_the_table_holds_every_option_at_every_lag(ccf):
    CCF.validate(ccf)
    assert len(ccf) == 3 * 17
    assert ccf.groupby("option")["lag_weeks"].apply(list).map(lambda lags: lags == list(range(-8, 9))).all()
    assert (ccf["n_raw"] == 34).all()
    assert (ccf["n"] == 32).all()


def test_posts_that_lead_the_survey_by_two_weeks_are_found_there_by_all_statistics(ccf):
    for option in ("Bored", "Happy"):
        rows = ccf[ccf["option"] == option].set_index("lag_weeks")
        for statistic in ("r", "r_raw", "r_differences", "r_prewhitened", "r_detrended"):
            assert rows[statistic].idxmax() == 2, statistic
        assert rows.loc[2, "p_family"] == 0.01
        assert rows.loc[2, "p_adjusted"] < 1e-6
        assert rows.loc[2, "ci_low_raw"] > 0.8
    assert (ccf.loc[ccf["option"] == "Sad", "p_family"] > 0.05).all()


def test_the_published_columns_are_those_of_the_published_procedure(tables, ccf):
    posts, survey = tables
    happy = (
        survey.query("option == 'Happy'").set_index("week")["share"].loc[LABELS[8] : LABELS[41]].to_numpy()
    )
    values = posts.query("option == 'Happy'")["value"].to_numpy()
    r, p, _ = published_correlation(values, happy, 0, 3)
    row = ccf.query("option == 'Happy' and lag_weeks == 0").iloc[0]
    assert (row["r"], row["p"]) == pytest.approx((r[0], p[0]))
    assert row["r_raw"] == pytest.approx(np.corrcoef(values, happy)[0, 1])


def test_adjustment_is_over_all_options_and_lags(ccf):
    np.testing.assert_allclose(ccf["p_adjusted"], stats.false_discovery_control(ccf["p_prewhitened"]))


def test_effective_weeks_and_intervals_are_in_range(ccf):
    assert (ccf["n_effective"] <= ccf["n"]).all()
    assert (ccf["n_effective"] < ccf["n_effective_raw"] + 1e-9).mean() > 0.8
    for suffix in ("", "_raw", "_prewhitened"):
        assert (ccf[f"ci_low{suffix}"] < ccf[f"ci_high{suffix}"]).all()


def test_two_runs_are_equal_and_another_model_changes_nothing(tables, ccf):
    posts, survey = tables
    other = posts.assign(model="another", value=-posts["value"])
    both = cross_correlate_series(pd.concat([other, posts]), survey.sample(frac=1, random_state=1), **FAST)
    again = both[both["model"] == "tiny/weekly"].reset_index(drop=True)
    pd.testing.assert_frame_equal(again, ccf, check_exact=True)


def test_a_constant_series_of_the_posts_has_a_note_instead_of_numbers(tables, ccf):
    posts, survey = tables
    flat = posts.assign(value=posts["value"].where(posts["option"] != "Sad", 0.25))
    table = CCF.validate(cross_correlate_series(flat, survey, **FAST))
    sad = table[table["option"] == "Sad"]
    assert (sad["note"] == "constant series").all()
    assert sad.filter(regex="^(r|p|ci)(_|$)").isna().all(axis=None)
    assert (sad["n_raw"] == 34).all(), "how many weeks there are is known all the same"
    assert table.query("option == 'Bored'")["r_prewhitened"].equals(
        ccf.query("option == 'Bored'")["r_prewhitened"]
    )


def test_missing_weeks_are_gaps_on_both_sides(tables):
    posts, survey = tables
    gone = {LABELS[15], LABELS[16]}
    table = CCF.validate(cross_correlate_series(posts[~posts["week"].isin(gone)], survey, **FAST))
    assert (table["n_raw"] == 32).all()
    assert (table["n"] == 28).all()  # each smoothed week that touches the gap is gone
    assert table.query("option == 'Happy'").set_index("lag_weeks")["r_prewhitened"].idxmax() == 2


def test_an_option_with_hardly_any_weeks_has_a_note(tables):
    posts, survey = tables
    scarce = posts[(posts["option"] != "Sad") | (posts["week"] < LABELS[11])]
    table = cross_correlate_series(scarce, survey, **FAST)
    assert (table.loc[table["option"] == "Sad", "note"] == "fewer than 5 weeks").all()


def test_fault_nn_lags_that_leave_too_few_weeks_have_a_note_and_the_others_their_numbers(tables):
    posts, survey = tables
    weeks = LABELS[8:20]
    table = cross_correlate_series(
        posts[posts["week"].isin(weeks)], survey[survey["week"].isin(weeks)], **FAST
    )
    CCF.validate(table)
    short = table["lag_weeks"].abs() > 7
    assert set(table.loc[short, "note"]) == {"fewer than 5 weeks at this lag"}
    assert table.loc[short].filter(regex="^(r|p|ci)(_|$)").isna().all(axis=None)
    assert table.loc[~short, "r_raw"].notna().all() and (table.loc[~short, "note"] == "").all()
    assert table.set_index("lag_weeks").loc[8, "n_raw"].eq(4).all()


@pytest.mark.parametrize(
    ("weeks", "note"),
    [(slice(0, 3), "fewer than 5 weeks"), (slice(-4, None), "no week in common with the survey")],
)
def test_fault_nn_a_short_series_takes_nothing_from_the_others(tables, weeks, note):
    posts, survey = tables
    known = survey[survey["week"] <= LABELS[41]]
    labels = LABELS[8:42][weeks] if weeks.start == 0 else week_labels(4, "2029-11-08")
    short = posts_table(np.random.default_rng(4).random((3, len(labels))), OPTIONS, labels, "signals/short")
    alone = cross_correlate_series(posts, known, **FAST)
    both = CCF.validate(cross_correlate_series(pd.concat([short, posts]), known, **FAST))
    rest = both[both["model"] == "tiny/weekly"].reset_index(drop=True)
    pd.testing.assert_frame_equal(rest, alone, check_exact=True)
    noted = both[both["model"] == "signals/short"]
    assert set(noted["note"]) == {note} and noted["r"].isna().all() and (noted["n_raw"] < 5).all()


def test_fault_nn_a_constant_survey_is_a_row_with_a_note(tables, ccf):
    posts, survey = tables
    frozen = survey.assign(share=survey["share"].where(survey["option"] != "Sad", 0.2))
    table = cross_correlate_series(posts, frozen, **FAST)
    assert set(table.loc[table["option"] == "Sad", "note"]) == {"constant survey"}
    for option in ("Bored", "Happy"):
        both = [one.loc[one["option"] == option, "r_prewhitened"] for one in (table, ccf)]
        pd.testing.assert_series_equal(*both)
