"""Absent answers, imputed by the tuned built-in model where the truth is known: a part of benchmarks/validate.py."""

import tempfile
from pathlib import Path

import numpy as np
import yaml
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
from validation_imputation import (
    IMPUTATIONS,
    RESPONDENTS,
    complete_cases,
    coverage_of,
    estimates_of,
    fitted_logistic,
    imputed,
)

from stimmung.estimator.survey_imputer import SurveyImputer
from stimmung.study.reading import load_codebook
from stimmung.vocabulary.training import Training

REPETITIONS = {"tuned": 5}  # a minute of one core each, for a mechanism
BASE = Path("results/models/tiny")  # which snakemake makes
CODEBOOK, CONFIG = Path("codebooks/known-truth.yaml"), Path("config.yaml")


def tuned(effort: float, seed: int) -> Rows:
    """Shares, coefficients and probabilities by ``tiny/tuned``, and by cheap arms on the same surveys."""
    if not BASE.is_dir():
        return []
    preset = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["training"]["tiny-votes"]
    codebook, truth, names = load_codebook(CODEBOOK), true_values(), list(ITEMS)
    found: Rows = []
    errors: dict[tuple[str, str], list[float]] = {}
    for number, mechanism in enumerate(MECHANISMS):
        for one in range(times(REPETITIONS["tuned"], effort)):
            table, answered = draw_survey(RESPONDENTS, mechanism, np.random.default_rng([seed, number, one]))
            known = population()[1][tuple(table.loc[~answered, item].cat.codes for item in ITEMS)]
            codes = table[TARGET].cat.codes.to_numpy().astype(np.intp)
            logistic = fitted_logistic(well_specified(table), codes, len(OPTIONS))
            with tempfile.TemporaryDirectory() as store:
                imputer = SurveyImputer(
                    codebook,
                    method="tuned",
                    base=BASE,
                    training=Training.model_validate(preset),
                    store=store,
                    random_state=one,
                )
                x = table[names].astype(str)
                imputer.fit(x, table[TARGET].astype(object).where(answered))
                by_method = {
                    "tiny/tuned, bootstrap": estimates_of(imputer.impute(IMPUTATIONS), TARGET, "education")
                }
                said = {"tiny/tuned, bootstrap": imputer.predict_proba(x[~answered])}
            stacked = imputed(table, answered, logistic, TARGET, "bootstrap", one)
            by_method["ours, bootstrap (well specified)"] = estimates_of(stacked, TARGET, "education")
            by_method["complete cases"] = complete_cases(table[answered], TARGET, "education")
            said["ours, bootstrap (well specified)"] = logistic(table[answered], table[~answered], 0)
            for method, rows in by_method.items():
                found += [{"method": method, "setting": mechanism, **row} for row in rows]
            for method, probabilities in said.items():
                errors.setdefault((method, mechanism), []).append(float(np.abs(probabilities - known).mean()))
    return [
        row | {"probability_error": float(np.mean(errors.get((row["method"], row["setting"]), [np.nan])))}
        for row in coverage_of(found, truth)
    ]
