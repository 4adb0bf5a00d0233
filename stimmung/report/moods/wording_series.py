"""The series of each wording of a question, which the estimate averages."""

from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stimmung.report.panel_results import PanelResult, PanelTables
from stimmung.report.series_panels import days_of, of_option, plot_weeks
from stimmung.report.style import PALETTE, as_percent, note_figure

LINES: list[Literal["-", "--", ":", "-."]] = ["-", "--", ":", "-."]  # of models


def plot_wordings(tables: PanelTables) -> Figure:
    """Draw, for each option, its probability in each week in each wording: a colour for each, a kind of line for each model."""
    tuned = tables["wordings"][tables["wordings"]["week"] != ""]
    variants = list(tuned["variant"].unique())
    if len(variants) < 2:
        return note_figure("One wording: its series is that of the raw probabilities.")
    colours = {variant: PALETTE[place % len(PALETTE)] for place, variant in enumerate(variants)}
    lines = {model: LINES[place % len(LINES)] for place, model in enumerate(tables.subjects)}

    def beside(axes: Axes, question: str, option: str) -> None:
        for (model, variant), part in of_option(tuned, question, option).groupby(["model", "variant"]):
            values = part.set_index("week")["value"].reindex(list(tables.weeks))
            axes.plot(
                days_of(tables.weeks),
                values,
                color=colours[str(variant)],
                linestyle=lines[str(model)],
                linewidth=0.9,
            )
        axes.yaxis.set_major_formatter(as_percent)

    figure = plot_weeks(tables, lambda *_: None, beside=beside, sharey=False)
    handles = [Line2D([], [], color=colour, label=variant) for variant, colour in colours.items()]
    if len(lines) > 1:
        handles += [
            Line2D([], [], color="black", linestyle=line, label=model) for model, line in lines.items()
        ]
    figure.legend(handles=handles, loc="outside upper left", ncols=min(len(handles), 4))
    figure.supylabel("Probability, %", fontsize=8)
    return figure


RESULT = PanelResult(
    figure=plot_wordings,
    title="Series by wording",
    caption=(
        "Probability of each answer option in per cent in each wording of the question, averaged over seeds. The estimate averages "
        "these lines. Where they disagree, the table above says which wordings the model has an answer in."
    ),
    shown=lambda tables: tables["wording_mass"]["variant"].nunique() > 1,
)
