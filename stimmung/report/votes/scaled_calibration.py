"""The calibration of the probabilities before and after scaling, by answer option and by subgroup."""

from collections.abc import Collection

import pandas as pd

from stimmung.evaluation.votes.calibration_gain import compare_calibration
from stimmung.report.style import language_models_first, method_label
from stimmung.report.survey_results import SurveyResult, SurveyTables
from stimmung.report.tables import Cell, Group, Row, Table, interval, number
from stimmung.vocabulary.votes_schemas import CALIBRATION_GAIN

OTHERS = " respondents of the other folds"  # which the caption says
SHOWN = {"expected_calibration_error": "ECE", "log_loss": "Log-loss", "brier": "Brier", "slope": "Slope"}


def calibration_table(tables: SurveyTables) -> Table:
    """Return each metric before and after scaling: a row for each method, by condition, subgroup and option."""
    gain = tables["calibration"]
    groups = [
        Group(
            heading,
            [
                _row(part[part["method"] == method])
                for method in language_models_first(part["method"].unique())
            ],
        )
        for heading, part in gain.groupby(headings(gain), sort=False)
    ]
    columns = [f"{label}{when}" for label in SHOWN.values() for when in ("", ", scaled")]
    caption = (
        "Calibration of the probabilities as predicted, and scaled; all test folds together. ECE: expected calibration error, 0 if "
        "a probability of .8 comes true in 80 of 100 cases. Slope: 1 is right; below 1 probabilities are too extreme (overconfident), "
        "above 1 not extreme enough. Of one option, Brier is the squared error of its probability; of two options, one says all. "
        "Scaling learns from answers, those of so many respondents of the other folds: a scaled zero-shot model is no longer without "
        "training. In brackets the 95 % interval of a bootstrap of respondents, for the models as they are."
    )
    return Table(caption, ["Method", *columns, "Learned from"], groups)


def headings(gain: pd.DataFrame) -> "pd.Series[str]":
    """Return the heading of each row's group: condition, subgroup, and option."""
    subgroup = (", " + gain["subgroup"].astype(object)).fillna("")
    option = (": " + gain["option"].astype(object)).fillna("")
    return gain["condition"] + subgroup + option


def _row(own: pd.DataFrame) -> list[Cell]:
    by_metric = {row["metric"]: row for _, row in own.iterrows()}
    cells = [_cell(by_metric[name], stage) for name in SHOWN for stage in ("before", "after")]
    scaling, _, whom = own["calibrated_on"].iloc[0].removesuffix(OTHERS).partition(", ")
    return [Cell(method_label(own["method"].iloc[0])), *cells, Cell(scaling, note=whom)]


def _cell(row: Row, stage: str) -> Cell:
    return Cell(number(row[stage]), interval(row[f"{stage}_low"], row[f"{stage}_high"]))


def folded(tables: SurveyTables) -> Collection[str]:
    """Return all headings but those of the conditions that train on all rows, everybody and all options together."""
    return set(headings(tables["calibration"])) - set(tables.references)


RESULT = SurveyResult(
    schema=CALIBRATION_GAIN,
    compute=lambda survey: survey.by_part(
        lambda part: compare_calibration(
            part.predictions, part.scaled, part.members, weighted=part.weighted, design=part.design
        )
    ),
    table=calibration_table,
    title="Calibration before and after scaling",
    folded=folded,
)
