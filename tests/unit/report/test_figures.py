import matplotlib as mpl
import numpy as np
import pytest

from stimmung.report.by_option import plot_f1_by_class, plot_shares
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
    for path in sorted((tmp_path / "a").iterdir()):
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
