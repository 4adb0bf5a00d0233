"""Whether predicted answers, as a data set, are like those of people: their spread, distribution, relations to other items."""

from matplotlib.figure import Figure

from stimmung.evaluation.votes.distribution_measures import MEASURES, RELATIONS
from stimmung.report.option_panels import plot_option_panels
from stimmung.report.style import INK
from stimmung.report.survey_results import SurveyResult, SurveyTables
from stimmung.report.table_rows import table_by_method
from stimmung.report.tables import Table
from stimmung.vocabulary.votes_schemas import FIDELITY

ALL = MEASURES | RELATIONS
BOOTSTRAP = "95 % interval of a bootstrap of respondents, for the models as they are"


def fidelity_table(tables: SurveyTables) -> Table:
    """Return each measure: a row for each method, grouped by condition."""
    fidelity = tables["fidelity"]
    labels = {name: one.label for name, one in ALL.items() if name in set(fidelity["measure"])}
    readings = "; ".join(f"{ALL[name].label}: {ALL[name].reading}" for name in labels)
    caption = (
        "Predicted answers against observed ones, by the distribution that draws from the probabilities have on average. "
        f"{readings}. In brackets the {BOOTSTRAP}."
    )
    return table_by_method(fidelity, "measure", labels, caption)


def plot_fidelity(tables: SurveyTables) -> Figure:
    """Draw each measure by method, with a line where predictions are as people are."""
    fidelity = tables["fidelity"]
    # The overlap is the rest of the total variation.
    present = [name for name in ALL if name in set(fidelity["measure"]) and name != "overlap"]
    panels = {ALL[name].label: fidelity[fidelity["measure"] == name] for name in present}
    figure = plot_option_panels(panels, tables.references, ("value", "ci_low", "ci_high"), sharex=False)
    for axes, name in zip(figure.axes, present, strict=True):
        axes.axvline(ALL[name].ideal, color=INK, linewidth=0.9, zorder=1)
    return figure


RESULT = SurveyResult(
    schema=FIDELITY,
    compute=lambda survey: survey.by_part(lambda part: part.fidelity.measures),
    table=fidelity_table,
    figure=plot_fidelity,
    title="Fidelity of the predicted answers",
    text=(
        "Are the predicted answers, as a data set, like those of people? Answers drawn from the probabilities are meant, not the most "
        "probable ones."
    ),
    caption=lambda tables: (
        "Measures of fidelity by method; the line is where predictions are as people are. The table says how to read each. "
        f"{tables.filling}Coloured: language models; grey: baselines. Whiskers: {BOOTSTRAP}."
    ),
)
