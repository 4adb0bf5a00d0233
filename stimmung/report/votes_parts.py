"""The results of one survey, and the parts of its chapter that show them: each a figure with its caption, and its table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from stimmung.evaluation.votes.comparisons import compare_conditions
from stimmung.report import votes_more_tables, votes_tables
from stimmung.report.conditions import Conditions, left_out, reference_conditions
from stimmung.report.page import Picture, Shown, Text
from stimmung.report.style import method_label
from stimmung.report.tables import Table

WHISKERS = (
    "Whiskers: 95 % interval over test folds, corrected for the training rows that folds share "
    "(Nadeau and Bengio 2003)."
)
COLOURS = "Coloured: language models; grey: baselines."


@dataclass(frozen=True)
class VotesResults:
    """The finished tables and figures of one survey.

    Attributes
    ----------
    fold_metrics, metrics, comparisons, shares, absent, effective, subgroups
        Tables of these names, see ``stimmung.vocabulary.votes_schemas``.
    figures
        Paths of SVG files, by name: f1_by_class, shares, learning_curve, left_out, reliability, absent, effective,
        subgroups.
    files
        Where the tables stand for download, relative to the page: name to paths.
    conditions
        The survey's conditions, as in the config.
    simulated
        Whether the answers were made up.
    """

    fold_metrics: pd.DataFrame
    metrics: pd.DataFrame
    comparisons: pd.DataFrame
    shares: pd.DataFrame
    absent: pd.DataFrame
    effective: pd.DataFrame
    subgroups: pd.DataFrame
    figures: Mapping[str, Path]
    files: Mapping[str, Sequence[str]]
    conditions: Conditions
    simulated: bool

    @property
    def methods(self) -> str:
        """The methods, as a list in words."""
        return ", ".join(method_label(method) for method in self.metrics["method"].unique())


def show_f1(results: VotesResults) -> list[Picture | Shown]:
    """Show the F1 of each answer option."""
    table = votes_tables.f1_table(results.metrics, results.simulated)
    picture = Picture(
        results.figures["f1_by_class"],
        f"F1 of each answer option and its mean, macro F1, by method. {_filled(results)}{COLOURS} {WHISKERS}",
        f"F1 by answer option for {results.methods}; the numbers stand in the table below.",
    )
    return [picture, _shown(table, "f1", results)]


def show_comparisons(results: VotesResults) -> list[Shown]:
    """Show each model against the best baseline."""
    table = votes_tables.comparisons_table(results.comparisons, results.simulated)
    return [_shown(table, "comparisons", results)]


def show_shares(results: VotesResults) -> list[Picture | Shown]:
    """Show predicted shares against observed ones."""
    table = votes_tables.shares_table(results.shares, results.simulated)
    picture = Picture(
        results.figures["shares"],
        "Predicted share of each answer option (mean probability, weighted) against the observed one "
        "(line), with Wilson's 95 % interval for the effective sample size (band). "
        f"{_filled(results)}{COLOURS} {WHISKERS}",
        f"Predicted and observed shares for {results.methods}; the numbers stand in the table below.",
    )
    return [picture, _shown(table, "shares", results)]


def show_learning_curve(results: VotesResults) -> list[Picture]:
    """Show what fewer training respondents cost."""
    picture = Picture(
        results.figures["learning_curve"],
        "Macro F1 and log-loss over the number of training respondents in a fold (logarithmic). Dotted: a "
        f"model that sees no training rows. {COLOURS} {WHISKERS} With few training rows they are rather "
        "too long than too short.",
        f"Learning curves of {results.methods}; the numbers stand in the table of all metrics.",
    )
    return [picture]


def show_effective(results: VotesResults) -> list[Text | Picture | Shown]:
    """Show what a tuned model is worth in respondents."""
    text = (
        "What is a language model worth, in respondents? Each point says how many the best baseline must learn from "
        "to be as good. Above the dotted line the language model needs fewer."
    )
    picture = Picture(
        results.figures["effective"],
        "Respondents that the best baseline of each share needs to equal the language model, over those that the model learned "
        "from or drew its examples from, both in a fold and logarithmic, after Hernandez et al. (2021). Open marks on grey: "
        "beyond what was measured, better than the baseline with all respondents or worse than with the fewest. Whiskers: "
        "95 % bootstrap interval over folds and respondents.",
        "Effective respondents by training share; the numbers stand in the table below.",
    )
    table = votes_more_tables.effective_table(results.effective, results.simulated)
    return [Text(text), picture, Shown(table, results.files.get("effective", ()))]


def show_absent(results: VotesResults) -> list[Picture | Shown]:
    """Show what becomes of the option whose voters are absent from training."""
    picture = Picture(
        results.figures["absent"],
        "Change of F1 and of the predicted share, in percentage points, for the answer option whose voters are absent from "
        f"the training rows, paired by fold. {COLOURS} {WHISKERS}",
        f"What becomes of the absent option with {results.methods}; the numbers stand in the table below.",
    )
    table = votes_more_tables.absent_table(results.absent, results.simulated)
    return [picture, Shown(table, results.files.get("absent", ()))]


def show_subgroups(results: VotesResults) -> list[Picture | Shown]:
    """Show how subgroups of the test respondents fare."""
    names = list(results.subgroups["subgroup"].unique())
    others = f"; open: {', '.join(names[1:])}" if names[1:] else ""
    picture = Picture(
        results.figures["subgroups"],
        "F1 of subgroups of the test respondents; all are learned from together (condition "
        f"{reference_conditions(results.conditions)[0]}). Filled: {names[0]}{others}. {COLOURS} {WHISKERS}",
        f"F1 by subgroup for {results.methods}; the numbers stand in the table below.",
    )
    table = votes_more_tables.subgroups_table(results.conditions, results.subgroups, results.simulated)
    return [picture, Shown(table, results.files.get("subgroups", ()))]


def show_left_out(results: VotesResults) -> list[Text | Picture | Shown]:
    """Show what a method loses when a group is absent from training."""
    changes = compare_conditions(results.fold_metrics, left_out(results.conditions))
    text = (
        "A group of respondents is absent from the training rows, as in systematic non-response, and present "
        "in the test folds. What a method then loses, and whom it overlooks, is the change against the same "
        "method that learned from everybody."
    )
    picture = Picture(
        results.figures["left_out"],
        "Change of each answer option's F1, and of its predicted share in percentage points, when a group is "
        "left out of the training rows, paired by fold. A model that sees no training rows does not change. "
        f"{COLOURS} {WHISKERS}",
        f"Changes by answer option for {results.methods}; the numbers stand in the table below.",
    )
    table = votes_tables.left_out_table(changes, results.simulated)
    return [Text(text), picture, _shown(table, "left_out", results)]


def show_reliability(results: VotesResults) -> list[Picture]:
    """Show whether a probability of .8 is right in 80 of 100 cases."""
    condition = reference_conditions(results.conditions)[0]
    picture = Picture(
        results.figures["reliability"],
        "Accuracy over the probability of the chosen option, in 10 bins of equal width, all test folds "
        f"together (condition {condition}). On the dashed line, a probability of .8 is right in 80 of 100 "
        "cases; above it, a method is too modest, below it, too sure. Whiskers: Wilson's 95 % interval. Grey "
        "bars: share of the predictions in a bin. ECE: expected calibration error, mean over folds.",
        f"Reliability diagrams of {results.methods}.",
    )
    return [picture]


def show_metrics(results: VotesResults) -> list[Shown]:
    """Show every metric that is not about one option."""
    table = votes_tables.metrics_table(results.metrics, results.simulated)
    return [_shown(table, "metrics", results)]


def _filled(results: VotesResults) -> str:
    first, *others = reference_conditions(results.conditions)
    return f"Filled: {first}; open: {', '.join(others)}. " if others else ""


def _shown(table: Table, name: str, results: VotesResults) -> Shown:
    """Show the conditions with all training rows at once, and fold the others."""
    folded = set(results.conditions) - set(reference_conditions(results.conditions))
    return Shown(table, results.files.get(name, ()), folded)
