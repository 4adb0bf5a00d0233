"""The chapter about one survey: how well its votes are predicted, and what the predictions add up to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from stimmung.evaluation.comparisons import compare_conditions
from stimmung.report import votes_more_tables, votes_tables
from stimmung.report.conditions import (
    Conditions,
    in_words,
    learning_curves,
    left_out,
    reference_conditions,
)
from stimmung.report.page import Facts, Part, Picture, Points, Section, Shown, Text
from stimmung.report.run_section import BUILT_IN
from stimmung.report.style import is_baseline, method_label
from stimmung.report.tables import Table, interval, number, p_value

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


def votes_section(name: str, run: Mapping[str, Any], results: VotesResults) -> Section:
    """Return the chapter of one survey.

    Parameters
    ----------
    name
        The survey's name in the config.
    run
        The content of run.yaml.
    results
        Its tables and figures.
    """
    parts = [
        Part("In short", [Points(_headlines(results))]),
        Part("Design", _design(run, run["config"]["surveys"][name], results)),
        Part("F1 by answer option", _f1(results)),
    ]
    if not results.comparisons.empty:
        table = votes_tables.comparisons_table(results.comparisons, results.simulated)
        parts.append(Part("Against the best baseline", [_shown(table, "comparisons", results)]))
    parts.append(Part("Shares", _shares(results)))
    if learning_curves(results.conditions):
        parts.append(Part("Learning from fewer respondents", [_learning_curve(results)]))
    if not results.effective.empty:
        parts.append(Part("Effective respondents", _effective(results)))
    if left_out(results.conditions):
        parts.append(Part("Leaving respondents out", _left_out(results)))
    if not results.absent.empty:
        parts.append(Part("The absent party", _absent(results)))
    if not results.subgroups.empty:
        parts.append(Part("Subgroups of respondents", _subgroups(results)))
    metrics = votes_tables.metrics_table(results.metrics, results.simulated)
    parts += [
        Part("Calibration", [_reliability(results)]),
        Part("All metrics", [_shown(metrics, "metrics", results)]),
        Part("How to read these numbers", [Points(_caveats(name, run))]),
    ]
    title = str(run["surveys"][name].get("title", name))
    return Section(name, title, parts, results.simulated)


def _headlines(results: VotesResults) -> list[str]:
    """Return, for each condition with all training rows, the best language model and the best baseline."""
    points = []
    for condition in reference_conditions(results.conditions):
        chosen = (results.metrics["condition"] == condition) & (results.metrics["metric"] == "macro_f1")
        means = results.metrics[chosen].set_index("method")
        arms = means[[not is_baseline(method) for method in means.index]]["value"].dropna()
        if arms.empty:
            continue
        best = str(arms.idxmax())
        text = f"Condition {condition}: of the language models, {best} has the highest macro F1, "
        text += f"{_value(means, best)}."
        pairs = results.comparisons[results.comparisons["metric"] == "macro_f1"]
        for _, row in pairs[(pairs["condition"] == condition) & (pairs["method"] == best)].iterrows():
            text += (
                f" The best baseline, {method_label(row['baseline'])}, has "
                f"{_value(means, row['baseline'])}. The difference is {number(row['difference'])} "
                f"{interval(row['ci_low'], row['ci_high'])}, adjusted p {p_value(row['p_adjusted'])}."
            )
        points.append(text)
    return points


def _value(means: pd.DataFrame, method: str) -> str:
    low, high = float(means["ci_low"][method]), float(means["ci_high"][method])
    return f"{number(float(means['value'][method]))} {interval(low, high)}".strip()


def _design(run: Mapping[str, Any], survey: Mapping[str, Any], results: VotesResults) -> list[Text | Facts]:
    metrics = results.metrics
    trained = metrics[metrics["n_training"] > 0].groupby("condition")["n_training"].max()
    text = (
        f"{metrics['n_respondents'].max()} respondents with a valid answer, each tested once, in one of "
        f"{metrics['n_folds'].max()} stratified folds. Test folds are the same under every condition; "
        "conditions change what is learned from."
    )
    conditions = []
    for name, condition in results.conditions.items():
        rows = f" ({trained[name]:.0f} training rows in a fold)" if name in trained.index else ""
        conditions.append((name, in_words(condition) + rows))
    preset = survey.get("training")
    training = run["config"].get("training", {}).get(preset, {})
    values = ", ".join(f"{key} {value}" for key, value in training.items() if value is not None)
    return [
        Text(text),
        Facts(conditions),
        *([Facts([("Adapters", f"{preset}: {values}")])] if values else []),
    ]


def _f1(results: VotesResults) -> list[Picture | Shown]:
    table = votes_tables.f1_table(results.metrics, results.simulated)
    picture = Picture(
        results.figures["f1_by_class"],
        f"F1 of each answer option and its mean, macro F1, by method. {_filled(results)}{COLOURS} {WHISKERS}",
        f"F1 by answer option for {results.methods}; the numbers stand in the table below.",
    )
    return [picture, _shown(table, "f1", results)]


def _shares(results: VotesResults) -> list[Picture | Shown]:
    table = votes_tables.shares_table(results.shares, results.simulated)
    picture = Picture(
        results.figures["shares"],
        "Predicted share of each answer option (mean probability, weighted) against the observed one "
        "(line), with Wilson's 95 % interval for the effective sample size (band). "
        f"{_filled(results)}{COLOURS} {WHISKERS}",
        f"Predicted and observed shares for {results.methods}; the numbers stand in the table below.",
    )
    return [picture, _shown(table, "shares", results)]


def _learning_curve(results: VotesResults) -> Picture:
    return Picture(
        results.figures["learning_curve"],
        "Macro F1 and log-loss over the number of training respondents in a fold (logarithmic). Dotted: a "
        f"model that sees no training rows. {COLOURS} {WHISKERS} With few training rows they are rather "
        "too long than too short.",
        f"Learning curves of {results.methods}; the numbers stand in the table of all metrics.",
    )


def _effective(results: VotesResults) -> list[Text | Picture | Shown]:
    text = (
        "What is a tuned language model worth, in respondents? Each point says how many the best baseline must learn from "
        "to be as good. Above the dotted line the language model needs fewer."
    )
    picture = Picture(
        results.figures["effective"],
        "Respondents that the best baseline of each share needs to equal the tuned model, over those that the model learned "
        "from, both in a fold and logarithmic, after Hernandez et al. (2021). Open marks on grey: beyond what was measured, "
        "better than the baseline with all respondents or worse than with the fewest. Whiskers: 95 % bootstrap interval "
        "over folds and respondents.",
        "Effective respondents by training share; the numbers stand in the table below.",
    )
    table = votes_more_tables.effective_table(results.effective, results.simulated)
    return [Text(text), picture, Shown(table, results.files.get("effective", ()))]


def _absent(results: VotesResults) -> list[Picture | Shown]:
    picture = Picture(
        results.figures["absent"],
        "Change of F1 and of the predicted share, in percentage points, for the answer option whose voters are absent from "
        f"the training rows, paired by fold. {COLOURS} {WHISKERS}",
        f"What becomes of the absent option with {results.methods}; the numbers stand in the table below.",
    )
    table = votes_more_tables.absent_table(results.absent, results.simulated)
    return [picture, Shown(table, results.files.get("absent", ()))]


def _subgroups(results: VotesResults) -> list[Picture | Shown]:
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


def _left_out(results: VotesResults) -> list[Text | Picture | Shown]:
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


def _reliability(results: VotesResults) -> Picture:
    condition = reference_conditions(results.conditions)[0]
    return Picture(
        results.figures["reliability"],
        "Accuracy over the probability of the chosen option, in 10 bins of equal width, all test folds "
        f"together (condition {condition}). On the dashed line, a probability of .8 is right in 80 of 100 "
        "cases; above it, a method is too modest, below it, too sure. Whiskers: Wilson's 95 % interval. Grey "
        "bars: share of the predictions in a bin. ECE: expected calibration error, mean over folds.",
        f"Reliability diagrams of {results.methods}.",
    )


def _filled(results: VotesResults) -> str:
    first, *others = reference_conditions(results.conditions)
    return f"Filled: {first}; open: {', '.join(others)}. " if others else ""


def _shown(table: Table, name: str, results: VotesResults) -> Shown:
    """Show the conditions with all training rows at once, and fold the others."""
    folded = set(results.conditions) - set(reference_conditions(results.conditions))
    return Shown(table, results.files.get(name, ()), folded)


def _caveats(name: str, run: Mapping[str, Any]) -> list[str]:
    points = [
        "Folds share training rows, so their values are not independent. Intervals and tests are corrected "
        "for it (Nadeau and Bengio 2003: the variance over folds times 1/K + n_test/n_training). Where a "
        "condition trains on few rows they are long, because all folds then share the same few. No "
        "correction is exact.",
        "Where several seeds ran, a fold's value is their mean. Seeds share the test respondents, so they "
        "say how much a method varies, not how well it is known.",
        "The best baseline is picked by the metric it is compared on, on the same folds. That makes it "
        "look a little too good: a claim that a language model is better is on the safe side, a claim that "
        "it is worse is not. p-values are adjusted for the number of models and conditions within a "
        "metric, not for the four metrics.",
        "Expected calibration error and the two distances between shares are never negative, so test folds "
        "of a few hundred give a perfect model more than 0. The shares themselves, and their errors in "
        "metrics.csv, have no such bias.",
        "Log-loss counts a probability of 0 as 2.2e-16, so one prediction that was certain and wrong adds "
        "36 nats to the sum. Brier is the sum over options, 0 to 2.",
        "The interval of an observed share knows of unequal weights, not of clusters or strata. Option "
        "mass is the probability on any valid option before it is scaled to 1: where it is low, the model "
        "would rather have said something else.",
    ]
    survey = run["config"]["surveys"][name]
    endpoints = set(run["config"].get("endpoints", {}))
    asked = sorted({arm.split("/")[0] for arm in survey.get("arms", [])} & endpoints)
    if asked:
        points.append(
            f"{', '.join(asked)} ran behind a server. No record pins its weights, and a vendor may change them. Where a "
            "server did not show every option, the share of such respondents stands under 'Not all shown'; the options "
            "that it hid count with the largest probability that all of them can have alike, and option mass is a lower bound."
        )
    if survey.get("weighted_metrics"):
        points.append("Survey weights count in every metric, not in the shares only.")
    models = {arm.split("/")[0] for arm in survey.get("arms", [])}
    declared = run["config"].get("models", {})
    if any(declared.get(model, {}).get("source") != BUILT_IN for model in models):
        points.append(
            "A language model may have read about the election, or the survey itself, before it was tuned. "
            "What it answers about a past election is then not a forecast."
        )
    return points
