"""How strongly predicted answers depend on the other items, against the observed ones, and what both are within subgroups."""

from matplotlib.figure import Figure

from stimmung.report.style import (
    FAINT,
    language_models_first,
    looks_of_present,
    method_label,
    note_figure,
    panel_figure,
)
from stimmung.report.survey_results import SurveyResult, SurveyTables
from stimmung.report.tables import DASH, Cell, Group, Row, Table, interval, number
from stimmung.vocabulary.votes_schemas import FIDELITY_PARTS

PANELS_IN_A_ROW = 4
PARTS = {"cramers_v": "Cramér's V", "slope": "slope", "share": "share in the subgroup"}


def relations_table(tables: SurveyTables) -> Table:
    """Return Cramér's V by item, slopes by column and shares by subgroup: a row for each, a column for each method."""
    parts = tables["fidelity_parts"]
    shown = parts[parts["condition"].isin(tables.references)]
    methods = language_models_first(shown["method"].unique())
    groups = []
    for key, rows in shown.groupby(["condition", "part", "option"], sort=False, dropna=False):
        condition, part, option = (str(one) for one in key)
        of_option = "" if option == "nan" else f", {option}"
        cells = []
        for name, own in rows.groupby("of", sort=False):
            by_method = {row["method"]: row for _, row in own.iterrows()}
            observed = Cell(number(own["observed"].iloc[0]))
            cells.append([Cell(str(name)), observed, *(_cell(by_method.get(one)) for one in methods)])
        groups.append(Group(f"{condition}: {PARTS[part]}{of_option}", cells))
    caption = (
        "What predicted answers have to do with the other items, against the observed ones (column Answers). Cramér's V with each "
        "item, from 0 for nothing to 1, its bias taken off (Bergsma 2013); slopes of a least-squares regression on all items, for one "
        "standard deviation of each; shares within subgroups. Below each the difference from the answers, with its 95 % interval of a "
        "bootstrap of respondents, for the models as they are."
    )
    return Table(caption, ["", "Answers", *map(method_label, methods)], groups)


def _cell(row: "Row | None") -> Cell:
    if row is None:
        return Cell(DASH)
    difference = f"{number(row['difference'])} {interval(row['ci_low'], row['ci_high'])}".strip()
    return Cell(number(row["predicted"]), difference)


def plot_relations(tables: SurveyTables) -> Figure:
    """Draw Cramér's V of each method's predictions over that of the answers, a mark for each item."""
    parts = tables["fidelity_parts"]
    parts = parts[(parts["condition"] == tables.references[0]) & (parts["part"] == "cramers_v")]
    if parts.empty:
        return note_figure("No relations: this survey has no other items.")
    looks = looks_of_present(parts, tables.subjects)
    figure, grid = panel_figure(len(looks), PANELS_IN_A_ROW, 2.1, 0.2)
    for axes, (method, (colour, marker)) in zip(grid, looks.items(), strict=True):
        own = parts[parts["method"] == method]
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8, linestyle="--")
        low, high = (own["observed"] + own[end] for end in ("ci_low", "ci_high"))
        axes.vlines(own["observed"], low, high, color=colour, linewidth=0.8)
        axes.plot(own["observed"], own["predicted"], marker, color=colour, linestyle="none", clip_on=False)
        axes.set_title(method_label(method))
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_aspect("equal")
        axes.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
        axes.set_yticks([0, 0.5, 1], ["0", ".5", "1"])
    figure.supxlabel("Cramér's V of the answers with an item", fontsize=8)
    figure.supylabel("of the predictions", fontsize=8)
    return figure


RESULT = SurveyResult(
    schema=FIDELITY_PARTS,
    compute=lambda survey: survey.by_part(lambda part: part.fidelity.parts),
    table=relations_table,
    figure=plot_relations,
    folded=lambda tables: {group.heading for group in relations_table(tables).groups[1:]},
    title="Relations of the predicted answers to other items",
    caption=lambda tables: (
        "How strongly predicted answers depend on each other item of the survey, over how strongly the answers do "
        f"(condition {tables.references[0]}): Cramér's V, its bias taken off, a mark for each item. On the dashed line both are the "
        "same; above it, predictions depend on the item more than people's answers do, as stereotypes would. Whiskers: 95 % interval "
        "of the difference from the answers, a bootstrap of respondents."
    ),
)
