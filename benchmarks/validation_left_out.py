"""Waves and groups that a condition leaves out, and subgroups, where the truth is known: a part of benchmarks/validate.py."""

from typing import Any

import numpy as np
import pandas as pd
from known_truth import ITEMS, OPTIONS, TARGET, Floats, Rows, draw_survey, population, times
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
from stimmung.evaluation.votes.absent_options import compare_absent
from stimmung.evaluation.votes.comparisons import compare_conditions
from stimmung.evaluation.votes.fold_metrics import measure_folds
from stimmung.evaluation.votes.fold_summary import summarize_folds
from stimmung.evaluation.votes.shares_left_out import compare_left_out_shares
from stimmung.evaluation.votes.subgroup_metrics import measure_subgroups, members
from stimmung.evaluation.votes.tested_rows import answered
from stimmung.evaluation.votes.vote_metrics import VOTE_METRICS

REPETITIONS = {"left out": 150}
RESPONDENTS = 900
WAVE = "wave"
SWINGS = {
    "2013": (0.0, 0.0, 0.0),
    "2017": (0.2, -0.2, 0.0),
    "2021": (-0.4, 0.3, 0.3),
}  # of each list, in log-odds
CONDITIONS: dict[str, dict[str, Any]] = {
    "full": {},
    "without 2021": {"left_out": {WAVE: ["2021"]}},
    "without blue": {"exclude": {"party": ["blue"]}},
}
SUBGROUPS = {"high education": {"keep": {"education": ["high"]}}}
SHOWN_METRICS = [
    name for name, one in VOTE_METRICS.items() if not one.ordered and name not in ("unseen", "option_mass")
]
PAIRS = [
    (("baselines/logistic", "without 2021"), ("baselines/majority", "without 2021")),
    ((UNTRAINED, "without 2021"), ("baselines/logistic", "without 2021")),
]


def draw_waves(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return a RESPONDENTS table of three waves, of which each has a swing of its own."""
    table, _ = draw_survey(n, "MCAR", rng)
    waves = rng.integers(len(SWINGS), size=n)
    votes = swung(
        population()[1][tuple(table[item].cat.codes for item in ITEMS)],
        np.array(list(SWINGS.values()))[waves],
    )
    codes = (rng.random((n, 1)) >= votes.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return table.assign(
        **{
            TARGET: pd.Categorical.from_codes(codes, OPTIONS),
            WAVE: pd.Categorical.from_codes(waves, list(SWINGS)),
        }
    )


def swung(votes: Floats, swing: Floats) -> Floats:
    """Return probabilities (…, options) after a swing, in log-odds."""
    odds = votes * np.exp(swing)
    return np.asarray(odds / odds.sum(axis=-1, keepdims=True))


def left_out(effort: float, seed: int) -> Rows:
    """Metrics and shares of a wave that is left out, changes where a party's voters are, and metrics of a subgroup."""
    truths = Truths()
    found: list[pd.DataFrame] = []
    checked = draw_waves(3 * CHECKED, np.random.default_rng([seed, 10**6]))
    of_wave = checked[checked[WAVE] == "2021"]
    of_subgroup = {
        name: checked[checked["respondent_id"].isin(members(checked, one["keep"], {}))]
        for name, one in SUBGROUPS.items()
    }
    cells, votes = population()
    truths.add(
        {
            ("observed_share", option): share
            for option, share in zip(
                OPTIONS, np.einsum("pea,peav->v", cells, swung(votes, np.array(SWINGS["2021"]))), strict=True
            )
        },
        "shares of the wave",
        "observed",
        "without 2021",
    )
    for one in range(times(REPETITIONS["left out"], effort)):
        table = draw_waves(RESPONDENTS, np.random.default_rng([seed, one]))
        every, splits = [], []
        for condition, settings in CONDITIONS.items():
            split = split_condition(table, TARGET, condition, **settings, n_folds=FOLDS, seed=one)
            splits.append(split)
            for method in METHODS:
                said, model = predict_folds(table, TARGET, split, method)
                every.append(said)
                if one < CHECKED_SURVEYS:
                    tested = of_wave if "left_out" in settings else checked.iloc[:CHECKED]
                    truths.add(true_metrics(method, model, tested, TARGET), "metrics", method, condition)
                    for name, part in of_subgroup.items():
                        truths.add(true_metrics(method, model, part, TARGET), name, method, condition)
        of_splits = pd.concat(splits)
        predictions = answered(pd.concat(every), of_splits)
        measured = measure_folds(predictions, of_splits)
        measured = measured[measured["metric"].isin(SHOWN_METRICS)]
        subgroups = measure_subgroups(predictions, of_splits, table, SUBGROUPS)
        subgroups = subgroups[
            subgroups["metric"].isin(SHOWN_METRICS) & (subgroups["condition"] != "without 2021")
        ]
        pairs = [("without blue", "full")]
        changes = compare_conditions(measured, pairs).rename(columns={"difference": "value"})
        absent = compare_absent(predictions, of_splits, measured, pairs).dropna(subset="advantage")
        lead = absent[["method", "condition", "metric", "option"]].assign(
            other=absent["baseline"],
            reference=absent["condition"],
            value=absent["advantage"],
            ci_low=absent["advantage_low"],
            ci_high=absent["advantage_high"],
        )
        shares = compare_left_out_shares(predictions, table, CONDITIONS)
        shares = shares[shares["method"] == UNTRAINED].assign(method="observed", metric="observed_share")
        shares = shares.rename(
            columns={"observed": "value", "observed_low": "ci_low", "observed_high": "ci_high"}
        )
        found += [
            summarize_folds(measured).assign(way="metrics"),
            differences_of(measured, PAIRS).assign(way="metrics"),
            subgroups.assign(way=subgroups["subgroup"]),
            changes.assign(way="metrics", other=changes["method"]),
            lead.assign(way="metrics"),
            shares.assign(way="shares of the wave"),
        ]
    return coverage_of_folds(found, truths)
