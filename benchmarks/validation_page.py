"""VALIDATION.md, of what the parts of benchmarks/validate.py found."""

import json
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from effective import EXTRA
from inference import COVERAGE_AT, PROCESSES, UNSEEN, WEEKS
from known_truth import MECHANISMS, Rows
from simulated_folds import CHECKED, CHECKED_SURVEYS, FOLDS
from validation_folds import FOLD_RESPONDENTS, WAYS
from validation_groups import MULTILEVEL
from validation_imputation import (
    GSS_ITEMS,
    GSS_RESPONDENTS,
    GSS_SILENT,
    GSS_TARGETS,
    IMPUTATIONS,
    RESPONDENTS,
)
from validation_left_out import RESPONDENTS as WAVE_RESPONDENTS
from validation_ordered import RESPONDENTS as ORDERED_RESPONDENTS
from validation_ordered import VALUES
from validation_select_all import OPTIONS as CHOICES
from validation_select_all import RESPONDENTS as CHOICE_RESPONDENTS
from validation_shares import DESIGNS
from validation_shares import LARGE as SHARES_LARGE

LENGTHS = (
    "How much longer intervals are than those of estimates that vary as these do, were that known (median over metrics, options "
    "and methods"
)


def mark(share: float, n: float) -> str:
    """Return a coverage with its Monte Carlo error; bold where it is below .92 by more than chance explains."""
    error = np.sqrt(max(share * (1 - share), 0.05 * 0.95) / n)
    text = f"{share:.3f}"
    return f"**{text}**" if share + 2 * error < 0.92 else text


def monte_carlo(n: float) -> str:
    return f"± {np.sqrt(0.05 * 0.95 / n):.3f} at .95"


def table_of(head: Sequence[str], lines: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table in Markdown."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for line in lines:
        yield f"| {' | '.join(line)} |"
    yield ""


def prose(text: str) -> list[str]:
    """Return the lines of a paragraph."""
    return [*textwrap.wrap(text, 124, break_long_words=False, break_on_hyphens=False), ""]


def page(parts: dict[str, dict[str, Any]], before: str = "") -> str:
    """Return VALIDATION.md; of parts that are not there, the sections are those of the page ``before``."""
    lines = [
        "# Validation",
        "",
        "Made by `make validate` (`benchmarks/validate.py`); do not edit. Estimates and nominal 95 % intervals where the",
        "truth is known: how often an interval holds it (coverage), how far the mean of the estimates is off (bias), and how",
        "long intervals are (width). Bold: below .92 by more than two Monte Carlo errors. Everything is simulated but the",
        "section on the GSS. Each section ends with the command that made it, and its effort.",
        "",
    ]
    kept_sections = {
        found[1]: text
        for text in re.split(r"(?m)^(?=## )", before)
        if (found := re.search(r"--parts (\w+) ", text))
    }
    for name, write in WRITERS.items():
        if name in parts and parts[name]["rows"]:
            about = parts[name]["about"]
            lines += write(parts[name]["rows"])
            kept = ", ".join(f"{one} {number}" for one, number in about["versions"].items())
            lines += [f"`{about['command']}`, {about['date']}, {about['seconds']} s; {kept}.", ""]
        elif name in kept_sections:
            lines += [kept_sections[name].rstrip(), ""]
        elif name in parts:
            lines += [f"*{name}*: nothing to report here; its data are not on this machine.", ""]
    return "\n".join(lines).rstrip() + "\n"


def series_lines(rows: Rows) -> list[str]:
    covered = [row for row in rows if "coverage" in row]
    kinds = list(dict.fromkeys(row["method"] for row in covered))
    n = covered[0]["n"]
    lines = [
        "## Correlations of weekly series",
        "",
        f"{WEEKS} weeks unless said otherwise; two series of a process whose innovations are correlated by",
        f'{", ".join(map(str, COVERAGE_AT))}. Intervals of `inference.correlation_interval` at lag 0; "worst lag" is the lowest',
        "coverage of 17 lags. Processes below the line were not looked at when the prewhitening's lags and prior weights were",
        "chosen; that was on those above it. The raw interval at other lags than 0 is not shown in the report: it is too short",
        f"for nearly equal series near a random walk. {n} pairs each, {monte_carlo(n)}; a tenth as many for the mean of 12",
        "options, which is the recovery of known moods.",
        "",
    ]
    found = {(row["setting"], row["quantity"], row["method"]): row for row in covered}
    body = []
    for process in dict.fromkeys(row["setting"] for row in covered):
        if process == next(iter(UNSEEN)):
            body.append(["*not looked at*", *[""] * (len(kinds) + 1)])
        for correlation in map(str, COVERAGE_AT):
            cells = [found.get((process, correlation, kind)) for kind in kinds]
            body.append(
                [
                    process,
                    correlation,
                    *("" if one is None else mark(one["coverage"], one["n"]) for one in cells),
                ]
            )
    lines += table_of(["process", "correlation", *kinds], body)
    levels = [row for row in rows if "level" in row]
    names = list(dict.fromkeys(row["level"] for row in levels))
    n = levels[0]["n"]
    lines += [
        f"Level: how often independent series are called dependent at 5 % nominal, {n} families of 12 options and 17 lags",
        f'(± {np.sqrt(0.05 * 0.95 / n):.3f} for a family); "best of all" is family-wise.',
        "Trends and shifts are not stationary, and no test on one pair of series can hold against them.",
        "",
    ]
    body = [
        [
            process,
            *(
                f"{row['share']:.3f}"
                for name in names
                for row in levels
                if (row["setting"], row["level"]) == (process, name)
            ),
        ]
        for process in dict.fromkeys(row["setting"] for row in levels)
    ]
    assert set(PROCESSES) | set(UNSEEN) >= {row[0] for row in body}
    return [*lines, *table_of(["process", *names], body)]


def fold_lines(rows: Rows) -> list[str]:
    n = rows[0]["n"]
    return [
        "## Metrics over folds, predicted shares, differences",
        "",
        *prose(
            f"{FOLD_RESPONDENTS} respondents, {FOLDS} folds; the truth is a model's metric in a population of {CHECKED}, mean over "
            f"the models of {CHECKED_SURVEYS} surveys. Expected calibration error, total variation and Jensen–Shannon are larger in a "
            "small fold: their truth is their mean over all surveys. `fold_summary.corrected_resampled_t` with what folds hide "
            f"(`fold_metrics.answer_errors`). Lowest coverage over the answer options. {n} surveys, {monte_carlo(n)}. Folds are made"
        ),
        *(f"- {way}: {words}" for way, words in WAYS.items()),
        "",
        *prose(
            "With few training rows intervals are too long. The red list has .37 of the vote and the blue list .38, so that it is "
            "chance which of them the majority names: the interval of such an F1 reaches as far as other training rows might move it, "
            "and is then most of the range from 0 to 1."
        ),
        *_metrics_table(rows, "folds"),
        *prose(f"{LENGTHS}; a t of 4 degrees of freedom alone is 1.4 times as long):"),
        *_lengths_table(rows, "folds"),
    ]


def _metrics_table(rows: Rows, way: str) -> Iterator[str]:
    """Yield the lowest coverage over options of each metric, by way (if it has a heading), method and setting."""
    table = pd.DataFrame(rows)
    table["metric"] = table["quantity"].str.split(" of ").str[0]
    metrics = list(dict.fromkeys(table["metric"]))
    body = []
    for key, part in table.groupby(["way", "method", "setting"], sort=False):
        found = part.groupby("metric")[["coverage", "n"]].min()
        cells = [mark(*found.loc[one]) if one in found.index else "" for one in metrics]
        body.append([*map(str, key if way else key[1:]), *cells])
    head = ["method", "condition", *(name.replace("_", " ") for name in metrics)]
    yield from table_of([way, *head] if way else head, body)


def _lengths_table(rows: Rows, way: str) -> Iterator[str]:
    """Yield how much longer intervals are than needed, by way (if it has a heading) and condition."""
    table = pd.DataFrame(rows)
    table = table[~table["setting"].str.contains(" − ") & (table["known_width"] > 1e-9)]
    table["longer"] = table["width"] / table["known_width"]
    longer = table.groupby(["way", "setting"], sort=False)["longer"].median()
    body = [[*(key if way else key[1:]), f"{one:.2f}"] for key, one in longer.items()]
    yield from table_of([way, "condition", "times"] if way else ["condition", "times"], body)


def ordered_lines(rows: Rows) -> list[str]:
    of_folds = [row for row in rows if "fidelity" not in row]
    of_fidelity = [row for row in rows if "fidelity" in row]
    n, n_fidelity = of_folds[0]["n"], of_fidelity[0]["n"]
    methods = list(dict.fromkeys(row["method"] for row in of_fidelity))
    found = {(row["fidelity"], row["method"]): row["coverage"] for row in of_fidelity}
    body = [
        [name.replace("_", " "), *(mark(found[name, one], n_fidelity) for one in methods)]
        for name in dict.fromkeys(row["fidelity"] for row in of_fidelity)
    ]
    return [
        "## Ordered answers",
        "",
        *prose(
            f"{ORDERED_RESPONDENTS} respondents; the answer is one of the numbers {', '.join(f'{one:g}' for one in VALUES)}, the last "
            "one rare. Folds by the answer, and without regard to it, as where adapters learn several targets. Truth and intervals as "
            "of the metrics over folds. Where the expectation is the same for all there is no correlation, and no interval of it. "
            f"{n} surveys, {monte_carlo(n)}."
        ),
        *_metrics_table(of_folds, "folds"),
        *prose(f"{LENGTHS}):"),
        *_lengths_table(of_folds, "folds"),
        *prose(
            "Fidelity of ordered answers, in the surveys of the section on calibration and fidelity, whose three answers here stand "
            f"in an order. Bootstrap of respondents. {n_fidelity} surveys, {monte_carlo(n_fidelity)}."
        ),
        *table_of(["measure", *methods], body),
    ]


def select_all_lines(rows: Rows) -> list[str]:
    n = rows[0]["n"]
    return [
        "## Select-all items",
        "",
        *prose(
            f"{CHOICE_RESPONDENTS} respondents and {len(CHOICES)} options, from often to rarely chosen, which hang together beyond "
            "the other items: who names one tends to name others. Each option is a target of its own; folds are made without regard "
            "to answers. Metrics of each option (lowest coverage over them), and of all together (`option_metrics.measure_options`). "
            f"The truth is that of the models in a population of {CHECKED}, of micro F1 by scikit-learn. {n} surveys, "
            f"{monte_carlo(n)}."
        ),
        *_metrics_table(rows, ""),
        *prose(f"{LENGTHS}):"),
        *_lengths_table(rows, ""),
    ]


def left_out_lines(rows: Rows) -> list[str]:
    n = rows[0]["n"]
    return [
        "## Waves and groups that a condition leaves out, and subgroups",
        "",
        *prose(
            f"{WAVE_RESPONDENTS} respondents of three waves with swings between them. *without 2021* leaves out the last wave, and "
            "tests it alone (`left_out`): the truth is a model's metric among all people of that wave. *without blue* leaves those of "
            "the blue party out of the training rows, and tests everybody (`exclude`); its differences are what the report shows as "
            "changes and, of the absent party's F1, as the lead over the best baseline. *high education* is a subgroup, and the truth "
            "that of everybody in it. *observed* is the wave's share in the sample, with Wilson's interval. "
            f"{n} surveys, {monte_carlo(n)}."
        ),
        *_metrics_table(rows, "of"),
        *prose(f"{LENGTHS}):"),
        *_lengths_table(rows, "of"),
    ]


def groups_lines(rows: Rows) -> list[str]:
    n = rows[0]["n"]
    table = pd.DataFrame(rows)
    table["longer"] = table["width"] / table["known_width"]
    metrics, kinds = list(dict.fromkeys(table["metric"])), list(dict.fromkeys(table["kind"]))
    body = []
    for (setting, method), part in table.groupby(["setting", "method"], sort=False):
        cells = []
        for kind in kinds:
            own = part[part["kind"] == kind]
            lowest = own.groupby("metric")[["coverage", "n"]].min()
            cells += [mark(*lowest.loc[one]) if one in lowest.index else "" for one in metrics]
            cells.append("" if own.empty else f"{own['longer'].median():.2f}")
        body.append([str(setting), str(method), *cells])
    names = [name.replace("_", " ") for name in metrics]
    compared = [f"difference, {name}" for name in names]
    return [
        "## Distances of groups",
        "",
        *prose(
            "Groups of 30 to 300 respondents, drawn from a population of groups; two items, five folds of groups. The library's "
            "baselines; two models that learn from the other folds' groups, of which one is moved at random in each fold, as by a "
            "training that is unsteady; and one that does not learn. The truth is the mean over all surveys, so over groups, "
            "respondents and what is learned (`group_distances.compare_groups`). Differences are those from the mean of the other "
            "groups. Lowest coverage over the two items and their mean; and how much longer intervals are than those of estimates "
            f"that vary as these do, were that known (median). {n} surveys, {monte_carlo(n)}; {MULTILEVEL[1]} with the multilevel "
            "regression."
        ),
        *table_of(["groups", "method", *names, "longer", *compared, "longer"], body),
    ]


def shares_lines(rows: Rows) -> list[str]:
    n = int(max(row["n"] for row in rows))
    table = pd.DataFrame(rows)
    body = []
    for (method, setting), part in table.groupby(["method", "setting"], sort=False):
        worst = part.loc[part["coverage"].idxmin()]
        body.append(
            [
                str(method),
                str(setting),
                mark(part["coverage"].mean(), n),
                mark(worst["coverage"], worst["n"]),
                f"{part['width'].mean():.3f}",
            ]
        )
    return [
        "## Observed shares, and accuracies by bin",
        "",
        *prose(
            "Samples of 800 of a population in which clusters differ, and of which one half is drawn three times as often as the "
            "other, and weighs less. *Share, sampling design* are the linearised shares; *beside the predicted* and *of those left "
            "out* stand beside predicted shares, of all and of the people that are rarely drawn. Bins are those of the calibration "
            "figures, of samples without clusters, which they do not know; one that is empty in a sample does not count. Truth: a "
            f"sample of {SHARES_LARGE}. Mean over options or bins, and the lowest of them. {n} samples, {monte_carlo(n)}."
        ),
        *(f"- {name}: {design.words}" for name, design in DESIGNS.items()),
        "",
        *table_of(["sample", "interval", "coverage, mean", "lowest", "width"], body),
    ]


def fidelity_lines(rows: Rows) -> list[str]:
    n = rows[0]["n"]
    lines = [
        "## Calibration and fidelity",
        "",
        "900 respondents with three items; the probabilities that answers are drawn from, the same half-way to the shares, and more",
        f"extreme (`benchmarks/fidelity.py`). Bootstrap of respondents. {n:.0f} surveys, {monte_carlo(n)}; of an option, an item or a",
        "slope the mean over all.",
        "",
    ]
    methods = list(dict.fromkeys(row["method"] for row in rows))
    body = []
    for kind, name in dict.fromkeys((row["kind"], row["name"]) for row in rows):
        own = {row["method"]: row["coverage"] for row in rows if (row["kind"], row["name"]) == (kind, name)}
        body.append([kind.replace("_", " "), name.replace("_", " "), *(mark(own[one], n) for one in methods)])
    return [*lines, *table_of(["kind", "measure", *methods], body)]


def effective_lines(rows: Rows) -> list[str]:
    lines = [
        "## Effective respondents",
        "",
        f"1,000 respondents; the arm is the baseline with {EXTRA} respondents more, so that the truth is known.",
        f"`effective_sample.count_effective_respondents`. {rows[0]['n']} surveys, {monte_carlo(rows[0]['n'])}.",
        "",
    ]
    body = [
        [
            row["quantity"],
            row["setting"],
            f"{row['truth']:.0f}",
            f"{row['median']:.0f}",
            mark(row["coverage"], row["n"]),
        ]
        for row in rows
    ]
    return [*lines, *table_of(["metric", "training share", "truth", "median", "coverage"], body)]


def imputation_lines(rows: Rows) -> list[str]:
    lines = [
        "## Missing answers, imputed",
        "",
        f"{RESPONDENTS} respondents, {IMPUTATIONS} imputations; the vote follows a multinomial model with interactions of party and",
        "education (`benchmarks/known_truth.py`), so that shares, and the coefficients of its multinomial regression on",
        "education, are known exactly. Who does not answer:",
        "",
        *(f"- {name}: {words}" for name, words in MECHANISMS.items()),
        "",
    ]
    return [*lines, *_by_kind(rows)]


def _by_kind(rows: Rows) -> Iterator[str]:
    table = pd.DataFrame(rows)
    table["kind"] = np.where(table["quantity"].str.contains("share"), "share", "coefficient")
    table["size"] = table["bias"].abs()
    body = []
    for (setting, method, kind), part in table.groupby(["setting", "method", "kind"], sort=False):
        n = int(part["n"].iloc[0])
        worst = part["coverage"].min()
        body.append(
            [
                str(setting),
                str(method),
                str(kind),
                f"{part['size'].mean():.3f}",
                f"{part['size'].max():.3f}",
                mark(part["coverage"].mean(), n),
                mark(worst, n),
                f"{part['width'].mean():.3f}",
                f"{n} ({monte_carlo(n)})",
            ]
        )
    yield from table_of(
        [
            "mechanism",
            "method",
            "of",
            "mean abs. bias",
            "largest",
            "coverage, mean",
            "lowest",
            "width",
            "surveys",
        ],
        body,
    )


def tuned_lines(rows: Rows) -> list[str]:
    lines = [
        "## Missing answers, imputed by a tuned model",
        "",
        "The same surveys, few of them: `tiny/tuned`, the built-in model, an adapter for each imputation, calibrated by",
        "temperature; and the cheap arms on the same surveys. The built-in model has no knowledge of the world: what it knows it has",
        "learned from these donors. Last: the mean absolute error of the probabilities of those who are silent, against the true ones",
        "of their cell.",
        "",
        *_by_kind(rows),
    ]
    table = pd.DataFrame(rows).dropna(subset="probability_error")
    errors = table.groupby(["setting", "method"], sort=False)["probability_error"].first()
    body = [[*key, f"{error:.3f}"] for key, error in errors.items()]
    return [*lines, *table_of(["mechanism", "method", "error of the probabilities"], body)]


def calibration_lines(rows: Rows) -> list[str]:
    lines = [
        "## Probabilities behind the imputations",
        "",
        "The well-specified arm's probability for those who do not answer, less the true one of their cell (under MNAR: of those",
        "who are silent in it).",
        "",
    ]
    names = [name for name in rows[0] if name not in ("setting", "n")]
    body = [[row["setting"], *(f"{row[name]:.3f}" for name in names), str(row["n"])] for row in rows]
    return [*lines, *table_of(["mechanism", *names, "surveys"], body)]


def gss_lines(rows: Rows) -> list[str]:
    lines = [
        "## GSS 2018, items on public spending",
        "",
        f"Samples of {GSS_RESPONDENTS} drawn with replacement from those who answered {', '.join(GSS_ITEMS)}",
        f"and the item; {GSS_SILENT:.0%} of the answers to {', '.join(GSS_TARGETS)} masked, MCAR or by party and degree (MAR);",
        "the truth is that of all of them. Multinomial logistic arm, main effects; regression of the item on party. A sample in which",
        "nobody of a party gave an answer has no finite coefficients, and counts for shares alone. Source: General Social",
        "Survey 2018, R package stevedata, public domain.",
        "",
    ]
    return [*lines, *_by_kind(rows)]


def rectification_lines(rows: Rows) -> list[str]:
    lines = [
        "## Rectified estimates",
        "",
        "Prediction-powered means of normal answers and shares of .2, with predictors from useless to perfect",
        f"(`benchmarks/rectification.py`). {rows[0]['n']} draws, {monte_carlo(rows[0]['n'])}.",
        "",
    ]
    body = [
        [
            row["quantity"],
            row["setting"],
            row["method"],
            mark(row["coverage"], row["n"]),
            mark(row["classical_coverage"], row["n"]),
            f"{row['length_ratio']:.3f}",
            f"{row['power']:.2f}",
        ]
        for row in rows
    ]
    head = [
        "of",
        "sample",
        "predictor",
        "coverage",
        "classical coverage",
        "length against the classical",
        "power",
    ]
    return [*lines, *table_of(head, body)]


WRITERS: dict[str, Callable[[Rows], list[str]]] = {
    "imputation": imputation_lines,
    "tuned": tuned_lines,
    "calibration": calibration_lines,
    "gss": gss_lines,
    "rectification": rectification_lines,
    "folds": fold_lines,
    "ordered": ordered_lines,
    "select_all": select_all_lines,
    "left_out": left_out_lines,
    "groups": groups_lines,
    "shares": shares_lines,
    "fidelity": fidelity_lines,
    "effective": effective_lines,
    "series": series_lines,
}


def write_page(folder: Path, path: Path) -> None:
    """Write the page of all parts that are in the folder."""
    parts = {
        file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))
    }
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    path.write_text(page(parts, before), encoding="utf-8")
