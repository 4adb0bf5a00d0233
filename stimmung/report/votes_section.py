"""The chapter about one survey: how well its votes are predicted, and what the predictions add up to."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from stimmung.evaluation.votes.condition_roles import in_words
from stimmung.evaluation.votes.failed_training import ADVICE, less_accurate_than_untrained
from stimmung.report.page import Block, Facts, Notice, Part, Points, Section, Text, paragraphs
from stimmung.report.result import parts_of
from stimmung.report.run_section import Pairs, adapter_facts, has_pretrained, noise_facts
from stimmung.report.style import is_baseline, method_label
from stimmung.report.survey_results import SurveyTables, votes_results
from stimmung.report.tables import interval, number, p_value
from stimmung.vocabulary.view import IN_PATHS, parent_of


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
    config, parent = run["config"], parent_of(name)
    survey = config["surveys"][parent]
    models = {arm.split("/")[0] for arm in survey.get("arms", [])}
    told = {
        "asked": sorted(models & set(config.get("endpoints", {}))),
        "weighted": survey.get("weighted_metrics"),
        "pretrained": has_pretrained(survey, config),
        "stratified": name == parent,
    }
    largest = tables["metrics"][["n_respondents", "n_folds"]].max()
    of_group = f"; all rows of a '{survey['group']}' stand in one of them" if survey.get("group") else ""
    drawn = "stratified folds" if name == parent else "folds that all targets share"
    design = (
        f"{largest['n_respondents']} respondents with a valid answer, each tested once, in one of {largest['n_folds']} {drawn}"
        f"{of_group}. Test folds are the same under every condition; conditions change what is trained on."
    )
    if any(condition.get("left_out") for condition in tables.conditions.values()):
        design += " A condition that leaves respondents out tests these alone."
    parts = [
        Part("In short", [Points(_headlines(tables)), *_warnings(tables)]),
        Part("Design", [Text(design), Facts(_facts(tables, survey, run))]),
        *parts_of(votes_results(), tables, figures, files),
        Part("How to read these numbers", [Points(paragraphs("votes_caveats.txt", **told))]),
    ]
    title = str(run["surveys"][parent].get("title", parent))
    if name != parent:
        title += f": {name.removeprefix(parent + IN_PATHS)}"
    return Section(name, title, parts, bool(tables.mark))


def _headlines(tables: SurveyTables) -> list[str]:
    """Return, for each condition that trains on all rows, the best language model and the best baseline."""
    points = []
    metrics, comparisons = (
        one[one["metric"] == "macro_f1"] for one in (tables["metrics"], tables["comparisons"])
    )
    for condition in tables.references:
        means = metrics[metrics["condition"] == condition].set_index("method")
        arms = means[[not is_baseline(method) for method in means.index]]["value"].dropna()
        if arms.empty:
            continue
        best = str(arms.idxmax())
        text = f"Condition {condition}: of the language models, {best} has the highest macro F1, {_value(means, best)}."
        chosen = (comparisons["condition"] == condition) & (comparisons["method"] == best)
        for _, row in comparisons[chosen].iterrows():
            text += (
                f" The best baseline, {method_label(row['baseline'])}, has {_value(means, row['baseline'])}. The difference is "
                f"{number(row['difference'])} {interval(row['ci_low'], row['ci_high'])}, adjusted p {p_value(row['p_adjusted'])}."
            )
        points.append(text)
    return points


def _warnings(tables: SurveyTables) -> list[Block]:
    """Return what is said of tuned arms that are less accurate than what needs no training; nothing if there are none."""
    lines = less_accurate_than_untrained(tables["metrics"], tables.conditions)
    return [Notice(ADVICE), Points(lines)] if lines else []


def _value(means: pd.DataFrame, method: str) -> str:
    value, low, high = (float(means[column][method]) for column in ("value", "ci_low", "ci_high"))
    return f"{number(value)} {interval(low, high)}".strip()


def _facts(tables: SurveyTables, survey: Mapping[str, Any], run: Mapping[str, Any]) -> Pairs:
    metrics = tables["metrics"]
    trained = metrics[metrics["n_training"] > 0].groupby("condition")["n_training"].max()
    conditions = []
    for name, condition in tables.conditions.items():
        rows = f" ({trained[name]:.0f} training rows in a fold)" if name in trained.index else ""
        conditions.append((name, in_words(condition) + rows))
    return [*conditions, *adapter_facts(survey, run["config"]), *noise_facts(survey, run.get("models", {}))]
