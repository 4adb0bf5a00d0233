import matplotlib as mpl
import numpy as np
import pytest
from stimmung.report.absent import plot_absent
from stimmung.report.by_option import plot_f1_by_class, plot_shares, plot_subgroups
from stimmung.report.effective import plot_effective
from stimmung.report.learning_curve import plot_learning_curve
from stimmung.report.leaving_out import plot_left_out
from stimmung.report.reliability import plot_reliability

from stimmung.report.style import figure_style, method_looks, save_figure


def all_figures(survey, conditions=None):
    conditions = conditions or survey.conditions
    methods = list(survey.metrics["method"].unique())
    return {
        "f1_by_class": plot_f1_by_class(survey.metrics, conditions),
        "shares": plot_shares(survey.shares, conditions),
        "learning_curve": plot_learning_curve(survey.metrics, conditions),
        "left_out": plot_left_out(survey.changes, methods),
        "reliability": plot_reliability(survey.reliability, survey.metrics, conditions),
        "absent": plot_absent(survey.absent, methods),
        "effective": plot_effective(survey.effective, methods),
        "subgroups": plot_subgroups(survey.subgroups, conditions),
    }


def points_of(axes):
    return sorted(
        float(x)
        for line in axes.lines
        if line.get_marker() not in ("None", None, "")
        for x in line.get_xdata()
    )


def test_every_f1_of_the_reference_conditions_is_a_point_and_no_other(survey):
    figure = plot_f1_by_class(survey.metrics, survey.conditions)
    shown = survey.metrics[survey.metrics["condition"].isin(["full", "without-party"])]
    panels = {"Macro F1": shown[shown["metric"] == "macro_f1"]}
    for option in survey.shares["option"].unique():
        panels[f"F1, {option}"] = shown[(shown["metric"] == "f1") & (shown["option"] == option)]
    assert [axes.get_title(loc="left") or axes.get_title() for axes in figure.axes] == list(panels)
    for axes, part in zip(figure.axes, panels.values(), strict=True):
        assert points_of(axes) == pytest.approx(sorted(part["value"]))


def test_shares_show_the_observed_one_with_its_interval(survey):
    figure = plot_shares(survey.shares, survey.conditions)
    for axes, option in zip(figure.axes, survey.shares["option"].unique(), strict=True):
        part = survey.shares[survey.shares["option"] == option]
        row = part.iloc[0]
        band = axes.patches[0].get_extents().transformed(axes.transData.inverted())
        assert (band.x0, band.x1) == pytest.approx((row["observed_low"], row["observed_high"]))
        shown = part[part["condition"].isin(["full", "without-party"])]
        assert points_of(axes) == pytest.approx(sorted(shown["predicted"]))


def test_learning_curve_puts_macro_f1_over_training_rows_and_zero_shot_dotted(survey):
    axes = plot_learning_curve(survey.metrics, survey.conditions).axes[0]
    macro = survey.metrics[survey.metrics["metric"] == "macro_f1"].set_index(["method", "condition"])["value"]
    lines = {line.get_label(): line for line in axes.lines}
    expected = [macro["tiny/tuned", name] for name in ("share-10", "share-30", "full")]
    assert list(lines["tiny/tuned"].get_ydata()) == pytest.approx(expected)
    dotted = lines["tiny/zero-shot"]
    assert dotted.get_linestyle() == ":"
    assert set(dotted.get_ydata()) == {macro["tiny/zero-shot", "full"]}
    assert axes.get_xscale() == "log"
    assert [label.get_text().split("\n")[1] for label in axes.get_xticklabels()] == ["10 %", "30 %", "100 %"]


def test_left_out_shows_each_change_at_its_option(survey):
    methods = list(survey.metrics["method"].unique())
    first, second = plot_left_out(survey.changes, methods).axes
    for axes, metric in ((first, "f1"), (second, "predicted_share")):
        part = survey.changes[survey.changes["metric"] == metric]
        drawn = {
            line.get_label(): line.get_xdata() for line in axes.lines if not line.get_label().startswith("_")
        }
        tuned = part[part["method"] == "tiny/tuned"]["difference"]
        assert list(drawn["tiny/tuned"]) == pytest.approx(list(tuned))
        assert "tiny/zero-shot" not in drawn


def test_reliability_has_a_panel_for_each_method_with_its_bins(survey):
    figure = plot_reliability(survey.reliability, survey.metrics, survey.conditions)
    bins = survey.reliability[survey.reliability["condition"] == "full"]
    assert len(figure.axes) == bins["method"].nunique()
    axes = figure.axes[0]
    tuned = bins[bins["method"] == "tiny/tuned"]
    assert list(axes.lines[-1].get_ydata()) == pytest.approx(list(tuned["accuracy"]))
    assert sum(bar.get_height() for bar in axes.patches) == pytest.approx(1)


def test_a_study_without_such_conditions_gets_a_note(small_survey):
    conditions = {"full": {}}
    note = plot_learning_curve(small_survey.metrics, conditions)
    assert not note.axes and "no condition that trains on a share" in note.texts[0].get_text()
    note = plot_left_out(small_survey.changes.iloc[:0], [])
    assert not note.axes and "no condition that leaves" in note.texts[0].get_text()


def test_without_colour_no_baseline_looks_like_a_language_model_or_another_baseline():
    arms = [f"model-{number}/tuned" for number in range(7)]
    baselines = [
        f"baselines/{name}" for name in ("majority", "logistic", "random-forest", "xgboost", "catboost")
    ]
    looks = method_looks([*arms, *baselines])
    shapes = [shape for _, shape in looks.values()]
    assert len(set(shapes)) == len(arms) + len(baselines)


def test_a_method_looks_the_same_in_every_figure(small_survey):
    looks = method_looks(list(small_survey.metrics["method"].unique()))
    with figure_style():
        figures = all_figures(small_survey)
    for name in ("learning_curve", "left_out"):
        for line in figures[name].axes[0].lines:
            if line.get_label() in looks and line.get_linestyle() != ":":
                assert (line.get_color(), line.get_marker()) == looks[line.get_label()]
    first_points = [line for line in figures["f1_by_class"].axes[0].lines if line.get_marker() != "None"]
    assert first_points[0].get_color() == looks["tiny/tuned"][0]


def test_methods_are_told_apart_by_colour_and_shape():
    methods = [f"m{number}/tuned" for number in range(6)] + [f"baselines/b{number}" for number in range(5)]
    looks = method_looks(methods)
    assert len(set(looks.values())) == len(methods)
    assert len({marker for method, (_, marker) in looks.items() if "baselines" in method}) == 5


@pytest.mark.parametrize("kind", ["svg", "pdf", "png"])
def test_bytes_are_the_same_each_time_and_hold_no_date(small_survey, tmp_path, kind):
    for folder in ("a", "b"):
        with figure_style():
            figure = plot_learning_curve(small_survey.metrics, small_survey.conditions)
            save_figure(figure, tmp_path / folder / f"learning_curve.{kind}")
            figure = plot_shares(small_survey.shares, small_survey.conditions)
            save_figure(figure, tmp_path / folder / f"shares.{kind}")
    drawn = sorted((tmp_path / "a").iterdir())
    assert len(drawn) == 2
    for path in drawn:
        content = path.read_bytes()
        assert content == (tmp_path / "b" / path.name).read_bytes(), path.name
        assert b"CreationDate" not in content and b"<dc:date>" not in content


def test_simulated_data_is_marked_and_real_data_is_not(small_survey, tmp_path):
    for simulated in (False, True):
        with figure_style():
            for name, figure in all_figures(small_survey).items():
                save_figure(figure, tmp_path / f"{name}.svg", simulated)
                # Glyphs are outlines; the writer leaves the text of each as a comment.
                marked = "<!-- simulated data -->" in (tmp_path / f"{name}.svg").read_text(encoding="utf-8")
                assert marked == simulated, name


def test_style_leaves_no_trace():
    before = dict(mpl.rcParams)
    with figure_style():
        pass
    assert dict(mpl.rcParams) == before


def test_no_interval_is_no_obstacle(small_survey):
    bare = small_survey.metrics.assign(ci_low=np.nan, ci_high=np.nan)
    with figure_style():
        plot_f1_by_class(bare, small_survey.conditions)
        plot_learning_curve(bare, small_survey.conditions)


def test_the_absent_option_s_changes_stand_in_one_row_for_each_condition(survey):
    methods = list(survey.metrics["method"].unique())
    drawn = plot_absent(survey.absent, methods).axes
    option = survey.absent["option"].iloc[0]
    # The axes are shared, and the first one has the labels.
    assert [label.get_text() for label in drawn[0].get_yticklabels()] == [f"{option}\nno-democrats"]
    for axes, metric in zip(drawn, ("f1", "predicted_share"), strict=True):
        expected = survey.absent[survey.absent["metric"] == metric]["difference"]
        assert points_of(axes) == pytest.approx(sorted(expected))


def test_effective_respondents_beyond_what_was_measured_are_open_marks_outside_its_range(small_survey):
    effective = small_survey.effective.copy()
    chosen = (effective["method"] == "tiny/tuned") & (effective["metric"] == "macro_f1")
    effective.loc[chosen, ["n_effective", "ci_low", "ci_high"]] = [
        [50.0, 40.0, 60.0],
        [np.inf] * 3,
        [0.0] * 3,
    ]
    axes = plot_effective(effective[effective["method"] == "tiny/tuned"], ["tiny/tuned"]).axes[0]
    drawn = [line for line in axes.lines if line.get_marker() == "o" and len(line.get_xdata())]
    filled = [y for line in drawn if line.get_markerfacecolor() != "white" for y in line.get_ydata()]
    outside = [y for line in drawn if line.get_markerfacecolor() == "white" for y in line.get_ydata()]
    low, high = effective["n_smallest"].min(), effective["n_largest"].max()
    assert filled == pytest.approx([50])
    assert min(outside) < low and max(outside) > high
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels[0] == f"< {low:.0f}" and labels[-1] == f"> {high:.0f}"


def test_subgroups_stand_side_by_side_for_each_method(survey):
    axes = plot_subgroups(survey.subgroups, survey.conditions).axes[0]
    shown = survey.subgroups[
        (survey.subgroups["metric"] == "macro_f1") & (survey.subgroups["condition"] == "full")
    ]
    assert points_of(axes) == pytest.approx(sorted(shown["value"]))


def test_without_rows_these_figures_are_notes(small_survey):
    for figure in (
        plot_absent(small_survey.absent.iloc[:0], []),
        plot_effective(small_survey.effective.iloc[:0], []),
        plot_subgroups(small_survey.subgroups.iloc[:0], small_survey.conditions),
    ):
        assert len(figure.axes) == 0 and len(figure.texts) == 1
