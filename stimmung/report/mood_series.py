"""Figures of weekly series by answer option: scaled beside the survey as published, raw, and relative to the untuned model."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from stimmung.evaluation.series.affect import on_scale
from stimmung.evaluation.series.series_steps import Floats, rolling_mean
from stimmung.report.style import (
    FAINT,
    INK,
    PALETTE,
    WIDTH_INCHES,
    as_percent,
    is_baseline,
    note_figure,
    remove_empty,
)
from stimmung.report.tables import number, p_value

PANELS_IN_A_ROW = 3
GAP = "#ececec"
TITLE_POINTS, TITLE_CHARACTERS = 8.0, 30  # the largest title, and how long it may be at that size
Questions = Mapping[str, Sequence[str]]


def plot_series(
    affect: pd.DataFrame,
    tracker: pd.DataFrame,
    ccf: pd.DataFrame,
    questions: Questions,
    weeks: Sequence[str],
    *,
    scale: str,
    rolling_weeks: int,
) -> Figure:
    """Draw, for each option, the scaled series of the posts with the range over seeds, and the survey's.

    As in the figures of Ahnert et al. (2025, arXiv 2409.17990): both scaled to run from 0 to 1, then averaged
    over ``rolling_weeks``. Over each panel stand r and p of the two lines, and honest p (``p_prewhitened``).

    Parameters
    ----------
    affect, tracker, ccf
        Tables of these names. Without a survey, the series stand alone.
    questions
        Question to its options, in the order of the panels.
    weeks
        All weeks of the panel. One that has no estimate is grey, and a line that would cross it is broken.
    scale, rolling_weeks
        How the survey's series is scaled and smoothed: as ``aggregate_answers`` was told.
    """

    def draw(axes: Axes, part: pd.DataFrame, colour: str) -> None:
        _band(axes, part, ("scaled_mean", "scaled_min", "scaled_max"), colour)

    def beside(axes: Axes, question: str, option: str) -> None:
        chosen = (tracker["question"] == question) & (tracker["option"] == option)
        survey = tracker[chosen].set_index("week")["share"].reindex(list(weeks)).to_numpy(float)
        if not np.isnan(survey).all():
            smooth = rolling_mean(on_scale(survey, survey, scale), rolling_weeks)
            axes.plot(_days(weeks), smooth, color=INK, linewidth=1, linestyle=(0, (4, 1.5)))
        lines = _captions(ccf, question, option)
        title_panel(axes, axes.get_title(loc="left"), lines)

    figure = _panels(affect, questions, weeks, draw, beside)
    keys = [Line2D([], [], color=INK, linestyle=(0, (4, 1.5)), label="survey")] if len(tracker) else []
    _legend(figure, affect, weeks, keys)
    return figure


def plot_raw(affect: pd.DataFrame, questions: Questions, weeks: Sequence[str]) -> Figure:
    """Draw, for each option, its probability in each week with the range over seeds, and the untuned model's.

    Neither scaled nor smoothed: these are the series that tests are about.

    Parameters
    ----------
    affect
        The table of this name.
    questions
        Question to its options.
    weeks
        All weeks of the panel.
    """

    def draw(axes: Axes, part: pd.DataFrame, colour: str) -> None:
        _band(axes, part, ("value_mean", "value_min", "value_max"), colour, marker="o")
        base = part["base"].dropna()
        if len(base):
            axes.axhline(base.iloc[0], color=colour, linewidth=0.9, linestyle=":")
        axes.yaxis.set_major_formatter(as_percent)

    figure = _panels(affect, questions, weeks, draw, sharey=False)
    based = affect["base"].notna().any()
    keys = [Line2D([], [], color=FAINT, linestyle=":", label="the model before tuning")] if based else []
    _legend(figure, affect, weeks, keys)
    figure.supylabel("Probability, %", fontsize=8)
    return figure


def plot_relative(affect: pd.DataFrame, questions: Questions, weeks: Sequence[str]) -> Figure:
    """Draw, for each option, how many times as likely it is as it was before tuning, with the range over seeds.

    The axis is logarithmic and the same in all panels, so that the same change looks the same for options that
    the model finds likely and unlikely by themselves.

    Parameters
    ----------
    affect
        The table of this name; a mean of its column log_ratio over seeds is a geometric mean of ratios.
    questions
        Question to its options.
    weeks
        All weeks of the panel.
    """
    if affect["log_ratio"].isna().all():
        return note_figure("Nothing to be relative to: the untuned model was not asked.")
    of_week = affect.groupby(["model", "question", "option", "week"])["log_ratio"]
    ratios = affect.assign(
        **{f"ratio_{name}": np.exp(of_week.transform(name)) for name in ("mean", "min", "max")}
    )

    def draw(axes: Axes, part: pd.DataFrame, colour: str) -> None:
        axes.axhline(1, color=FAINT, linewidth=0.9, linestyle=":")
        _band(axes, part, ("ratio_mean", "ratio_min", "ratio_max"), colour, marker="o")
        axes.set_yscale("log", base=2)
        axes.yaxis.set_major_formatter(lambda value, _place: f"×{value:g}")

    figure = _panels(ratios, questions, weeks, draw)
    keys = [Line2D([], [], color=FAINT, linestyle=":", label="the model before tuning")]
    _legend(figure, affect, weeks, keys)
    figure.supylabel("Probability, relative to the untuned model", fontsize=8)
    return figure


def arm_colours(models: Sequence[str]) -> dict[str, str]:
    """Return a colour for each arm of a language model."""
    arms = [model for model in models if not is_baseline(model)]
    return {model: PALETTE[place % len(PALETTE)] for place, model in enumerate(arms)}


def weeks_without_estimate(affect: pd.DataFrame, weeks: Sequence[str]) -> list[str]:
    """Return the weeks in which some language model has no estimate."""
    there = [set(part["week"]) for _, part in affect.groupby("model")]
    return [week for week in weeks if not all(week in one for one in there)]


def panel_grid(
    questions: Questions, height_inches: float, sharey: bool = True
) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    """Return a figure with a panel for each question and option, titled with them."""
    pairs = [(question, option) for question, options_of in questions.items() for option in options_of]
    across = min(PANELS_IN_A_ROW, len(pairs))
    down = math.ceil(len(pairs) / across)
    figure = Figure(figsize=(WIDTH_INCHES, height_inches * down + 0.4))
    grid = figure.subplots(down, across, squeeze=False, sharex=True, sharey=sharey)
    panels = dict(zip(pairs, grid.flat, strict=False))
    for (question, option), axes in panels.items():
        title_panel(axes, option if len(questions) == 1 else f"{question}: {option}")
    remove_empty(grid, len(pairs))
    return figure, panels


def title_panel(axes: Axes, title: str, lines: Sequence[str] = ()) -> None:
    """Write a title over a panel, as large as fits, and the lines of a caption between it and the panel."""
    size = TITLE_POINTS * min(1.0, TITLE_CHARACTERS / len(title))
    # Offsets in points.
    axes.set_title(title, loc="left", pad=4 + 8 * len(lines), fontsize=size)
    if lines:
        axes.annotate(
            "\n".join(lines),
            (0, 1),
            (0, 3),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=6.5,
        )


def _panels(
    affect: pd.DataFrame,
    questions: Questions,
    weeks: Sequence[str],
    draw: Callable[[Axes, pd.DataFrame, str], None],
    beside: Callable[[Axes, str, str], None] | None = None,
    sharey: bool = True,
) -> Figure:
    figure, panels = panel_grid(questions, 1.55, sharey)
    colours = arm_colours(list(affect["model"].unique()))
    series = affect.drop_duplicates(["model", "question", "option", "week"])
    by_series = {key: part.set_index("week") for key, part in series.groupby(["model", "question", "option"])}
    for (question, option), axes in panels.items():
        _shade_gaps(axes, weeks_without_estimate(affect, weeks))
        for model, colour in colours.items():
            if (model, question, option) in by_series:
                part = by_series[model, question, option].reindex(list(weeks))
                draw(axes, part, colour)
        if beside is not None:
            beside(axes, question, option)
        locator = AutoDateLocator(minticks=2, maxticks=5)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))  # type: ignore[no-untyped-call]
        days = _days(weeks)
        axes.set_xlim(days[0] - 4, days[-1] + 4)
    return figure


def _band(
    axes: Axes, part: pd.DataFrame, columns: tuple[str, str, str], colour: str, marker: str | None = None
) -> None:
    mean, low, high = (part[name].to_numpy(float) for name in columns)
    days = _days(list(part.index))
    axes.fill_between(days, low, high, color=colour, alpha=0.25, linewidth=0)
    axes.plot(days, mean, color=colour, marker=marker, markersize=2)


def _shade_gaps(axes: Axes, missing: Sequence[str]) -> None:
    """Shade runs of missing weeks, from half a week before to half a week after."""
    for _, run in groupby(enumerate(_days(missing)), key=lambda pair: pair[1] - 7 * pair[0]):
        days = [day for _, day in run]
        axes.axvspan(days[0] - 3.5, days[-1] + 3.5, color=GAP, linewidth=0, zorder=0)


def _captions(ccf: pd.DataFrame, question: str, option: str) -> list[str]:
    """Return r, p and honest p at lag 0, a line for each language model."""
    here = ccf[(ccf["question"] == question) & (ccf["option"] == option) & (ccf["lag_weeks"] == 0)]
    arms = here[[not is_baseline(model) for model in here["model"]]]
    lines = []
    for _, row in arms.iterrows():
        name = f"{row['model']}: " if len(arms) > 1 else ""
        numbers = f"r {number(row['r'], 2)}, p {p_value(row['p'])}, honest p {p_value(row['p_prewhitened'])}"
        lines.append(name + (row["note"] or numbers))
    return lines


def _legend(figure: Figure, affect: pd.DataFrame, weeks: Sequence[str], more: list[Line2D]) -> None:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=colour, label=model)
        for model, colour in arm_colours(list(affect["model"].unique())).items()
    ]
    if affect["seed"].nunique() > 1:
        handles.append(Patch(color=PALETTE[0], alpha=0.25, linewidth=0, label="range over seeds"))
    handles += more
    if weeks_without_estimate(affect, weeks):
        handles.append(Patch(color=GAP, linewidth=0, label="week without estimate"))
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))


def _days(weeks: Sequence[str]) -> Floats:
    """Return the days that weeks begin on as matplotlib counts them, shape (weeks,)."""
    days: Floats = date2num(np.array(weeks, dtype="datetime64[D]"))  # type: ignore[no-untyped-call]
    return days
