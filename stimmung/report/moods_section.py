"""The chapter about one panel: its weekly moods beside the survey's, and which of the results can be believed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stimmung.report.costs import BUILT_IN
from stimmung.report.moods.lags import SIGNIFICANT
from stimmung.report.page import Facts, Notice, Part, Points, Section, Text
from stimmung.report.panel_results import PanelTables, moods_results
from stimmung.report.result import parts_of
from stimmung.report.run_section import adapter_facts
from stimmung.report.series_panels import weeks_in_words, weeks_without_estimate
from stimmung.report.series_tables import models_in_order
from stimmung.report.style import is_baseline, method_label
from stimmung.report.tables import interval, number

# The series that every panel has without a language model.
WITHOUT_A_MODEL = {
    "words": "share of the week's posts with the option's word",
    "phrases": "share of the week's posts that say 'I am', 'I'm' or 'I feel' and the option's word",
    "lexicon": "share of the week's words that a lexicon counts for the option, by their weights in it",
}


def moods_section(
    name: str,
    run: Mapping[str, Any],
    tables: PanelTables,
    figures: Mapping[str, Path],
    files: Mapping[str, Sequence[str]],
) -> Section:
    """Return the chapter of the panel ``name``.

    ``run`` is the content of run.yaml, ``figures`` are SVG files by name, and ``files`` the tables for download by name, as
    addresses relative to the page.
    """
    panel = run["config"]["panels"][name]
    parts = [
        Part("In short", [Points(_headlines(tables))]),
        Part("Design", _design(panel, run["config"], tables)),
        *parts_of(moods_results(), tables, figures, files),
        Part("How to read these numbers", [Points(_caveats(panel, run["config"], tables))]),
    ]
    return Section(f"panel-{name}", f"Panel {name}", parts, tables.mark == "simulated")


def _headlines(tables: PanelTables) -> list[str]:
    points = []
    for model in tables.subjects:
        for _, row in _means(tables["recovery"], model).iterrows():
            points.append(
                f"{model} recovers the known mood ({row['question']}) with a correlation of "
                f"{number(row['r'], 2)} {interval(row['ci_low'], row['ci_high'], 2)} on average over options, rank "
                f"correlation {number(row['rho'], 2)}.{_best_counterpart(tables, row)}"
            )
    here = tables["ccf"][tables["ccf"]["lag_weeks"] == 0]
    for model in models_in_order(here):
        part = here[here["model"] == model]
        published = int((part["p"] <= SIGNIFICANT).sum())
        prewhitened = int((part["p_prewhitened"] <= SIGNIFICANT).sum())
        family = int((part["p_family"] <= SIGNIFICANT).sum())
        points.append(
            f"{method_label(model)}{_kind(model)} against the survey, at lag 0: of {len(part)} options, {published} with p ≤ .05 "
            f"as published, {prewhitened} by the test that holds its level (prewhitened p), {family} after adjustment for all "
            f"options and lags. Median r of the raw series {number(float(np.nanmedian(part['r_raw'])), 2)}."
        )
    return points or ["This panel has no survey to be correlated with."]


def _kind(model: str) -> str:
    return " (no language model)" if is_baseline(model) else ""


def _means(recovery: pd.DataFrame, model: str) -> pd.DataFrame:
    return recovery[(recovery["model"] == model) & recovery["option"].isna()]


def _best_counterpart(tables: PanelTables, row: "pd.Series[Any]") -> str:
    """Return how well the best series that needs no language model does on the same question."""
    means = tables["recovery"][tables["recovery"]["option"].isna()]
    others = means[(means["question"] == row["question"]) & means["model"].map(is_baseline)]
    if others.empty:
        return ""
    best = others.loc[others["r"].idxmax()]
    span = interval(best["ci_low"], best["ci_high"], 2)
    return f" The best of the others, {method_label(best['model'])}: {number(best['r'], 2)} {span}."


def _design(
    panel: Mapping[str, Any], config: Mapping[str, Any], tables: PanelTables
) -> list[Text | Facts | Notice]:
    seeds = tables["affect"]["seed"].nunique()
    span = f"{len(tables.weeks)} weeks, {tables.weeks[0]} to {tables.weeks[-1]}."
    if tables.mixed:
        span = (
            f"{len(tables.weeks)} mixes of joyful and sad posts with known shares. Each takes the place of a week, "
            "in which nobody wrote: lags, trends and dates mean nothing."
        )
    text = (
        f"{span} For each week and each of {seeds} seeds, {', '.join(tables.subjects)} was tuned on the posts of that "
        "week alone and then asked. The probability of an answer option, averaged over the wordings of the question "
        "and over seeds, is the week's estimate."
    )
    asked = [
        (question, f"{one['stem']} Wordings: {_wordings(one)}")
        for question, one in panel["questions"].items()
    ]
    others = {
        method_label(model)
        for model in (*tables["ccf"]["model"], *tables["recovery"]["model"])
        if is_baseline(model)
    }
    facts = [
        *asked,
        *((name, meaning) for name, meaning in WITHOUT_A_MODEL.items() if name in others),
        *adapter_facts(panel, config),
    ]
    blocks: list[Text | Facts | Notice] = [Text(text), Facts(facts)]
    missing = weeks_without_estimate(tables)
    if missing:
        blocks.append(
            Notice(
                f"Weeks without estimate, because they have too few posts: {weeks_in_words(missing)}. Figures leave them open."
            )
        )
    return blocks


def _wordings(question: Mapping[str, Any]) -> str:
    variants = question["variants"]
    prefixes = ", ".join(f"'{prefix.strip()}'" if prefix.strip() else "none" for prefix in variants["prefix"])
    return f"prefix {prefixes}; case {', '.join(variants['case'])}."


def _caveats(panel: Mapping[str, Any], config: Mapping[str, Any], tables: PanelTables) -> list[str]:
    of_series = [
        "Smoothing makes neighbouring weeks alike, so a naive p on smoothed series is far too small: with 34 weeks of AR(1) .8 "
        "it rejects some 43 of 100 pairs of independent series at 5 %. It is shown because it was published. The test to "
        "believe is that on innovations.",
        "Prewhitening fits an autoregression to each series and compares what it does not predict. It holds its "
        "level for stationary series. Against a trend or a level shift that both series have, no method on one "
        "pair of series can tell a common cause from chance.",
        "Bootstrap intervals of the raw series are too short in panels of a few months, because blocks cannot be "
        "long. They show how far r moves with the weeks at hand.",
    ]
    points = ([] if tables.mixed else of_series) + [
        "The range over seeds shows how much depends on chance in training, not how precisely a population is known: "
        "posts are no sample of the survey's population.",
        "Probabilities are relative to the options of the question. When one option rises, others must fall; the survey may let "
        "respondents choose several.",
    ]
    spread = (tables["affect"]["variant_max"] - tables["affect"]["variant_min"]).mean()
    points.append(
        f"Wordings differ: on average there are {number(100 * float(spread), 1)} percentage points between the highest and the "
        "lowest answer to the same question in the same week (columns variant_min and variant_max of affect.parquet)."
    )
    models = {arm.split("/")[0] for arm in panel["arms"]}
    if any(config.get("models", {}).get(model, {}).get("source") != BUILT_IN for model in models):
        points.append(
            "A language model may have read about these weeks before it was tuned. Its answers then do not come "
            "from the posts alone; the dotted lines show what it says without them."
        )
    return points
