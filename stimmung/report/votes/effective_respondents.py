"""Effective respondents: how many the best baseline needs to be as good as a tuned language model."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stimmung.evaluation.votes.condition_roles import learning_curves
from stimmung.evaluation.votes.effective_sample import count_effective_respondents
from stimmung.evaluation.votes.vote_metrics import VOTE_METRICS
from stimmung.report.style import (
    FAINT,
    WIDTH_INCHES,
    add_legend_beside,
    looks_of_present,
    method_label,
    note_figure,
)
from stimmung.report.survey_results import SurveyResult, SurveyTables
from stimmung.report.tables import DASH, Cell, Group, Row, Table, number
from stimmung.vocabulary.votes_schemas import EFFECTIVE

SHOWN = {"macro_f1": "By macro F1", "log_loss": "By log-loss"}
# How far beyond the measured range 'more than all' and 'fewer than the fewest' are drawn, as a factor.
BEYOND = 1.6


def effective_table(tables: SurveyTables) -> Table:
    """Return how many respondents the best baseline needs to equal a tuned model: a row for each share."""
    groups = []
    for (method, metric), part in tables["effective"].groupby(["method", "metric"], sort=False):
        rows = []
        for _, row in part.sort_values("n_training").iterrows():
            inside = row["n_effective"] > 0 and np.isfinite(row["n_effective"])
            rows.append(
                [
                    Cell(str(row["condition"])),
                    Cell(f"{row['n_training']:.0f}"),
                    Cell(_count(row, "n_effective"), f"[{_count(row, 'ci_low')}, {_count(row, 'ci_high')}]"),
                    Cell(number(row["n_effective"] / row["n_training"], 1) if inside else DASH),
                ]
            )
        groups.append(Group(f"{method_label(str(method))}, {VOTE_METRICS[str(metric)].label}", rows))
    caption = (
        "Effective respondents, after the effective data transferred of Hernandez et al. (2021): how many training "
        "respondents the best baseline of each share needs to equal the language model, read off its learning curve. > means "
        "more than all there are, < fewer than the smallest share has; the ratio is then unknown. In brackets the 95 % "
        "percentile interval of a bootstrap of folds, and of respondents within them, longer for the training rows that folds share."
    )
    return Table(caption, ["Condition", "Training n", "Effective n", "Ratio"], groups)


def _count(row: Row, name: str) -> str:
    if np.isinf(row[name]):
        return f"> {row['n_largest']:.0f}"
    return f"< {row['n_smallest']:.0f}" if row[name] == 0 else f"{row[name]:.0f}"


def plot_effective(tables: SurveyTables) -> Figure:
    """Draw the respondents that the best baseline needs over those that the language model was trained on."""
    effective = tables["effective"]
    if effective.empty:
        return note_figure(
            "No effective respondents: this study has no tuned model and baselines on several training shares."
        )
    figure = Figure(figsize=(WIDTH_INCHES, 3.0))
    row = figure.subplots(1, len(SHOWN), squeeze=False)[0]
    for axes, (metric, title) in zip(row, SHOWN.items(), strict=True):
        part = effective[effective["metric"] == metric]
        _draw(axes, part, looks_of_present(part, tables.subjects))
        axes.set_title(title)
    row[0].set_ylabel("Training respondents that the best baseline needs")
    add_legend_beside(figure, row[0])
    return figure


def _draw(axes: Axes, effective: pd.DataFrame, looks: dict[str, tuple[str, str]]) -> None:
    low, high = float(effective["n_smallest"].min()), float(effective["n_largest"].max())
    least, most = low / BEYOND, high * BEYOND
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.axhspan(high, most * 1.15, color="#f2f2f2", zorder=0, linewidth=0)
    axes.axhspan(least / 1.15, low, color="#f2f2f2", zorder=0, linewidth=0)
    ends = [low, high]
    axes.plot(ends, ends, color=FAINT, linestyle=":", linewidth=0.9, label="as many as the model")
    for place, (method, (colour, marker)) in enumerate(looks.items()):
        rows = effective[effective["method"] == method].sort_values("n_training")
        x = rows["n_training"].to_numpy() * 1.03 ** (place - (len(looks) - 1) / 2)
        y = np.clip(rows["n_effective"].to_numpy(), least, most)
        whiskers = np.clip(rows[["ci_low", "ci_high"]].to_numpy(), least, most)
        axes.vlines(x, whiskers[:, 0], whiskers[:, 1], color=colour, linewidth=0.8)
        inside = (rows["n_effective"] > 0) & np.isfinite(rows["n_effective"])
        axes.plot(x, y, color=colour, linewidth=1.2)
        axes.plot([], [], color=colour, marker=marker, label=method_label(method))
        for within, filling in ((True, colour), (False, "white")):
            chosen = inside.to_numpy() == within
            axes.plot(x[chosen], y[chosen], marker, color=colour, markerfacecolor=filling, linestyle="none")
    axes.set_ylim(least / 1.15, most * 1.15)
    ticks = sorted({float(value) for value in effective["n_training"]})
    axes.set_xticks(ticks, [f"{value:.0f}" for value in ticks])
    axes.set_yticks(
        [least, *ticks, most], [f"< {low:.0f}", *(f"{value:.0f}" for value in ticks), f"> {high:.0f}"]
    )
    axes.minorticks_off()
    axes.set_xlabel("Training respondents of the language model")


RESULT = SurveyResult(
    schema=EFFECTIVE,
    compute=lambda survey: count_effective_respondents(
        survey.predictions,
        survey.splits,
        learning_curves(survey.conditions),
        weighted=survey.weighted,
        design=survey.design,
    ),
    table=effective_table,
    figure=plot_effective,
    title="Effective respondents",
    text=(
        "How many respondents is a language model worth? Each point says how many the best baseline must be trained on to be "
        "as good. Above the dotted line the language model needs fewer."
    ),
    caption=(
        "Respondents that the best baseline of each share needs to equal the language model, over those that the model was "
        "trained on or drew its examples from, both in a fold and logarithmic, after Hernandez et al. (2021). Open marks on "
        "grey: beyond what was measured, better than the baseline with all respondents or worse than with the fewest. "
        "Whiskers: 95 % bootstrap interval over folds and respondents."
    ),
)
