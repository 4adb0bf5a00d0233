"""Absent answers, imputed where the truth is known: parts of benchmarks/validate.py."""

from pathlib import Path

import numpy as np
import pandas as pd
from known_truth import (
    ITEMS,
    MECHANISMS,
    OPTIONS,
    TARGET,
    Rows,
    draw_survey,
    population,
    times,
    true_values,
    well_specified,
)
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from stimmung.baselines.chained_equations import chained_equations
from stimmung.baselines.hot_deck import hot_deck_shares
from stimmung.evaluation.estimates.completed_data_fits import multinomial_regression, weighted_means
from stimmung.evaluation.estimates.multiple_imputation import Predict, Uncertainty, impute_draws, stacked_data
from stimmung.evaluation.estimates.pooled_estimates import pooled_regression, pooled_shares
from stimmung.evaluation.estimates.survey_design import SurveyDesign
from stimmung.evaluation.votes.calibration import wilson_interval
from stimmung.vocabulary.errors import InputError

Floats = NDArray[np.float64]

REPETITIONS = {
    "imputation": 300,
    "slow imputation": 60,  # MICE and hot deck
    "gss": 100,
}
GSS = Path("../shared/data/gss-spending/gss_spending.csv")
RESPONDENTS, IMPUTATIONS = 500, 10
WEAK_PENALTY = (
    100.0  # scikit-learn's C: nearly maximum likelihood, and finite where nobody of a cell chose an option
)


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


def estimates_of(table: pd.DataFrame, target: str, regressor: str) -> Rows:
    """Return shares and coefficients of stacked data; no coefficients where a copy has no finite ones."""
    options = list(table[target].cat.categories)
    shares = pooled_shares(table, target, weight=None)
    rows = [
        {"quantity": f"share: {one.option}", "estimate": one.estimate, "low": one.ci_low, "high": one.ci_high}
        for one in shares.itertuples()
    ]
    try:
        fitted = pooled_regression(table, target, [regressor], family="multinomial")
    except InputError:
        return rows
    for one in fitted.itertuples():
        if one.term != "(Intercept)":
            name = f"coefficient: {one.outcome}, {one.term.split('=')[1]}"
            rows.append({"quantity": name, "estimate": one.estimate, "low": one.ci_low, "high": one.ci_high})
    assert len(options) == len(shares)
    return rows


def complete_cases(table: pd.DataFrame, target: str, regressor: str) -> Rows:
    """Return shares and coefficients of those who answered; no coefficients where they are not finite."""
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
    try:
        fit = multinomial_regression(y, x, len(options), None)
    except InputError:
        return rows
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


def imputed(
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
        for one in range(times(REPETITIONS["imputation"], effort)):
            rng = np.random.default_rng([seed, number, one])
            table, answered = draw_survey(RESPONDENTS, mechanism, rng)
            logistic = fitted_logistic(
                well_specified(table), table[TARGET].cat.codes.to_numpy().astype(np.intp), len(OPTIONS)
            )
            ways: dict[str, tuple[Predict, Uncertainty]] = {
                "ours, bootstrap (well specified)": (logistic, "bootstrap"),
                "ours, seeds only": (logistic, "seeds"),
            }
            if one < times(REPETITIONS["slow imputation"], effort):
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
                method: estimates_of(imputed(table, answered, predict, TARGET, how, one), TARGET, "education")
                for method, (predict, how) in ways.items()
            }
            by_method["complete cases"] = complete_cases(table[answered], TARGET, "education")
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
        for one in range(times(REPETITIONS["slow imputation"], effort)):
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
        own = {row["quantity"]: row["estimate"] for row in complete_cases(people, item, "party")}
        truth |= {f"{item}, {name}": float(value) for name, value in own.items()}
        x = np.hstack(
            [pd.get_dummies(whole[name].astype(int).astype(str)).to_numpy(float)[:, 1:] for name in GSS_ITEMS]
        )
        silent = {"MCAR": np.full(len(whole), GSS_SILENT)}
        lean = (whole["partyid"] >= 4).to_numpy() * 0.3 + (whole["degree"] >= 3).to_numpy() * 0.15
        silent["MAR"] = lean + GSS_SILENT - lean.mean()
        for mechanism, share in silent.items():
            for one in range(times(REPETITIONS["gss"], effort)):
                rng = np.random.default_rng([seed, number, len(mechanism), one])
                drawn = rng.integers(len(whole), size=GSS_RESPONDENTS)
                sample = people.iloc[drawn].reset_index(drop=True)
                sample["respondent_id"] = [str(place) for place in range(GSS_RESPONDENTS)]
                answered = rng.random(GSS_RESPONDENTS) >= share[drawn]
                y = sample[item].cat.codes.to_numpy().astype(np.intp)
                logistic = fitted_logistic(x[drawn], y, 3)
                ways: dict[str, Uncertainty] = {"ours, bootstrap": "bootstrap", "ours, seeds only": "seeds"}
                results = {
                    method: estimates_of(imputed(sample, answered, logistic, item, how, one), item, "party")
                    for method, how in ways.items()
                }
                results["complete cases"] = complete_cases(sample[answered], item, "party")
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
