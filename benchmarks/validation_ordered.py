"""Metrics and fidelity of ordered answers where the truth is known: a part of benchmarks/validate.py."""

import numpy as np
import pandas as pd
from fidelity import LARGE
from fidelity import survey as fidelity_survey
from known_truth import ITEMS, Rows, draw_survey, times
from simulated_folds import (
    CHECKED,
    CHECKED_SURVEYS,
    FOLDS,
    METHODS,
    UNTRAINED,
    Truths,
    coverage_of_folds,
    predict_folds,
    true_metrics,
)

from stimmung.data.surveys.splits import split_condition
from stimmung.evaluation.votes.fidelity import compare_fidelity
from stimmung.evaluation.votes.fold_metrics import measure_folds
from stimmung.evaluation.votes.fold_summary import summarize_folds
from stimmung.evaluation.votes.vote_metrics import VOTE_METRICS

REPETITIONS = {"folds": 150, "fidelity": 100}
RESPONDENTS = 600
FIDELITY_RESPONDENTS = 900
# A numeric item in bins, of different widths and the last one rare: income, or hours a week.
TARGET, VALUES = "income", (1.0, 2.0, 3.0, 5.0, 8.0)
CUTS = (-1.2, 0.2, 1.4, 2.8)
WAYS = {"stratified": False, "several targets": True}
CONDITIONS = {"full": None, "share-10": 0.1}
SHOWN_METRICS = [name for name, one in VOTE_METRICS.items() if one.ordered]


def draw_ordered_survey(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return a RESPONDENTS table whose target rises with education and age, each party in a way of its own."""
    table, _ = draw_survey(n, "MCAR", rng)
    party, education, age = (table[item].cat.codes.to_numpy() for item in ITEMS)
    slope = np.array([0.5, 0.9, 0.1, 0.6])[party]
    latent = np.array([-0.4, 0.5, 0.2, 0.0])[party] + slope * education + 0.3 * age + rng.logistic(size=n)
    names = [str(value) for value in VALUES]
    return table.assign(
        **{TARGET: pd.Categorical.from_codes(np.searchsorted(CUTS, latent), names, ordered=True)}
    )


def ordered(effort: float, seed: int) -> Rows:
    """Metrics of ordered answers over folds, and the measures of their fidelity."""
    truths = Truths()
    found: list[pd.DataFrame] = []
    checked = draw_ordered_survey(CHECKED, np.random.default_rng([seed, 10**6]))
    for way, one in ((way, one) for way in WAYS for one in range(times(REPETITIONS["folds"], effort))):
        table = draw_ordered_survey(RESPONDENTS, np.random.default_rng([seed, one]))
        predictions, splits = [], []
        for condition, share in CONDITIONS.items():
            other = ["party"] if WAYS[way] else []
            split = split_condition(
                table, TARGET, condition, share=share, other_targets=other, n_folds=FOLDS, seed=one
            )
            splits.append(split)
            for method in METHODS:
                if method == UNTRAINED and condition != "full":
                    continue
                said, model = predict_folds(table, TARGET, split, method)
                predictions.append(said)
                if one < CHECKED_SURVEYS:
                    true = true_metrics(method, model, checked, TARGET, VALUES)
                    truths.add(true, way, method, condition)
        measured = measure_folds(pd.concat(predictions), pd.concat(splits), option_values=VALUES)
        measured = measured[measured["metric"].isin(SHOWN_METRICS)]
        found.append(summarize_folds(measured).assign(way=way))
    return coverage_of_folds(found, truths) + ordered_fidelity(times(REPETITIONS["fidelity"], effort), seed)


def ordered_fidelity(n_surveys: int, seed: int) -> Rows:
    """Return the coverage of the measures of fidelity of ordered answers, in the surveys of ``benchmarks/fidelity.py``."""

    def measured(n: int, seed: int, **more: int) -> pd.DataFrame:
        predictions, respondents = fidelity_survey(n, seed)
        found = compare_fidelity(predictions, respondents, "vote", {}, option_values=(0, 1, 2), **more)
        return found.measures.set_index(["method", "measure"])

    truth = measured(LARGE, 10_000, n_resamples=2)["value"]
    tables = [measured(FIDELITY_RESPONDENTS, seed * 10**6 + one) for one in range(n_surveys)]
    held = sum(((one["ci_low"] <= truth) & (truth <= one["ci_high"])).astype(float) for one in tables)
    return [
        {"fidelity": measure, "method": method, "coverage": share, "n": n_surveys}
        for (method, measure), share in (held / n_surveys).items()
    ]
