"""The chapter about one panel: its weekly moods beside the survey's, and which of the results can be believed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stimmung.evaluation.series.affect import small_masses
from stimmung.evaluation.series.prewhitening import SEASONS_WEEKS
from stimmung.evaluation.series.weekly_series import weeks_in_common
from stimmung.report.moods.lags import SIGNIFICANT
from stimmung.report.page import Block, Facts, Notice, Part, Points, Section, Text, paragraphs
from stimmung.report.panel_results import PanelTables, moods_results
from stimmung.report.result import parts_of
from stimmung.report.run_section import adapter_facts, has_pretrained, noise_facts
from stimmung.report.series_panels import weeks_in_words, weeks_without_estimate
from stimmung.report.style import is_baseline, method_label
from stimmung.report.table_rows import models_in_order
from stimmung.report.tables import interval, number
from stimmung.vocabulary.parquet_tables import SIGNAL_PREFIX

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
    affect = tables["affect"]
    told = {
        "mixed": tables.mixed,
        "asked": bool(tables.subjects),
        "shortest_season": SEASONS_WEEKS[0],
        "longest_season": SEASONS_WEEKS[-1],
        "spread_points": number(100 * float((affect["variant_max"] - affect["variant_min"]).mean()), 1),
        "pretrained": has_pretrained(panel, run["config"]),
        "select_all": any(one.get("select_all") for one in panel["questions"].values()),
        "one_of_several": not all(one.get("select_all") for one in panel["questions"].values()),
    }
    parts = [
        Part("In short", [Points(_headlines(tables))]),
        Part("Design", _design(panel, run, tables)),
        *parts_of(moods_results(), tables, figures, files),
        Part("How to read these numbers", [Points(paragraphs("moods_caveats.txt", **told))]),
    ]
    return Section(f"panel-{name}", f"Panel {name}", parts, tables.mark == "simulated")


def _headlines(tables: PanelTables) -> list[str]:
    points = []
    recovery = tables["recovery"]
    means = recovery[recovery["option"].isna()]
    for model in tables.subjects:
        for _, row in means[means["model"] == model].iterrows():
            points.append(
                f"{model} recovers the known mood ({row['question']}) with a correlation of "
                f"{_r(row)} on average over options, rank "
                f"correlation {number(row['rho'], 2)}.{_best_counterpart(means[means['question'] == row['question']])}"
            )
    here = tables["ccf"][tables["ccf"]["lag_weeks"] == 0]
    for model in models_in_order(here):
        part = here[(here["model"] == model) & (here["note"] == "")]
        if part.empty:
            notes = ", ".join(here.loc[here["model"] == model, "note"].unique())
            points.append(f"{method_label(model)} is not correlated with the survey: {notes}.")
            continue
        published, prewhitened, family = (part[["p", "p_prewhitened", "p_family"]] <= SIGNIFICANT).sum()
        kind = " (no language model)" if is_baseline(model) else ""
        points.append(
            f"{method_label(model)}{kind} against the survey, at lag 0: of {len(part)} options, {published} with p ≤ .05 "
            f"as published, {prewhitened} by the test that holds its level (prewhitened p), {family} after adjustment for all "
            f"options and lags. Median r of the raw series {number(float(np.nanmedian(part['r_raw'])), 2)}."
        )
    return points or ["This panel has no survey to be correlated with."]


def _best_counterpart(means: pd.DataFrame) -> str:
    """Return how well the best series that needs no language model recovers the mood of a question."""
    others = means[means["model"].map(is_baseline)]
    if others.empty:
        return ""
    best = others.nlargest(1, "r").iloc[0]
    return f" The best of the others, {method_label(best['model'])}: {_r(best)}."


def _r(row: "pd.Series[Any]") -> str:
    return f"{number(row['r'], 2)} {interval(row['ci_low'], row['ci_high'], 2)}"


def _design(panel: Mapping[str, Any], run: Mapping[str, Any], tables: PanelTables) -> list[Block]:
    n_seeds, missing = tables["affect"]["seed"].nunique(), weeks_without_estimate(tables)
    masses = tables["wording_mass"].rename(columns={"mass": "option_mass"})
    text, *gaps = paragraphs(
        "moods_design.txt",
        tables=tables,
        n_seeds=n_seeds,
        missing=weeks_in_words(missing),
        warnings=[*small_masses(masses), *weeks_in_common(tables["series_weeks"])],
        posts=any(not name.startswith(SIGNAL_PREFIX) for name in tables["series_weeks"]["model"]),
    )
    asked = [(name, f"{one['stem']} Wordings: {_wordings(one)}") for name, one in panel["questions"].items()]
    series = {method_label(name) for name in (*tables["ccf"]["model"], *tables["recovery"]["model"])}
    others = [(name, meaning) for name, meaning in WITHOUT_A_MODEL.items() if name in series]
    adapters = adapter_facts(panel, run["config"]) if tables.subjects else []
    made = [*adapters, *noise_facts(panel, run.get("models", {}))]
    return [Text(text), Facts([*asked, *others, *made]), *map(Notice, gaps)]


def _wordings(question: Mapping[str, Any]) -> str:
    variants = question["variants"]
    prefixes = ", ".join(f"'{prefix.strip()}'" if prefix.strip() else "none" for prefix in variants["prefix"])
    return f"prefix {prefixes}; case {', '.join(variants['case'])}."
