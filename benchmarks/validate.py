"""Do the estimates and intervals hold where the truth is known? Writes VALIDATION.md.

    python benchmarks/validate.py [--parts imputation folds …] [--effort 1] [--seed 1]

Each part simulates, counts how often nominal 95 % intervals hold the truth, and writes results/validation/{part}.json; the page is
made of all parts that are there. --effort multiplies all numbers of repetitions. `make validate` runs the parts side by side.
"""

import argparse
import datetime
import json
import platform
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from effective import EXTRA, SHARES
from effective import survey as effective_survey
from inference import COVERAGE_AT, INTERVALS, PROCESSES, UNSEEN, WEEKS, measure_processes
from known_truth import (
    ITEMS,
    MECHANISMS,
    OPTIONS,
    TARGET,
    draw_survey,
    population,
    true_values,
    well_specified,
)
from numpy.typing import NDArray
from rectification import SKILLS, simulated_draws, summary
from sklearn.linear_model import LogisticRegression

from stimmung.baselines.chained_equations import chained_equations
from stimmung.baselines.hot_deck import hot_deck_shares
from stimmung.data.surveys.splits import split_condition
from stimmung.evaluation.estimates.completed_data_fits import multinomial_regression, weighted_means
from stimmung.evaluation.estimates.multiple_imputation import Predict, Uncertainty, impute_draws, stacked_data
from stimmung.evaluation.estimates.pooled_estimates import pooled_regression, pooled_shares
from stimmung.evaluation.estimates.survey_design import SurveyDesign
from stimmung.evaluation.votes.calibration import wilson_interval
from stimmung.evaluation.votes.effective_sample import count_effective_respondents
from stimmung.evaluation.votes.fold_metrics import measure_folds, vote_metrics
from stimmung.evaluation.votes.fold_summary import paired_difference, summarize_folds
from stimmung.vocabulary.atomic_files import write_json

Floats = NDArray[np.float64]
Rows = list[dict[str, Any]]

FOLDER = Path("results/validation")
PAGE = Path("VALIDATION.md")
GSS = Path("../shared/data/gss-spending/gss_spending.csv")
RESPONDENTS, IMPUTATIONS = 500, 10
WEAK_PENALTY = (
    100.0  # scikit-learn's C: nearly maximum likelihood, and finite where nobody of a cell chose an option
)
REPETITIONS = {
    "series": 2000,  # of the level; the coverage has INTERVALS pairs
    "imputation": 300,
    "slow imputation": 60,  # MICE and hot deck
    "gss": 100,
    "rectification": 1000,
    "folds": 150,
    "effective": 100,
}


def times(name: str, effort: float) -> int:
    """Return how often a part is repeated."""
    return max(2, round(REPETITIONS[name] * effort))


# --- answers that are missing


def fitted_logistic(x: Floats, y: NDArray[np.intp], n_options: int) -> Predict:
    """Return a multinomial logistic model of the rows ``x``, by the index of the respondents."""

    def predict(donors: pd.DataFrame, recipients: pd.DataFrame, _: int) -> Floats:
        model = LogisticRegression(C=WEAK_PENALTY, max_iter=200, solver="newton-cholesky").fit(
            x[donors.index], y[donors.index]
        )
        found = np.zeros((len(recipients), n_options))
        found[:, model.classes_] = model.predict_proba(x[recipients.index])
        return found

    return predict


def _estimates(table: pd.DataFrame, target: str, regressor: str) -> Rows:
    """Return shares and coefficients of stacked data."""
    options = list(table[target].cat.categories)
    shares = pooled_shares(table, target, weight=None)
    rows = [
        {"quantity": f"share: {one.option}", "estimate": one.estimate, "low": one.ci_low, "high": one.ci_high}
        for one in shares.itertuples()
    ]
    fitted = pooled_regression(table, target, [regressor], family="multinomial")
    for one in fitted.itertuples():
        if one.term != "(Intercept)":
            name = f"coefficient: {one.outcome}, {one.term.split('=')[1]}"
            rows.append({"quantity": name, "estimate": one.estimate, "low": one.ci_low, "high": one.ci_high})
    assert len(options) == len(shares)
    return rows


def _complete_cases(table: pd.DataFrame, target: str, regressor: str) -> Rows:
    """Return shares and coefficients of those who answered."""
    options, y = list(table[target].cat.categories), table[target].cat.codes.to_numpy().astype(np.intp)
    chosen = weighted_means(np.eye(len(options))[y], SurveyDesign(np.ones(len(y))))
    low, high = wilson_interval(chosen.estimates, len(y))
    rows = [
        {"quantity": f"share: {name}", "estimate": chosen.estimates[k], "low": low[k], "high": high[k]}
        for k, name in enumerate(options)
    ]
    levels = list(table[regressor].cat.categories)
    x = np.eye(len(levels))[table[regressor].cat.codes]
    x[:, 0] = 1
    fit = multinomial_regression(y, x, len(options), None)
    errors = np.sqrt(fit.variances)
    for k, name in enumerate(options[1:]):
        for j, level in enumerate(levels[1:], 1):
            at = k * len(levels) + j
            estimate, reach = fit.estimates[at], 1.959964 * errors[at]
            rows.append(
                {
                    "quantity": f"coefficient: {name}, {level}",
                    "estimate": estimate,
                    "low": estimate - reach,
                    "high": estimate + reach,
                }
            )
    return rows


def _imputed(
    table: pd.DataFrame,
    answered: NDArray[np.bool_],
    predict: Predict,
    target: str,
    how: Uncertainty,
    seed: int,
) -> pd.DataFrame:
    options = list(table[target].cat.categories)
    draws = impute_draws(
        table, answered, predict, target=target, options=options, m=IMPUTATIONS, seed=seed, uncertainty=how
    )
    return stacked_data(table, draws, target=target)


def imputation(effort: float, seed: int) -> Rows:
    """Shares and coefficients of a survey of which some do not answer, by mechanism and method."""
    truth, names, found = true_values(), list(ITEMS), []
    for number, mechanism in enumerate(MECHANISMS):
        for one in range(times("imputation", effort)):
            rng = np.random.default_rng([seed, number, one])
            table, answered = draw_survey(RESPONDENTS, mechanism, rng)
            logistic = fitted_logistic(
                well_specified(table), table[TARGET].cat.codes.to_numpy().astype(np.intp), len(OPTIONS)
            )
            ways: dict[str, tuple[Predict, Uncertainty]] = {
                "ours, bootstrap (well specified)": (logistic, "bootstrap"),
                "ours, seeds only": (logistic, "seeds"),
            }
            if one < times("slow imputation", effort):
                ways["MICE (no interactions)"] = (
                    lambda donors, others, own: chained_equations(
                        donors, others, names, TARGET, OPTIONS, own
                    ),
                    "bootstrap",
                )
                ways["hot deck (party, education, age)"] = (
                    lambda donors, others, _: hot_deck_shares(donors, others, names, TARGET, OPTIONS),
                    "bootstrap",
                )
            by_method = {
                method: _estimates(_imputed(table, answered, predict, TARGET, how, one), TARGET, "education")
                for method, (predict, how) in ways.items()
            }
            by_method["complete cases"] = _complete_cases(table[answered], TARGET, "education")
            for method, rows in by_method.items():
                found += [{"method": method, "setting": mechanism, **row} for row in rows]
    return coverage_of(found, truth)


def coverage_of(found: Rows, truth: dict[str, float]) -> Rows:
    """Return bias, coverage and width by method, setting and quantity."""
    table = pd.DataFrame(found)
    table["truth"] = table["quantity"].map(truth)
    table["held"] = (table["low"] <= table["truth"]) & (table["truth"] <= table["high"])
    table["bias"], table["width"] = table["estimate"] - table["truth"], table["high"] - table["low"]
    groups = table.groupby(["method", "setting", "quantity"], sort=False)
    summary = groups[["truth", "bias", "width", "held"]].mean().rename(columns={"held": "coverage"})
    return [
        {str(name): value for name, value in row.items()}
        for row in summary.assign(n=groups.size()).reset_index().to_dict("records")
    ]


def calibration(effort: float, seed: int) -> Rows:
    """How far the imputation model's probabilities are from the true ones of the cells, by mechanism."""
    _, votes = population()
    rows = []
    for number, mechanism in enumerate(MECHANISMS):
        errors = []
        for one in range(times("slow imputation", effort)):
            rng = np.random.default_rng([seed, number, one])
            table, answered = draw_survey(RESPONDENTS, mechanism, rng)
            y = table[TARGET].cat.codes.to_numpy().astype(np.intp)
            predict = fitted_logistic(well_specified(table), y, len(OPTIONS))
            said = predict(table[answered], table[~answered], 0)
            place = tuple(table.loc[~answered, item].cat.codes for item in ITEMS)
            known = votes[place]
            if mechanism == "MNAR":  # among those who do not answer
                known = known * np.array([0.2, 0.5, 0.2])
                known = known / known.sum(axis=1, keepdims=True)
            errors.append([np.abs(said - known).mean(), *(said - known).mean(axis=0)])
        mean = np.mean(errors, axis=0)
        rows.append(
            {"setting": mechanism, "n": len(errors), "mean absolute error": float(mean[0])}
            | {f"bias: {option}": float(bias) for option, bias in zip(OPTIONS, mean[1:], strict=True)}
        )
    return rows


GSS_TARGETS = ("natenvir", "natheal", "natfare", "natdrug")
GSS_ITEMS = ("partyid", "degree", "race", "sex", "natrace", "natarms")
GSS_WORDS = {-1.0: "too much", 0.0: "about right", 1.0: "too little"}
GSS_RESPONDENTS, GSS_SILENT = 800, 0.3


def gss(effort: float, seed: int) -> Rows:
    """Shares and coefficients of GSS spending items: samples drawn from the respondents with replacement, 30 % masked."""
    if not GSS.is_file():
        return []
    table = pd.read_csv(GSS)
    found: Rows = []
    truth: dict[str, float] = {}
    for number, item in enumerate(GSS_TARGETS):
        whole = table[table["partyid"] <= 6].dropna(subset=[item, *GSS_ITEMS]).reset_index(drop=True)
        people = pd.DataFrame({"respondent_id": [str(one) for one in range(len(whole))], "weight": 1.0})
        people["party"] = pd.cut(whole["partyid"], [-1, 2, 3, 6], labels=["left", "none", "right"])
        people[item] = pd.Categorical(whole[item].map(GSS_WORDS), list(GSS_WORDS.values()))
        own = {row["quantity"]: row["estimate"] for row in _complete_cases(people, item, "party")}
        truth |= {f"{item}, {name}": float(value) for name, value in own.items()}
        x = np.hstack(
            [pd.get_dummies(whole[name].astype(int).astype(str)).to_numpy(float)[:, 1:] for name in GSS_ITEMS]
        )
        silent = {"MCAR": np.full(len(whole), GSS_SILENT)}
        lean = (whole["partyid"] >= 4).to_numpy() * 0.3 + (whole["degree"] >= 3).to_numpy() * 0.15
        silent["MAR"] = lean + GSS_SILENT - lean.mean()
        for mechanism, share in silent.items():
            for one in range(times("gss", effort)):
                rng = np.random.default_rng([seed, number, len(mechanism), one])
                drawn = rng.integers(len(whole), size=GSS_RESPONDENTS)
                sample = people.iloc[drawn].reset_index(drop=True)
                sample["respondent_id"] = [str(place) for place in range(GSS_RESPONDENTS)]
                answered = rng.random(GSS_RESPONDENTS) >= share[drawn]
                y = sample[item].cat.codes.to_numpy().astype(np.intp)
                logistic = fitted_logistic(x[drawn], y, 3)
                ways: dict[str, Uncertainty] = {"ours, bootstrap": "bootstrap", "ours, seeds only": "seeds"}
                results = {
                    method: _estimates(_imputed(sample, answered, logistic, item, how, one), item, "party")
                    for method, how in ways.items()
                }
                results["complete cases"] = _complete_cases(sample[answered], item, "party")
                for method, rows in results.items():
                    found += [
                        {
                            "method": method,
                            "setting": mechanism,
                            **row,
                            "quantity": f"{item}, {row['quantity']}",
                        }
                        for row in rows
                    ]
    return coverage_of(found, truth)


# --- predictions that rectify


RECTIFIED = ((20, 500), (50, 500), (200, 2000))


def rectification(effort: float, seed: int) -> Rows:
    """Rectified means and shares with predictors from useless to perfect (``benchmarks/rectification.py``)."""
    rows = []
    for kind in ("normal", "share of .2"):
        for n, n_predicted in RECTIFIED:
            for name, skill in SKILLS.items():
                found, truth = simulated_draws(
                    kind, skill, n, n_predicted, times("rectification", effort), seed
                )
                about = {
                    "quantity": kind,
                    "setting": f"{n} labelled, {n_predicted} predicted",
                    "method": name,
                }
                rows.append({**about, "n": len(found), **summary(found, truth)})
    return rows


# --- folds


CONDITIONS = {"full": None, "share-30": 0.3, "share-10": 0.1}
FOLD_RESPONDENTS, FOLDS = 600, 5
SHOWN_METRICS = ("accuracy", "macro_f1", "log_loss", "brier", "f1", "predicted_share", "share_error")
CHECKED = 20_000  # respondents of the population in which a model's true metrics are measured


def folds(effort: float, seed: int) -> Rows:
    """Metrics over folds and their differences: logistic regression, the majority, a fixed model, three training shares."""
    truths: dict[tuple[str, str, str, str], list[float]] = {}
    found: list[pd.DataFrame] = []
    checked, _ = draw_survey(CHECKED, "MCAR", np.random.default_rng([seed, 10**6]))
    x_all = main_effects(checked)
    for one in range(times("folds", effort)):
        table, _ = draw_survey(FOLD_RESPONDENTS, "MCAR", np.random.default_rng([seed, one]))
        predictions, splits = [], []
        for condition, share in CONDITIONS.items():
            split = split_condition(
                table.astype({TARGET: "str"}), TARGET, condition, share=share, n_folds=FOLDS, seed=one
            )
            splits.append(split)
            for method in ("baselines/logistic", "baselines/majority", "model/zero-shot"):
                if method == "model/zero-shot" and condition != "full":
                    continue
                probabilities = np.empty((len(table), len(OPTIONS)))
                for fold in range(FOLDS):
                    used = (split["in_training"] & (split["fold"] != fold)).to_numpy()
                    model = fold_model(method, main_effects(table)[used], table[TARGET].cat.codes[used])
                    tested = (split["fold"] == fold).to_numpy()
                    probabilities[tested] = model(main_effects(table)[tested])
                    if fold == 0 and one < 60:
                        own = as_predictions(checked, model(x_all), np.zeros(CHECKED), method, condition)
                        for (metric, option), value in vote_metrics(own).items():
                            truths.setdefault((method, condition, metric, option or ""), []).append(value)
                predictions.append(
                    as_predictions(table, probabilities, split["fold"].to_numpy(), method, condition)
                )
        measured = measure_folds(pd.concat(predictions), pd.concat(splits))
        measured = measured[measured["metric"].isin(SHOWN_METRICS)]
        found.append(summarize_folds(measured).fillna({"option": ""}))
        found.append(differences_of(measured))
    truth = {key: float(np.mean(values)) for key, values in truths.items()}
    table = pd.concat(found)
    table["truth"] = [
        truth[row.method, row.condition, row.metric, row.option]
        - (truth[row.other, row.reference, row.metric, row.option] if isinstance(row.other, str) else 0)
        for row in table.itertuples()
    ]
    table["estimate"], table["low"], table["high"] = table["value"], table["ci_low"], table["ci_high"]
    table["setting"] = table["condition"] + np.where(
        table["other"].notna(), " − " + table["other"].astype(str) + ", " + table["reference"].astype(str), ""
    )
    table["quantity"] = table["metric"] + np.where(table["option"] == "", "", " of " + table["option"])
    known = {(row.method, row.setting, row.quantity): row.truth for row in table.itertuples()}
    rows = coverage_of(
        table[["method", "setting", "quantity", "estimate", "low", "high"]].to_dict("records"), {}
    )
    for row in rows:
        row["truth"] = known[row["method"], row["setting"], row["quantity"]]
    held = (table["low"] <= table["truth"] + 1e-12) & (table["truth"] <= table["high"] + 1e-12)
    means = table.assign(held=held, off=table["estimate"] - table["truth"])
    means = means.groupby(["method", "setting", "quantity"])[["held", "off"]].mean()
    for row in rows:
        at = means.loc[(row["method"], row["setting"], row["quantity"])]
        row["coverage"], row["bias"] = float(at["held"]), float(at["off"])
    return rows


def main_effects(table: pd.DataFrame) -> Floats:
    """Return indicators of the items, without interactions: the logistic regression of the folds is not quite right."""
    return np.hstack([np.eye(len(answers))[table[item].cat.codes][:, 1:] for item, answers in ITEMS.items()])


def fold_model(method: str, x: Floats, y: Any) -> Callable[[Floats], Floats]:
    """Return what a method says after training on some rows."""
    n_options = len(OPTIONS)
    if method == "model/zero-shot":
        slopes = np.random.default_rng(5).normal(size=(x.shape[1], n_options))

        def fixed(rows: Floats) -> Floats:
            scores = np.exp(0.5 * rows @ slopes + np.array([0.0, 0.5, 0.0]))
            return np.asarray(scores / scores.sum(axis=1, keepdims=True))

        return fixed
    if method == "baselines/majority":
        shares = np.bincount(y, minlength=n_options) / len(y)
        return lambda rows: np.tile(shares, (len(rows), 1))
    model = LogisticRegression(max_iter=200).fit(x, y)

    def predict(rows: Floats) -> Floats:
        found = np.zeros((len(rows), n_options))
        found[:, model.classes_] = model.predict_proba(rows)
        return found

    return predict


def as_predictions(
    table: pd.DataFrame, probabilities: Floats, fold: NDArray[Any], method: str, condition: str
) -> pd.DataFrame:
    """Return a PREDICTIONS table."""
    about = pd.DataFrame(
        {
            "respondent_id": table["respondent_id"],
            "method": method,
            "condition": condition,
            "seed": 0,
            "fold": fold.astype("int8"),
            "target": table[TARGET].astype("str"),
            "weight": 1.0,
            "option_mass": 1.0,
        }
    )
    about[[f"p_{option}" for option in OPTIONS]] = probabilities
    return about


def differences_of(measured: pd.DataFrame) -> pd.DataFrame:
    """Return differences between methods, and between training shares, metric by metric."""
    pairs = [
        (("baselines/logistic", "full"), ("baselines/majority", "full")),
        (("baselines/logistic", "full"), ("model/zero-shot", "full")),
        (("baselines/logistic", "share-10"), ("baselines/logistic", "full")),
    ]
    runs = dict(list(measured.fillna({"option": ""}).groupby(["method", "condition", "metric", "option"])))
    rows = []
    for first, second in pairs:
        for metric, option in {key[2:] for key in runs}:
            if metric == "f1":
                continue  # an option that the majority never names has none in most folds
            apart = paired_difference(runs[*first, metric, option], runs[*second, metric, option])
            rows.append(
                {
                    "method": first[0],
                    "condition": first[1],
                    "other": second[0],
                    "reference": second[1],
                    "metric": metric,
                    "option": option,
                    **apart.estimate("value"),
                }
            )
    return pd.DataFrame(rows)


def effective(effort: float, seed: int) -> Rows:
    """Effective respondents of a model that has seen 100 more than the baseline (``benchmarks/effective.py``)."""
    found = []
    for one in range(times("effective", effort)):
        table = count_effective_respondents(
            *effective_survey(seed * 10**6 + one), [list(SHARES)], n_resamples=400, seed=one
        )
        truth = table["n_training"] + EXTRA
        # Beyond the curve no number can be right; that the interval reaches there is.
        held = (table["ci_low"] <= truth) & (
            (truth <= table["ci_high"]) | ((truth > table["n_largest"]) & np.isinf(table["ci_high"]))
        )
        found.append(table.assign(held=held, truth=truth))
    groups = pd.concat(found).groupby(["metric", "condition"], sort=False)
    means = groups.agg(coverage=("held", "mean"), truth=("truth", "mean"), n=("held", "size"))
    rows = means.assign(median=groups["n_effective"].median()).reset_index()
    return [
        {"method": "logistic, 100 more", "setting": row["condition"], "quantity": row["metric"], **row}
        for row in rows.to_dict("records")
    ]


def series(effort: float, seed: int) -> Rows:
    """Correlations of weekly series: coverage and level by process (``benchmarks/inference.py``)."""
    found = measure_processes(times("series", effort), max(50, round(INTERVALS * min(effort, 1))), seed)
    return rows_of_series(found, times("series", effort), max(50, round(INTERVALS * min(effort, 1))))


def rows_of_series(found: dict[str, Any], repetitions: int, intervals: int) -> Rows:
    """Return coverages and levels of ``measure_processes`` as rows."""
    rows: Rows = []
    for process, by_correlation in found["coverage"].items():
        for correlation, shares in by_correlation.items():
            for kind, share in shares.items():
                n = max(2, intervals // 10) if kind.startswith("mean") else intervals
                rows.append(
                    {"method": kind, "setting": process, "quantity": correlation, "coverage": share, "n": n}
                )
    for process, level in found["levels"].items():
        for procedure, (share, error) in level.items():
            rows.append(
                {"level": procedure, "setting": process, "share": share, "error": error, "n": repetitions}
            )
    return rows


# --- the page

PARTS: dict[str, Callable[[float, int], Rows]] = {
    "series": series,
    "folds": folds,
    "effective": effective,
    "imputation": imputation,
    "calibration": calibration,
    "gss": gss,
    "rectification": rectification,
}


def run_part(name: str, effort: float, seed: int) -> str:
    """Run a part and keep what it found."""
    warnings.filterwarnings("ignore")
    started = time.monotonic()
    rows = PARTS[name](effort, seed)
    about = {
        "command": f"python benchmarks/validate.py --parts {name} --effort {effort:g} --seed {seed}",
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "seconds": round(time.monotonic() - started),
        "versions": {
            "python": platform.python_version(),
            **{one: version(one) for one in ("numpy", "scipy", "pandas", "scikit-learn", "statsmodels")},
        },
    }
    write_json({"about": about, "rows": rows}, FOLDER / f"{name}.json")
    return f"{name}: {len(rows)} rows after {about['seconds']} s"


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


def page(parts: dict[str, dict[str, Any]]) -> str:
    """Return VALIDATION.md."""
    lines = [
        "# Validation",
        "",
        "Made by `make validate` (`benchmarks/validate.py`); do not edit. Estimates and nominal 95 % intervals where the",
        "truth is known: how often an interval holds it (coverage), how far the mean of the estimates is off (bias), and how",
        "long intervals are (width). Bold: below .92 by more than two Monte Carlo errors. Everything is simulated but the",
        "section on the GSS.",
        "",
    ]
    for name, write in WRITERS.items():
        if name in parts and parts[name]["rows"]:
            about = parts[name]["about"]
            lines += write(parts[name]["rows"])
            kept = ", ".join(f"{one} {number}" for one, number in about["versions"].items())
            lines += [f"`{about['command']}`, {about['date']}, {about['seconds']} s; {kept}.", ""]
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
        "for nearly equal series near a random walk. The prewhitened one at the lag of a season that prewhitening does not know",
        f"is about an innovation that it does not find. {n} pairs each, {monte_carlo(n)}; a tenth as many for the mean of 12",
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
    lines = [
        "## Metrics over folds, predicted shares, differences",
        "",
        f"{FOLD_RESPONDENTS} respondents, {FOLDS} stratified folds; the truth is a model's metric in a population of {CHECKED},",
        "mean over models. `fold_summary.corrected_resampled_t` with the variance between answers that stratified folds hide. Lowest",
        f"coverage over the answer options. {n} surveys, {monte_carlo(n)}. With few training rows intervals are too long.",
        "",
        "What does not hold is the F1 of an option that is the most probable one by a hair, or rarely: here the red list has .37 of",
        "the vote and the blue list .38, so that it is chance which of them the majority names. All folds of a survey then agree,",
        "and no interval over folds can show how it would have been with other training rows. Macro F1 suffers less.",
        "",
    ]
    table = pd.DataFrame(rows)
    table["metric"] = table["quantity"].str.split(" of ").str[0]
    # Differences of it are shown nowhere.
    table = table[~((table["metric"] == "share_error") & table["setting"].str.contains(" − "))]
    metrics = list(dict.fromkeys(table["metric"]))
    body = []
    for (method, setting), part in table.groupby(["method", "setting"], sort=False):
        lowest = part.groupby("metric")["coverage"].min()
        body.append(
            [str(method), str(setting), *(mark(lowest[one], n) if one in lowest else "" for one in metrics)]
        )
    return [*lines, *table_of(["method", "condition", *metrics], body)]


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
        "the truth is that of all of them. Multinomial logistic arm, main effects; regression of the item on party. Source: General",
        "Social Survey 2018, R package stevedata, public domain.",
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
    "calibration": calibration_lines,
    "gss": gss_lines,
    "rectification": rectification_lines,
    "folds": fold_lines,
    "effective": effective_lines,
    "series": series_lines,
}


def write_page(folder: Path, path: Path) -> None:
    """Write the page of all parts that are in the folder."""
    parts = {
        file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))
    }
    path.write_text(page(parts), encoding="utf-8")


def main() -> None:
    """Run the parts, two at a time, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="*", choices=[*PARTS], default=[*PARTS])
    parser.add_argument("--effort", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cores", type=int, default=2)
    given = parser.parse_args()
    with ProcessPoolExecutor(given.cores) as pool:
        jobs = [pool.submit(run_part, name, given.effort, given.seed) for name in given.parts]
        for job in jobs:
            print(job.result(), flush=True)
    write_page(FOLDER, PAGE)
    print(f"{PAGE} written")


if __name__ == "__main__":
    main()
