from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stimmung.evaluation.series.affect import on_scale
from stimmung.evaluation.series.series_steps import rolling_mean
from stimmung.report.moods.lags import plot_lags
from stimmung.report.moods.raw_series import plot_raw
from stimmung.report.moods.relative_series import plot_relative
from stimmung.report.moods.scaled_series import plot_series, plot_shares_of_mixes
from stimmung.report.series_panels import weeks_in_words, weeks_without_estimate
from stimmung.report.style import figure_style
from tests.synthetic_moods import OPTIONS
from tests.unit.report.conftest import changed

MISSING = "2020-01-02"


def of_option(frame, option, weeks, column):
    part = frame[frame["option"] == option].drop_duplicates("week").set_index("week")
    return part[column].reindex(weeks).to_numpy(float)


def test_both_lines_are_scaled_and_smoothed_alike_and_broken_at_the_missing_week(panel):
    for axes, option in zip(plot_series(panel).axes, OPTIONS, strict=True):
        assert axes.get_title(loc="left") == option
        posts, survey = axes.lines
        expected = of_option(panel["affect"], option, panel.weeks, "scaled_mean")
        assert np.array_equal(posts.get_ydata(), expected, equal_nan=True)
        place = panel.weeks.index(MISSING)
        assert np.isnan(expected[place : place + 3]).all()
        share = of_option(panel.tracker, option, panel.weeks, "share")
        assert survey.get_ydata() == pytest.approx(rolling_mean(on_scale(share, share), 3), nan_ok=True)


def test_r_p_and_prewhitened_p_over_a_panel_are_those_of_the_table(panel):
    ccf = panel["ccf"].copy()
    here = (ccf["lag_weeks"] == 0) & (ccf["model"] == "tiny/weekly") & (ccf["option"] == "Sad")
    ccf.loc[here, ["r", "p", "p_prewhitened"]] = [0.123, 0.045, 0.067]
    texts = {
        axes.get_title(loc="left"): [text.get_text() for text in axes.texts]
        for axes in plot_series(changed(panel, ccf=ccf)).axes
    }
    assert texts["Sad"] == ["r 0.12, p 0.045, prewhitened p 0.067"]


def test_a_missing_week_is_shaded_and_no_other(panel):
    assert weeks_without_estimate(panel) == [MISSING]
    for axes in plot_series(panel).axes:
        (span,) = axes.patches
        width = span.get_extents().transformed(axes.transData.inverted()).width
        assert width == pytest.approx(7)


def test_the_raw_figure_has_the_values_themselves_and_the_untuned_model(panel):
    for axes, option in zip(plot_raw(panel).axes, OPTIONS, strict=True):
        line, base = axes.lines
        assert np.array_equal(
            line.get_ydata(), of_option(panel["affect"], option, panel.weeks, "value_mean"), equal_nan=True
        )
        assert base.get_ydata()[0] == panel["affect"].loc[panel["affect"]["option"] == option, "base"].iloc[0]


def test_the_relative_figure_has_the_ratio_to_the_untuned_model(panel):
    affect = panel["affect"].assign(ratio=lambda table: table["value"] / table["base"])
    for axes, option in zip(plot_relative(panel).axes, OPTIONS, strict=True):
        prior, line = axes.lines
        assert set(prior.get_ydata()) == {1}
        # The mean of logarithms over wordings and seeds is near the ratio of means.
        ratio = affect[affect["option"] == option].groupby("week")["ratio"].mean().reindex(panel.weeks)
        assert line.get_ydata() == pytest.approx(ratio.to_numpy(), rel=0.1, nan_ok=True)
        assert axes.get_yscale() == "log"
    not_asked = plot_relative(changed(panel, affect=affect.assign(log_ratio=np.nan)))
    assert "not asked" in not_asked.texts[0].get_text()


def test_a_missing_week_stands_in_every_figure(panel):
    assert MISSING in plot_lags(panel).get_supxlabel()
    figures = (plot_series(panel), plot_raw(panel), plot_relative(panel))
    for figure in figures:
        assert all(len(axes.patches) == 1 for axes in figure.axes)
        assert "week without estimate" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_mixes_rise_with_their_share_and_options_without_a_share_are_left_out(panel):
    two = panel.tracker[panel.tracker["option"] != "Bored"]
    figure = plot_shares_of_mixes(replace(panel, tracker=two))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Happy", "Sad"]
    for axes, option in zip(figure.axes, ("Happy", "Sad"), strict=True):
        share = of_option(panel.tracker, option, panel.weeks, "share")
        value = of_option(panel["affect"], option, panel.weeks, "value_mean")
        there = ~np.isnan(value)
        order = np.argsort(share[there], kind="stable")
        assert axes.lines[0].get_xdata() == pytest.approx(share[there][order])
        assert axes.lines[0].get_ydata() == pytest.approx(value[there][order])
        arm = panel["recovery"]["model"] == "tiny/weekly"
        row = panel["recovery"][arm & (panel["recovery"]["option"] == option)].iloc[0]
        told = f"ρ {row['rho']:.2f}, worst seed {row['rho_worst_seed']:.2f}"
        assert [text.get_text() for text in axes.texts] == [told]


def test_lags_have_both_correlations_of_the_model_and_innovations_of_the_others(panel):
    for axes, option in zip(plot_lags(panel).axes, OPTIONS, strict=True):
        drawn = [list(line.get_ydata()) for line in axes.lines]
        for model, columns in (
            ("tiny/weekly", ("r", "r_prewhitened")),
            ("baselines/words", ("r_prewhitened",)),
        ):
            part = panel["ccf"][(panel["ccf"]["option"] == option) & (panel["ccf"]["model"] == model)]
            for column in columns:
                assert list(part[column]) in drawn


def test_only_lags_that_survive_the_family_have_a_dot(panel):
    ccf = panel["ccf"].copy()
    ccf["p_family"] = 0.06
    none = plot_lags(changed(panel, ccf=ccf))
    assert not [line for axes in none.axes for line in axes.lines if line.get_marker() == "o"]
    ccf.loc[(ccf["model"] == "tiny/weekly") & (ccf["lag_weeks"] == 1), "p_family"] = 0.04
    dots = [
        line
        for axes in plot_lags(changed(panel, ccf=ccf)).axes
        for line in axes.lines
        if line.get_marker() == "o"
    ]
    assert [list(line.get_xdata()) for line in dots] == [[1]] * len(OPTIONS)


def test_long_options_of_several_questions_stay_over_their_own_panels(panel):
    questions = {
        "mood": OPTIONS,
        "panas-afraid": ("very slightly or not at all", "a little", "quite a bit indeed"),
    }
    with figure_style():
        figure = plot_raw(replace(panel, questions=questions))
        figure.draw_without_rendering()
        for axes in figure.axes:
            assert axes.title.get_text() == "" and axes._left_title.get_window_extent().x1 < axes.bbox.x1 + 20


def test_figures_can_be_laid_out(panel, recwarn):
    """A panel that collapses is only warned of by matplotlib."""
    with figure_style():
        for figure in (plot_series(panel), plot_raw(panel), plot_relative(panel), plot_lags(panel)):
            figure.draw_without_rendering()
    assert not [one for one in recwarn if "layout" in str(one.message)]


def test_a_panel_without_survey_has_a_note_for_the_lags(panel):
    figure = plot_lags(changed(panel, ccf=panel["ccf"][:0]))
    assert "no survey" in figure.texts[0].get_text()


def test_fault_pp_many_skipped_weeks_are_ranges_that_fit_the_figure(panel, recwarn):
    first = pd.Timestamp("2018-01-04")
    days = [(first + pd.Timedelta(weeks=n)).date().isoformat() for n in range(184)]
    assert weeks_in_words(days[:92]) == f"{days[0]} to {days[91]} (92 weeks)"
    assert weeks_in_words([*days[:2], days[4]]) == f"{days[0]} to {days[1]} (2 weeks), {days[4]}"
    every_other = replace(panel, weeks=[*days[::2], *panel.weeks])
    with figure_style():
        figure = plot_lags(every_other)
        figure.draw_without_rendering()
        assert days[0] in figure.get_supxlabel() and days[-2] in figure.get_supxlabel()
        assert figure._supxlabel.get_window_extent().width <= figure.bbox.width
    assert not [one for one in recwarn if "layout" in str(one.message)]
