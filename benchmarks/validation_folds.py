"""Metrics over folds and effective respondents where the truth is known: parts of benchmarks/validate.py."""

import numpy as np
import pandas as pd
from effective import EXTRA, SHARES
from effective import survey as effective_survey
from known_truth import ITEMS, OPTIONS, TARGET, Rows, draw_survey, population, times
from simulated_folds import (
    CHECKED,
    CHECKED_SURVEYS,
    FOLDS,
    METHODS,
    UNTRAINED,
    Truths,
    coverage_of_folds,
    differences_of,
    predict_folds,
    true_metrics,
)

from stimmung.data.surveys.splits import split_condition
from stimmung.evaluation.votes.effective_sample import count_effective_respondents
from stimmung.evaluation.votes.fold_metrics import measure_folds
from stimmung.evaluation.votes.fold_summary import summarize_folds
from stimmung.evaluation.votes.vote_metrics import VOTE_METRICS
from stimmung.vocabulary.votes_schemas import GROUP

REPETITIONS = {"folds": 150, "effective": 100}
CONDITIONS = {"full": None, "share-30": 0.3, "share-10": 0.1}
WAYS = {
    "stratified": "by the answer",
    "groups": "groups of three rows with the same items, half of whose answers are those of the first, within one fold",
    "several targets": "without regard to the answer, as where adapters learn several targets",
}
ALIKE = 0.5  # of the rows of a group that answer as the first does
FOLD_RESPONDENTS = 600
SHOWN_METRICS = [name for name, one in VOTE_METRICS.items() if not one.ordered and name != "unseen"]
PAIRS = [
    (("baselines/logistic", "full"), ("baselines/majority", "full")),
    (("baselines/logistic", "full"), (UNTRAINED, "full")),
    (("baselines/logistic", "share-10"), ("baselines/logistic", "full")),
]


def folds(effort: float, seed: int) -> Rows:
    """Metrics over folds and their differences: logistic regression, the majority, a fixed model; three ways of folding."""
    truths = Truths()
    found: list[pd.DataFrame] = []
    checked, _ = draw_survey(CHECKED, "MCAR", np.random.default_rng([seed, 10**6]))
    for way, one in ((way, one) for way in WAYS for one in range(times(REPETITIONS["folds"], effort))):
        table = draw_grouped_survey(way, np.random.default_rng([seed, one]))
        predictions, splits = [], []
        for condition, share in CONDITIONS.items():
            split = split_condition(
                table.astype({TARGET: "str"}),
                TARGET,
                condition,
                share=share,
                other_targets=["party"] if way == "several targets" else [],
                n_folds=FOLDS,
                seed=one,
            )
            splits.append(split)
            for method in METHODS:
                if method == UNTRAINED and condition != "full":
                    continue
                said, model = predict_folds(table, TARGET, split, method)
                predictions.append(said)
                if one < CHECKED_SURVEYS:
                    truths.add(true_metrics(method, model, checked, TARGET), way, method, condition)
        groups = table.set_index("respondent_id").get(GROUP)
        measured = measure_folds(pd.concat(predictions), pd.concat(splits), groups=groups)
        measured = measured[measured["metric"].isin(SHOWN_METRICS)]
        found += [summarize_folds(measured).assign(way=way), differences_of(measured, PAIRS).assign(way=way)]
    return coverage_of_folds(found, truths)


def draw_grouped_survey(way: str, rng: np.random.Generator) -> pd.DataFrame:
    """Return a RESPONDENTS table; where the way of folding is by groups, the rows of each are alike."""
    if way != "groups":
        return draw_survey(FOLD_RESPONDENTS, "MCAR", rng)[0]
    size = 3
    first, _ = draw_survey(FOLD_RESPONDENTS // size, "MCAR", rng)
    table = first.loc[first.index.repeat(size)].reset_index(drop=True)
    votes = population()[1][tuple(table[item].cat.codes.to_numpy() for item in ITEMS)]
    own = (rng.random((len(table), 1)) >= votes.cumsum(axis=1)[:, :-1]).sum(axis=1)
    copied = (np.arange(len(table)) % size == 0) | (rng.random(len(table)) < ALIKE)
    codes = np.where(copied, table[TARGET].cat.codes, own)
    return table.assign(
        respondent_id=[f"r{place:05d}" for place in range(len(table))],
        **{
            TARGET: pd.Categorical.from_codes(codes, OPTIONS),
            GROUP: np.repeat(first["respondent_id"].to_numpy(), size),
        },
    )


def effective(effort: float, seed: int) -> Rows:
    """Effective respondents of a model that has seen 100 more than the baseline (``benchmarks/effective.py``)."""
    found = []
    for one in range(times(REPETITIONS["effective"], effort)):
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
