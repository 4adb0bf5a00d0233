"""Figures with a panel for each answer option: what the figures of weekly series share."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from stimmung.evaluation.series.series_steps import Floats
from stimmung.report.panel_results import PanelTables
from stimmung.report.style import FAINT, PALETTE, is_baseline, panel_figure

PANELS_IN_A_ROW = 3
GAP = "#ececec"
TITLE_POINTS, TITLE_CHARACTERS = 8.0, 30  # the largest title, and how long it may be at that size
Questions = Mapping[str, Sequence[str]]


def before_tuning() -> Line2D:
    """Return the key of the untuned model's line."""
    return Line2D([], [], color=FAINT, linestyle=":", label="the model before tuning")


def seed_range() -> Patch:
    """Return the key of the band that shows the range over seeds."""
    return Patch(color=PALETTE[0], alpha=0.25, linewidth=0, label="range over seeds")


def arm_colours(models: Sequence[str]) -> dict[str, str]:
    """Return a colour for each arm of a language model."""
    arms = [model for model in models if not is_baseline(model)]
    return {model: PALETTE[place % len(PALETTE)] for place, model in enumerate(arms)}


def weeks_without_estimate(tables: PanelTables) -> list[str]:
    """Return the weeks in which some language model has no estimate."""
    there = [set(part["week"]) for _, part in tables["affect"].groupby("model")]
    return [week for week in tables.weeks if not all(week in one for one in there)]


def weeks_in_words(weeks: Sequence[str]) -> str:
    """Return weeks in order, those that follow each other as a range: '2020-01-02, 2020-02-06 to 2020-03-05 (5 weeks)'."""
    runs = [[weeks[place] for place in run] for run in _runs(weeks)]
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]} to {run[-1]} ({len(run)} weeks)" for run in runs)


def _runs(weeks: Sequence[str]) -> list[list[int]]:
    """Return the places of weeks, those that follow each other in one list."""
    days = days_of(weeks)
    runs = groupby(range(len(weeks)), key=lambda place: days[place] - 7 * place)
    return [list(run) for _, run in runs]


def of_option(table: pd.DataFrame, question: str, option: str) -> pd.DataFrame:
    """Return the rows of a question's option."""
    return table[(table["question"] == question) & (table["option"] == option)]


def panel_grid(
    questions: Questions, height_inches: float, sharey: bool = True
) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    """Return a figure with a panel for each question and option, titled with them."""
    pairs = [(question, option) for question, options_of in questions.items() for option in options_of]
    figure, grid = panel_figure(len(pairs), PANELS_IN_A_ROW, height_inches, 0.4, sharey)
    panels = dict(zip(pairs, grid, strict=True))
    for (question, option), axes in panels.items():
        title_panel(axes, option if len(questions) == 1 else f"{question}: {option}")
    return figure, panels


def title_panel(axes: Axes, title: str, lines: Sequence[str] = ()) -> None:
    """Write a title over a panel, as large as fits, and lines of text between it and the panel."""
    size = TITLE_POINTS * min(1.0, TITLE_CHARACTERS / len(title))
    # Offsets in points.
    axes.set_title(title, loc="left", pad=4 + 8 * len(lines), fontsize=size)
    if lines:
        axes.annotate("\n".join(lines), (0, 1), (0, 3), "axes fraction", "offset points", fontsize=6.5)


def plot_weeks(
    tables: PanelTables,
    draw: Callable[[Axes, pd.DataFrame, str], None],
    affect: pd.DataFrame | None = None,
    beside: Callable[[Axes, str, str], None] | None = None,
    sharey: bool = True,
) -> Figure:
    """Draw weekly series: a panel for each option, a colour for each language model.

    A week that has no estimate is grey, and a line that would cross it is broken. ``draw`` draws the rows of one series, by week,
    in a colour, and ``beside`` what else a question's option has; ``affect`` is the AFFECT table with more columns.
    """
    figure, panels = panel_grid(tables.questions, 1.55, sharey)
    colours, missing = arm_colours(tables.subjects), weeks_without_estimate(tables)
    rows = tables["affect"] if affect is None else affect
    series = rows.drop_duplicates(["model", "question", "option", "week"])
    by_series = {key: part.set_index("week") for key, part in series.groupby(["model", "question", "option"])}
    days = days_of(tables.weeks)
    for (question, option), axes in panels.items():
        _shade_gaps(axes, missing)
        for model, colour in colours.items():
            if (model, question, option) in by_series:
                part = by_series[model, question, option].reindex(list(tables.weeks))
                draw(axes, part, colour)
        if beside is not None:
            beside(axes, question, option)
        locator = AutoDateLocator(minticks=2, maxticks=5)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))  # type: ignore[no-untyped-call]
        axes.set_xlim(days[0] - 4, days[-1] + 4)
    return figure


def draw_band(
    axes: Axes, part: pd.DataFrame, columns: tuple[str, str, str], colour: str, marker: str | None = None
) -> None:
    """Draw a series and its range over seeds; ``columns`` are those of its mean, lowest and highest value."""
    mean, low, high = (part[name].to_numpy(float) for name in columns)
    days = days_of(list(part.index))
    axes.fill_between(days, low, high, color=colour, alpha=0.25, linewidth=0)
    axes.plot(days, mean, color=colour, marker=marker, markersize=2)


def _shade_gaps(axes: Axes, missing: Sequence[str]) -> None:
    """Shade runs of missing weeks, from half a week before to half a week after."""
    days = days_of(missing)
    for run in _runs(missing):
        axes.axvspan(days[run[0]] - 3.5, days[run[-1]] + 3.5, color=GAP, linewidth=0, zorder=0)


def add_legend(figure: Figure, tables: PanelTables, more: Sequence[Line2D]) -> None:
    """Add the legend of weekly series, and of what else is drawn."""
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=colour, label=model) for model, colour in arm_colours(tables.subjects).items()
    ]
    if tables["affect"]["seed"].nunique() > 1:
        handles.append(seed_range())
    handles += more
    if weeks_without_estimate(tables):
        handles.append(Patch(color=GAP, linewidth=0, label="week without estimate"))
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))


def days_of(weeks: Sequence[str]) -> Floats:
    """Return the first days of weeks as matplotlib counts them, shape (weeks,)."""
    days: Floats = date2num(np.array(weeks, dtype="datetime64[D]"))  # type: ignore[no-untyped-call]
    return days
