"""The chapter about one panel: its weekly moods beside the survey's, and what of it can be believed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stimmung.report import moods_tables
from stimmung.report.mood_lags import SIGNIFICANT
from stimmung.report.mood_series import weeks_without_estimate
from stimmung.report.page import Facts, Notice, Part, Picture, Points, Section, Shown, Text
from stimmung.report.run_section import BUILT_IN, in_words
from stimmung.report.style import is_baseline, method_label
from stimmung.report.tables import Table, interval, number

# What the series are that every panel has without a language model.
WITHOUT_A_MODEL = {
    "words": "share of the week's posts with the option's word",
    "phrases": "share of the week's posts that say 'I am', 'I'm' or 'I feel' and the option's word",
    "lexicon": "share of the week's words that a lexicon counts for the option, by their weights there",
}


@dataclass(frozen=True)
class MoodsResults:
    """The finished tables and figures of one panel.

    Attributes
    ----------
    affect, ccf, confirmations, recovery
        Tables of these names, see ``stimmung.vocabulary.moods_schemas``. The last three may be empty.
    figures
        Paths of SVG files, by name: series, lags, raw, relative.
    files
        Where the tables stand for download, relative to the page: name to paths.
    weeks
        The labels of all weeks.
    constructed
        'simulated', 'constructed', or nothing.
    mixed
        Whether the weeks are mixes with known shares, one each.
    """

    affect: pd.DataFrame
    ccf: pd.DataFrame
    confirmations: pd.DataFrame
    recovery: pd.DataFrame
    figures: Mapping[str, Path]
    files: Mapping[str, Sequence[str]]
    weeks: Sequence[str]
    constructed: str | None
    mixed: bool = False

    @property
    def arms(self) -> list[str]:
        """The language models."""
        return list(self.affect["model"].unique())


def moods_section(name: str, run: Mapping[str, Any], results: MoodsResults) -> Section:
    """Return the chapter of one panel.

    Parameters
    ----------
    name
        The panel's name in the config.
    run
        The content of run.yaml.
    results
        Its tables and figures.
    """
    panel = run["config"]["panels"][name]
    parts = [
        Part("In short", [Points(_headlines(results))]),
        Part("Design", _design(panel, run["config"], results)),
        Part("Known shares and answers", [_mixes(results)])
        if results.mixed
        else Part("Posts and survey, as published", [_series(panel, results)]),
    ]
    if not results.ccf.empty:
        rolling_weeks = panel["series"]["rolling_weeks"]
        table = moods_tables.correlations_table(results.ccf, rolling_weeks, results.constructed)
        changes = {group.heading for group in table.groups if group.heading.endswith(moods_tables.CHANGES)}
        parts.append(
            Part("Correlations side by side", [Shown(table, results.files.get("correlations", ()), changes)])
        )
        parts.append(Part("Correlation by lag", [_lags(results)]))
    if not results.confirmations.empty:
        table = moods_tables.confirmations_table(results.confirmations, results.constructed)
        folded = {group.heading for group in table.groups[len(results.arms) :]}
        parts.append(Part("Lags confirmed", [Shown(table, results.files.get("confirmations", ()), folded)]))
    if not results.recovery.empty:
        table = moods_tables.recovery_table(results.recovery, results.constructed)
        parts.append(Part("The known mood", [_shown(table, "recovery", results)]))
    parts += [
        Part("Raw probabilities", [_raw(results)]),
        Part("Relative to the untuned model", [_relative(results)]),
        Part("How to read these numbers", [Points(_caveats(panel, run["config"], results))]),
    ]
    return Section(f"panel-{name}", f"Panel {name}", parts, results.constructed == "simulated")


def _headlines(results: MoodsResults) -> list[str]:
    points = []
    for model in results.arms:
        for _, row in _means(results.recovery, model).iterrows():
            points.append(
                f"{model} recovers the known mood ({row['question']}) with a correlation of "
                f"{number(row['r'], 2)} {interval(row['ci_low'], row['ci_high'], 2)} on average over options, rank "
                f"correlation {number(row['rho'], 2)}.{_best_counterpart(results, row)}"
            )
    here = results.ccf[results.ccf["lag_weeks"] == 0]
    for model in moods_tables.in_order(here) if not here.empty else []:
        part = here[here["model"] == model]
        published = int((part["p"] <= SIGNIFICANT).sum())
        honest = int((part["p_prewhitened"] <= SIGNIFICANT).sum())
        family = int((part["p_family"] <= SIGNIFICANT).sum())
        points.append(
            f"{method_label(model)}{_kind(model)} against the survey, at lag 0: of {len(part)} options, {published} with p ≤ .05 "
            f"as published, {honest} by the test that holds its level, {family} after allowance for all options "
            f"and lags. Median r of the raw series {number(float(np.nanmedian(part['r_raw'])), 2)}."
        )
    return points or ["There is no survey beside this panel: its series stand alone."]


def _kind(model: str) -> str:
    return " (no language model)" if is_baseline(model) else ""


def _means(recovery: pd.DataFrame, model: str) -> pd.DataFrame:
    return recovery[(recovery["model"] == model) & recovery["option"].isna()]


def _best_counterpart(results: MoodsResults, row: "pd.Series[Any]") -> str:
    """Return how well the best series that needs no language model does on the same question."""
    means = results.recovery[results.recovery["option"].isna()]
    others = means[(means["question"] == row["question"]) & means["model"].map(is_baseline)]
    if others.empty:
        return ""
    best = others.loc[others["r"].idxmax()]
    span = interval(best["ci_low"], best["ci_high"], 2)
    return f" The best of the others, {method_label(best['model'])}: {number(best['r'], 2)} {span}."


def _design(
    panel: Mapping[str, Any], config: Mapping[str, Any], results: MoodsResults
) -> list[Text | Facts | Notice]:
    seeds = results.affect["seed"].nunique()
    span = f"{len(results.weeks)} weeks, {results.weeks[0]} to {results.weeks[-1]}."
    if results.mixed:
        span = (
            f"{len(results.weeks)} mixes of joyful and sad posts with known shares. Each stands in the place of a week, "
            "in which nobody wrote: lags, trends and dates mean nothing."
        )
    text = (
        f"{span} For each week and each of {seeds} seeds, {', '.join(results.arms)} was tuned on the posts of that "
        "week alone and then asked. The probability of an answer option, averaged over the wordings of the question "
        "and over seeds, is the week's estimate."
    )
    asked = [
        (question, f"{one['stem']} Wordings: {_wordings(one)}")
        for question, one in panel["questions"].items()
    ]
    preset = panel["training"]
    values = {key: value for key, value in config["training"].get(preset, {}).items() if value is not None}
    others = {
        method_label(model)
        for model in (*results.ccf["model"], *results.recovery["model"])
        if is_baseline(model)
    }
    facts = [
        *asked,
        *((name, meaning) for name, meaning in WITHOUT_A_MODEL.items() if name in others),
        ("Adapters", f"{preset}: " + ", ".join(f"{key} {in_words(one)}" for key, one in values.items())),
    ]
    blocks: list[Text | Facts | Notice] = [Text(text), Facts(facts)]
    missing = weeks_without_estimate(results.affect, results.weeks)
    if missing:
        blocks.append(
            Notice(
                f"Weeks without estimate, for want of posts: {', '.join(missing)}. Figures leave them open."
            )
        )
    return blocks


def _wordings(question: Mapping[str, Any]) -> str:
    variants = question["variants"]
    prefixes = ", ".join(f"'{prefix.strip()}'" if prefix.strip() else "none" for prefix in variants["prefix"])
    return f"prefix {prefixes}; case {', '.join(variants['case'])}."


def _series(panel: Mapping[str, Any], results: MoodsResults) -> Picture:
    scaled = "scaled to run from 0 to 1, then " if panel["series"]["scale"] == "min-max" else ""
    weeks = panel["series"]["rolling_weeks"]
    return Picture(
        results.figures["series"],
        f"Each option's series of the posts and of the survey, {scaled}averaged over {weeks} weeks. Band: range "
        "over seeds. Over each panel: r and p of the two lines as published (Ahnert et al. 2025), with naive p, which takes "
        "smoothed weeks for independent; and honest p, of the prewhitened series, which holds its level under "
        f"autocorrelation. Lag 0. {_mark(results)}",
        f"Weekly series of {', '.join(results.arms)} and the survey; the correlations stand in the table below.",
    )


def _mixes(results: MoodsResults) -> Picture:
    return Picture(
        results.figures["series"],
        "Probability of each option against the known share of posts that speak for it. Band: range over seeds. "
        "Dotted: the model before tuning. Over each panel: Spearman's rank correlation of the mean over seeds, "
        "and of the seed that orders the mixes worst. The order is what is checked; a probability is not a share "
        f"of posts. {_mark(results)}",
        f"Answers of {', '.join(results.arms)} to mixes with known shares.",
    )


def _lags(results: MoodsResults) -> Picture:
    return Picture(
        results.figures["lags"],
        "Correlation with the survey by lag; above 0 the posts lead. Dashed: as published, of smoothed series: "
        "neighbouring lags are alike because smoothed weeks are. Solid, with the 95 % interval: of innovations. "
        "Dots: family-wise p at most .05, against the best of all options and lags. Grey: series that need no "
        f"language model. {_mark(results)}",
        "Correlation by lag; the numbers stand in correlations.csv.",
    )


def _raw(results: MoodsResults) -> Picture:
    return Picture(
        results.figures["raw"],
        "Probability of each answer option in per cent, neither scaled nor smoothed: the series that the tests "
        "are about. Band: range over seeds. Dotted: the model before tuning. The axes differ: an option may "
        f"move little. {_mark(results)}",
        f"Raw weekly probabilities of {', '.join(results.arms)}.",
    )


def _relative(results: MoodsResults) -> Picture:
    return Picture(
        results.figures["relative"],
        "How many times as likely an answer option is as it was before tuning: the geometric mean over wordings "
        "and seeds. Band: range over seeds. Dotted: the untuned model. A word that the model likes by itself "
        f"and one that it does not stand on the same axis here. {_mark(results)}",
        f"Weekly probabilities of {', '.join(results.arms)} relative to the untuned model.",
    )


def _mark(results: MoodsResults) -> str:
    return f"{results.constructed.capitalize()} data." if results.constructed else ""


def _shown(table: Table, name: str, results: MoodsResults) -> Shown:
    return Shown(table, results.files.get(name, ()))


def _caveats(panel: Mapping[str, Any], config: Mapping[str, Any], results: MoodsResults) -> list[str]:
    of_series = [
        "Smoothing makes neighbouring weeks alike, so a naive p on smoothed series is far too small: with 34 "
        "weeks of AR(1) .8 it rejects some 43 of 100 pairs of independent series at 5 %. It is shown because it "
        "was published. What to believe is the test on innovations.",
        "Prewhitening fits an autoregression to each series and compares what it does not predict. It holds its "
        "level for stationary series. Against a trend or a level shift that both series have, no method on one "
        "pair of series can tell a common cause from chance.",
        "Bootstrap intervals of the raw series are too short in panels of a few months, because blocks cannot be "
        "long. They show how far r moves with the weeks at hand.",
    ]
    points = ([] if results.mixed else of_series) + [
        "The range over seeds shows how much the training's chance decides, not how well a population is known: "
        "posts are no sample of the survey's population.",
        "A probability is among the options of the question. When one option rises, others must fall; the "
        "survey may let respondents choose several.",
    ]
    spread = (results.affect["variant_max"] - results.affect["variant_min"]).mean()
    points.append(
        f"Wordings differ: on average {number(100 * float(spread), 1)} percentage points lie between the highest "
        "and the lowest answer to the same question in the same week (columns variant_min and variant_max of "
        "affect.parquet)."
    )
    models = {arm.split("/")[0] for arm in panel["arms"]}
    if any(config.get("models", {}).get(model, {}).get("source") != BUILT_IN for model in models):
        points.append(
            "A language model may have read about these weeks before it was tuned. What it answers is then not "
            "from the posts alone; the dotted lines show what it says without them."
        )
    return points
