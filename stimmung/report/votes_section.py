"""The chapter about one survey: how well its votes are predicted, and what the predictions add up to."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from stimmung.evaluation.votes.condition_roles import in_words
from stimmung.report.costs import BUILT_IN
from stimmung.report.page import Facts, Part, Points, Section, Text
from stimmung.report.result import parts_of
from stimmung.report.run_section import adapter_facts
from stimmung.report.style import is_baseline, method_label
from stimmung.report.survey_results import SurveyTables, votes_results
from stimmung.report.tables import interval, number, p_value


def votes_section(
    name: str,
    run: Mapping[str, Any],
    tables: SurveyTables,
    figures: Mapping[str, Path],
    files: Mapping[str, Sequence[str]],
) -> Section:
    """Return the chapter of the survey ``name``.

    ``run`` is the content of run.yaml, ``figures`` are SVG files by name, and ``files`` the tables for download by name, as
    addresses relative to the page.
    """
    parts = [
        Part("In short", [Points(_headlines(tables))]),
        Part("Design", _design(run, run["config"]["surveys"][name], tables)),
        *parts_of(votes_results(), tables, figures, files),
        Part("How to read these numbers", [Points(_caveats(name, run))]),
    ]
    title = str(run["surveys"][name].get("title", name))
    return Section(name, title, parts, bool(tables.mark))


def _headlines(tables: SurveyTables) -> list[str]:
    """Return, for each condition that trains on all rows, the best language model and the best baseline."""
    points = []
    metrics, comparisons = tables["metrics"], tables["comparisons"]
    for condition in tables.references:
        chosen = (metrics["condition"] == condition) & (metrics["metric"] == "macro_f1")
        means = metrics[chosen].set_index("method")
        arms = means[[not is_baseline(method) for method in means.index]]["value"].dropna()
        if arms.empty:
            continue
        best = str(arms.idxmax())
        text = f"Condition {condition}: of the language models, {best} has the highest macro F1, "
        text += f"{_value(means, best)}."
        pairs = comparisons[comparisons["metric"] == "macro_f1"]
        for _, row in pairs[(pairs["condition"] == condition) & (pairs["method"] == best)].iterrows():
            text += (
                f" The best baseline, {method_label(row['baseline'])}, has "
                f"{_value(means, row['baseline'])}. The difference is {number(row['difference'])} "
                f"{interval(row['ci_low'], row['ci_high'])}, adjusted p {p_value(row['p_adjusted'])}."
            )
        points.append(text)
    return points


def _value(means: pd.DataFrame, method: str) -> str:
    value, low, high = (float(means[column][method]) for column in ("value", "ci_low", "ci_high"))
    return f"{number(value)} {interval(low, high)}".strip()


def _design(run: Mapping[str, Any], survey: Mapping[str, Any], tables: SurveyTables) -> list[Text | Facts]:
    metrics = tables["metrics"]
    trained = metrics[metrics["n_training"] > 0].groupby("condition")["n_training"].max()
    text = (
        f"{metrics['n_respondents'].max()} respondents with a valid answer, each tested once, in one of "
        f"{metrics['n_folds'].max()} stratified folds. Test folds are the same under every condition; "
        "conditions change what is trained on."
    )
    conditions = []
    for name, condition in tables.conditions.items():
        rows = f" ({trained[name]:.0f} training rows in a fold)" if name in trained.index else ""
        conditions.append((name, in_words(condition) + rows))
    return [Text(text), Facts([*conditions, *adapter_facts(survey, run["config"])])]


def _caveats(name: str, run: Mapping[str, Any]) -> list[str]:
    points = [
        "Folds share training rows, so their values are not independent. Intervals and tests are corrected "
        "for it (Nadeau and Bengio 2003: the variance over folds times 1/K + n_test/n_training). Where a "
        "condition trains on few rows they are long, because all folds then share the same few rows. No "
        "correction is exact.",
        "With several seeds, a fold's value is their mean. Seeds share the test respondents, so they show how much a method "
        "varies, not how precisely its performance is known.",
        "The best baseline is chosen by the metric it is compared on, on the same folds. That makes it look a little too good: "
        "a claim that a language model is better is conservative, a claim that it is worse is not. p-values are adjusted for "
        "the number of models and conditions within a metric, not for the four metrics.",
        "The F1 of an answer option is the harmonic mean of precision (the share of those it is predicted for who chose it) "
        "and recall (the share of those who chose it for whom it is predicted). Macro F1 is the unweighted mean over options: "
        "a method that predicts the largest option for everybody has a high accuracy and a low macro F1.",
        "Expected calibration error and the two distances between shares are never negative, so with test folds of a few "
        "hundred even a perfect model has more than 0. The shares themselves, and their errors in metrics.csv, have no such "
        "bias.",
        "Log-loss counts a probability of 0 as 2.2e-16, so one prediction that was certain and wrong adds 36 nats to the sum. "
        "Brier is the sum over options, 0 to 2.",
        "The interval of an observed share accounts for unequal weights, not for clusters or strata. Option mass is the "
        "probability of any valid option before it is scaled to 1: where it is low, the model would rather have said "
        "something else.",
    ]
    survey = run["config"]["surveys"][name]
    endpoints = set(run["config"].get("endpoints", {}))
    asked = sorted({arm.split("/")[0] for arm in survey.get("arms", [])} & endpoints)
    if asked:
        points.append(
            f"{', '.join(asked)} ran behind a server. No record pins its weights, and a vendor may change them. Where a "
            "server did not show every option, 'Not all shown' is the share of such respondents; hidden options count with the "
            "largest probability that all of them can have equally, and option mass is a lower bound."
        )
    if survey.get("weighted_metrics"):
        points.append("Survey weights count in every metric, not only in the shares.")
    models = {arm.split("/")[0] for arm in survey.get("arms", [])}
    declared = run["config"].get("models", {})
    if any(declared.get(model, {}).get("source") != BUILT_IN for model in models):
        points.append(
            "A language model may have read about the election, or the survey itself, before it was tuned. "
            "What it answers about a past election is then no forecast."
        )
    return points
