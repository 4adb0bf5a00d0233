"""The chapter that sets all targets of a survey side by side; a chapter about each follows it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from stimmung.evaluation.votes.target_summary import SUMMARISED
from stimmung.evaluation.votes.vote_metrics import VOTE_METRICS
from stimmung.report.page import Part, Section, Shown, Text
from stimmung.report.style import is_baseline, method_label
from stimmung.report.tables import Cell, Group, Row, Table, number

SEES = {
    "others": "the prompt of a target holds the answers to all other items, other targets among them, but what gives it away",
    "items": "the prompt of a target holds the answers to items that are no targets",
}


def targets_section(
    name: str, run: Mapping[str, Any], targets: pd.DataFrame, mark: str | None, files: Sequence[str]
) -> Section:
    """Return the chapter of the survey ``name`` from its TARGETS table; other arguments as of ``votes_section``."""
    survey = run["config"]["surveys"][name]
    told = (
        f"{targets['target'].nunique()} targets, learned by the same adapters: {SEES[survey['targets_see']]}. Folds were drawn once, "
        "over all respondents with an answer to any target, and not stratified: no adapter learned any answer of a respondent whom "
        "it is tested on. A chapter about each target follows."
    )
    part = Part("All targets", [Text(told), Shown(targets_table(targets).marked(mark), files)])
    return Section(name, str(run["surveys"][name].get("title", name)), [part], bool(mark))


def targets_table(targets: pd.DataFrame) -> Table:
    """Return a row for each target and language model, with the best baseline beside it; of a study without any, for each baseline."""
    arms = targets[[not is_baseline(method) for method in targets["method"]]]
    chosen = targets if arms.empty else arms
    shown = [metric for metric in SUMMARISED if targets[metric].notna().any()]
    groups = [
        Group(str(condition), [_row(row, shown) for _, row in part.iterrows()])
        for condition, part in chosen.groupby("condition", sort=False)
    ]
    columns = ["Target", "Method", "Respondents"]
    for metric in shown:
        columns += [VOTE_METRICS[metric].heading, "best baseline"]
    caption = (
        "Every target of the survey: mean over folds of each method, and beside it the baseline that is best by that metric. "
        "↑ higher is better, ↓ lower. Intervals and tests are in the chapters of the targets."
    )
    return Table(caption, columns, groups)


def _row(row: Row, shown: Sequence[str]) -> list[Cell]:
    cells = [Cell(row["target"]), Cell(method_label(row["method"])), Cell(str(row["n_respondents"]))]
    for metric in shown:
        baseline = row[f"{metric}_baseline"]
        note: str = "" if pd.isna(baseline) else method_label(baseline)
        cells += [Cell(number(row[metric])), Cell(number(row[f"{metric}_of_baseline"]), note=note)]
    return cells
