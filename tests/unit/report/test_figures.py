from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest

from stimmung.report import style
from stimmung.report.option_panels import plot_f1_panels
from stimmung.report.result import plot_results
from stimmung.report.style import figure_style, method_looks, save_figure
from stimmung.report.survey_results import votes_results
from stimmung.report.votes.absent_party import plot_absent
from stimmung.report.votes.effective_respondents import plot_effective
from stimmung.report.votes.learning_curve import plot_learning_curve
from stimmung.report.votes.left_out_groups import plot_left_out
from stimmung.report.votes.reliability import plot_reliability
from stimmung.report.votes.subgroups import plot_subgroups
from stimmung.report.votes.vote_shares import plot_shares
from tests.unit.report.conftest import changed

pytestmark = pytest.mark.slow  # each of two workers would make the whole made-up study


def all_figures(survey):
    return {result.files.figure: result.figure(survey) for result in votes_results() if result.figure}


def points_of(axes):
    return sorted(
        float(x)
        for line in axes.lines
        if line.get_marker() not in ("None", None, "")
        for x in line.get_xdata()
    )


def test_every_f1_of_the_reference_conditions_is_a_point_and_no_other(survey):
    figure = plot_f1_panels(survey["metrics"], survey.references)
    shown = survey["metrics"][survey["metrics"]["condition"].isin(["full", "without-party"])]
    panels = {"Macro F1": shown[shown["metric"] == "macro_f1"]}
    for option in survey["shares"]["option"].unique():
        panels[f"F1, {option}"] = shown[(shown["metric"] == "f1") & (shown["option"] == option)]
    assert [axes.get_title(loc="left") or axes.get_title() for axes in figure.axes] == list(panels)
    for axes, part in zip(figure.axes, panels.values(), strict=True):
        assert points_of(axes) == pytest.approx(sorted(part["value"]))


def test_shares_show_the_observed_one_with_its_interval(survey):
    figure = plot_shares(survey)
    for axes, option in zip(figure.axes, survey["shares"]["option"].unique(), strict=True):
        part = survey["shares"][survey["shares"]["option"] == option]
        row = part.iloc[0]
        band = axes.patches[0].get_extents().transformed(axes.transData.inverted())
        assert (band.x0, band.x1) == pytest.approx((row["observed_low"], row["observed_high"]))
        shown = part[part["condition"].isin(["full", "without-party"])]
        assert points_of(axes) == pytest.approx(sorted(shown["predicted"]))


def test_learning_curve_puts_macro_f1_over_training_rows_and_zero_shot_dotted(survey):
    axes = plot_learning_curve(survey).axes[0]
    macro = survey["metrics"][survey["metrics"]["metric"] == "macro_f1"].set_index(["method", "condition"])[
        "value"
    ]
    lines = {line.get_label(): line for line in axes.lines}
    expected = [macro["tiny/tuned", name] for name in ("share-10", "share-30", "full")]
    assert list(lines["tiny/tuned"].get_ydata()) == pytest.approx(expected)
    dotted = lines["tiny/zero-shot"]
    assert dotted.get_linestyle() == ":"
    assert set(dotted.get_ydata()) == {macro["tiny/zero-shot", "full"]}
    assert axes.get_xscale() == "log"
    assert [label.get_text().split("\n")[1] for label in axes.get_xticklabels()] == ["10 %", "30 %", "100 %"]


def test_left_out_shows_each_change_at_its_option(survey):
    first, second = plot_left_out(survey).axes
    for axes, metric in ((first, "f1"), (second, "predicted_share")):
        part = survey["left_out"][survey["left_out"]["metric"] == metric]
        drawn = {
            line.get_label(): line.get_xdata() for line in axes.lines if not line.get_label().startswith("_")
        }
        tuned = part[part["method"] == "tiny/tuned"]["difference"]
        assert list(drawn["tiny/tuned"]) == pytest.approx(list(tuned))
        assert "tiny/zero-shot" not in drawn


def test_reliability_has_a_panel_for_each_method_with_its_bins(survey):
    figure = plot_reliability(survey)
    bins = survey["reliability"][survey["reliability"]["condition"] == "full"]
    assert len(figure.axes) == bins["method"].nunique()
    axes = figure.axes[0]
    tuned = bins[bins["method"] == "tiny/tuned"]
    assert list(axes.lines[-1].get_ydata()) == pytest.approx(list(tuned["accuracy"]))
    assert sum(bar.get_height() for bar in axes.patches) == pytest.approx(1)


def test_a_study_without_such_conditions_gets_a_note(small_survey):
    note = plot_learning_curve(replace(small_survey, conditions={"full": {}}))
    assert not note.axes and "no condition that trains on a share" in note.texts[0].get_text()
    note = plot_left_out(changed(small_survey, left_out=small_survey["left_out"].iloc[:0]))
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
    looks = method_looks(list(small_survey["metrics"]["method"].unique()))
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
            figure = plot_learning_curve(small_survey)
            save_figure(figure, tmp_path / folder / f"learning_curve.{kind}")
            figure = plot_shares(small_survey)
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
                save_figure(figure, tmp_path / f"{name}.svg", "simulated" if simulated else None)
                # Glyphs are outlines; the writer leaves the text of each as a comment.
                marked = "<!-- simulated data -->" in (tmp_path / f"{name}.svg").read_text(encoding="utf-8")
                assert marked == simulated, name


def with_option(survey, name):
    """Return tables in which the first answer option is called otherwise."""
    first = survey["shares"]["option"].iloc[0]
    frames = {
        key: frame.assign(option=frame["option"].replace(first, name)) if "option" in frame else frame
        for key, frame in survey.frames.items()
    }
    return changed(survey, **frames)


def test_fault_cc_dollars_in_an_option_are_no_formula(small_survey, tmp_path):
    option = "Red $1-$2 Party $x_"
    shown = set()
    with figure_style():
        for name, figure in all_figures(with_option(small_survey, option)).items():
            save_figure(figure, tmp_path / f"{name}.svg")
            if f"<!-- {option}" in (tmp_path / f"{name}.svg").read_text(encoding="utf-8"):
                shown.add(name)
    assert {"shares", "left_out", "absent"} <= shown


def test_fault_dd_letters_that_no_font_has_are_told_once(
    small_survey, tmp_path, capsys, monkeypatch, recwarn
):
    monkeypatch.setattr(style, "FALLBACK_FONTS", ())
    party = with_option(small_survey, "自民党")
    paths = [tmp_path / "shares.svg", tmp_path / "left_out.svg"]
    plot_results(votes_results(), party, paths)
    (told,) = capsys.readouterr().err.splitlines()
    assert all(letter in told for letter in "自民党") and "Noto Sans CJK" in told
    assert not [one for one in recwarn if "Glyph" in str(one.message)]
    plot_results(votes_results(), small_survey, paths)
    assert capsys.readouterr().err == ""


def test_fault_dd_an_installed_font_draws_what_the_first_one_lacks(monkeypatch):
    text = "\U0001d7d8"  # in the fonts that come with matplotlib, some have it and DejaVu Sans Mono does not
    monkeypatch.setattr(style, "FONT", "DejaVu Sans Mono")
    monkeypatch.setattr(style, "FALLBACK_FONTS", ())
    lacking = {letter for letter in text + "ﷲあ" if style.without_font(letter)}
    monkeypatch.setattr(style, "FALLBACK_FONTS", ("No such font", "DejaVu Sans"))
    assert style.font_families() == ["DejaVu Sans Mono", "DejaVu Sans"]
    assert text in lacking and not style.without_font(text)


def test_style_leaves_no_trace():
    before = dict(mpl.rcParams)
    with figure_style():
        pass
    assert dict(mpl.rcParams) == before


def test_no_interval_is_no_obstacle(small_survey):
    bare = small_survey["metrics"].assign(ci_low=np.nan, ci_high=np.nan)
    with figure_style():
        plot_f1_panels(bare, small_survey.references)
        plot_learning_curve(changed(small_survey, metrics=bare))


def test_the_absent_option_s_changes_stand_in_one_row_for_each_condition(survey):
    drawn = plot_absent(survey).axes
    option = survey["absent"]["option"].iloc[0]
    # The axes are shared, and the first one has the labels.
    assert [label.get_text() for label in drawn[0].get_yticklabels()] == [f"{option}\nno-democrats"]
    for axes, metric in zip(drawn, ("f1", "predicted_share"), strict=True):
        expected = survey["absent"][survey["absent"]["metric"] == metric]["difference"]
        assert points_of(axes) == pytest.approx(sorted(expected))


def test_effective_respondents_beyond_what_was_measured_are_open_marks_outside_its_range(small_survey):
    effective = small_survey["effective"].copy()
    chosen = (effective["method"] == "tiny/tuned") & (effective["metric"] == "macro_f1")
    effective.loc[chosen, ["n_effective", "ci_low", "ci_high"]] = [
        [50.0, 40.0, 60.0],
        [np.inf] * 3,
        [0.0] * 3,
    ]
    one = changed(small_survey, effective=effective[effective["method"] == "tiny/tuned"])
    axes = plot_effective(one).axes[0]
    drawn = [line for line in axes.lines if line.get_marker() == "o" and len(line.get_xdata())]
    filled = [y for line in drawn if line.get_markerfacecolor() != "white" for y in line.get_ydata()]
    outside = [y for line in drawn if line.get_markerfacecolor() == "white" for y in line.get_ydata()]
    low, high = effective["n_smallest"].min(), effective["n_largest"].max()
    assert filled == pytest.approx([50])
    assert min(outside) < low and max(outside) > high
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels[0] == f"< {low:.0f}" and labels[-1] == f"> {high:.0f}"


def test_subgroups_stand_side_by_side_for_each_method(survey):
    axes = plot_subgroups(survey).axes[0]
    shown = survey["subgroup_metrics"][
        (survey["subgroup_metrics"]["metric"] == "macro_f1")
        & (survey["subgroup_metrics"]["condition"] == "full")
    ]
    assert points_of(axes) == pytest.approx(sorted(shown["value"]))


def test_without_rows_these_figures_are_notes(small_survey):
    names = ("absent", "effective", "subgroup_metrics")
    none = changed(small_survey, **{name: small_survey[name].iloc[:0] for name in names})
    for figure in (plot_absent(none), plot_effective(none), plot_subgroups(none)):
        assert len(figure.axes) == 0 and len(figure.texts) == 1
