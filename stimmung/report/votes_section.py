"""The chapter about one survey: how well its votes are predicted, and what the predictions add up to."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from stimmung.report import votes_parts
from stimmung.report.conditions import (
    in_words,
    learning_curves,
    left_out,
    reference_conditions,
)
from stimmung.report.page import Facts, Part, Points, Section, Text
from stimmung.report.run_section import BUILT_IN
from stimmung.report.style import is_baseline, method_label
from stimmung.report.tables import interval, number, p_value
from stimmung.report.votes_parts import VotesResults


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
        Part("F1 by answer option", votes_parts.show_f1(results)),
    ]
    if not results.comparisons.empty:
        parts.append(Part("Against the best baseline", votes_parts.show_comparisons(results)))
    parts.append(Part("Shares", votes_parts.show_shares(results)))
    if learning_curves(results.conditions):
        parts.append(Part("Learning from fewer respondents", votes_parts.show_learning_curve(results)))
    if not results.effective.empty:
        parts.append(Part("Effective respondents", votes_parts.show_effective(results)))
    if left_out(results.conditions):
        parts.append(Part("Leaving respondents out", votes_parts.show_left_out(results)))
    if not results.absent.empty:
        parts.append(Part("The absent party", votes_parts.show_absent(results)))
    if not results.subgroups.empty:
        parts.append(Part("Subgroups of respondents", votes_parts.show_subgroups(results)))
    parts += [
        Part("Calibration", votes_parts.show_reliability(results)),
        Part("All metrics", votes_parts.show_metrics(results)),
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
        "The F1 of an answer option is the harmonic mean of precision, how many of those it is predicted for chose it, and "
        "recall, for how many who chose it it is predicted. Macro F1 is the mean over options, each with the same weight: a "
        "method that names the largest option for everybody has a high accuracy and a low macro F1.",
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
