"""Metrics of a select-all item, whose options can all be chosen, where the truth is known: a part of benchmarks/validate.py."""

import numpy as np
import pandas as pd
from known_truth import ITEMS, Rows, draw_survey, times
from simulated_folds import (
    CHECKED,
    CHECKED_SURVEYS,
    FOLDS,
    METHODS,
    UNTRAINED,
    Model,
    Truths,
    coverage_of_folds,
    main_effects,
    predict_folds,
    true_metrics,
)
from sklearn.metrics import f1_score

from stimmung.data.surveys.splits import split_condition
from stimmung.evaluation.votes.fold_metrics import Metrics, measure_folds
from stimmung.evaluation.votes.option_metrics import MEANS, measure_options, stack_options

REPETITIONS = {"select-all": 100}
RESPONDENTS = 600
# Of the problems that a person names; log-odds of each where nothing else is known, from often to rarely chosen.
OPTIONS = {"prices": 0.6, "climate": 0.1, "crime": -0.6, "health": -1.8}
CHOSEN, NOT_CHOSEN = "chosen", "not chosen"
TOGETHER = 0.8  # standard deviation of what a respondent tends to name of all options, in log-odds
CONDITIONS = {"full": None, "share-10": 0.1}


def draw_choices(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return a RESPONDENTS table with an item for each option, which hang together beyond the other items."""
    table, _ = draw_survey(n, "MCAR", rng)
    party, education, age = (table[item].cat.codes.to_numpy() for item in ITEMS)
    tends = rng.normal(scale=TOGETHER, size=n)
    of_party = np.random.default_rng(4).normal(scale=0.8, size=(len(OPTIONS), len(ITEMS["party"])))
    for place, (option, start) in enumerate(OPTIONS.items()):
        odds = (
            start + of_party[place, party] + 0.4 * (education - 1) * (-1) ** place + 0.2 * (age - 1) + tends
        )
        chosen = rng.random(n) < 1 / (1 + np.exp(-odds))
        table[option] = pd.Categorical.from_codes(chosen.astype(int), [NOT_CHOSEN, CHOSEN])
    return table


def metrics_of_all(models: dict[str, tuple[str, Model]], population: pd.DataFrame) -> Metrics:
    """Return the true metrics of each option's model, and of all together: means over options, and micro F1 by scikit-learn."""
    found: Metrics = {}
    parts: dict[str, list[float]] = {}
    predicted, chosen = [], []
    for option, (method, model) in models.items():
        own = true_metrics(method, model, population, option)
        # The Brier score of one label is half of that over yes and no.
        own[("brier", None)] /= 2
        for metric in ("f1", "predicted_share", "share_error"):
            found[metric, option] = own[metric, CHOSEN]
        for metric in ("log_loss", "brier"):
            found[metric, option] = own[metric, None]
        for metric in MEANS:
            parts.setdefault(metric, []).append(found[metric, option])
        predicted.append(model(main_effects(population))[:, 1] > 0.5)
        chosen.append((population[option] == CHOSEN).to_numpy())
    found |= {(MEANS[metric], None): float(np.mean(values)) for metric, values in parts.items()}
    found["micro_f1", None] = float(f1_score(np.stack(chosen, 1), np.stack(predicted, 1), average="micro"))
    return found


def select_all(effort: float, seed: int) -> Rows:
    """Metrics of a select-all item with four options: logistic regression, the majority, a fixed model."""
    truths = Truths()
    found: list[pd.DataFrame] = []
    checked = draw_choices(CHECKED, np.random.default_rng([seed, 10**6]))
    for one in range(times(REPETITIONS["select-all"], effort)):
        table = draw_choices(RESPONDENTS, np.random.default_rng([seed, one]))
        tables, folds = {}, {}
        models: dict[tuple[str, str], dict[str, tuple[str, Model]]] = {}
        for option in OPTIONS:
            predictions, splits = [], []
            for condition, share in CONDITIONS.items():
                others = [other for other in OPTIONS if other != option]
                split = split_condition(
                    table, option, condition, share=share, other_targets=others, n_folds=FOLDS, seed=one
                )
                splits.append(split)
                for method in METHODS:
                    if method == UNTRAINED and condition != "full":
                        continue
                    said, model = predict_folds(table, option, split, method)
                    predictions.append(said)
                    models.setdefault((method, condition), {})[option] = (method, model)
            tables[option] = pd.concat(predictions)
            folds[option] = measure_folds(tables[option], pd.concat(splits))
        if one < CHECKED_SURVEYS:
            for about, of_options in models.items():
                truths.add(metrics_of_all(of_options, checked), "", *about)
        found.append(measure_options(stack_options(tables, CHOSEN), folds, CHOSEN).assign(way=""))
    return coverage_of_folds(found, truths)
