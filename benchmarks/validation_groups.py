"""Distances of groups' predicted shares where the truth is known: a part of benchmarks/validate.py."""

from collections.abc import Mapping
from unittest import mock

import numpy as np
import pandas as pd
from known_truth import Rows, times
from numpy.typing import NDArray

from stimmung.baselines import group_baselines
from stimmung.baselines.group_baselines import MEAN_OF_OTHERS, predict_groups
from stimmung.data.surveys.group_shares import with_folds
from stimmung.evaluation.votes.group_distances import compare_groups

Floats = NDArray[np.float64]

REPETITIONS = {"groups": 200}
N_GROUPS = (10, 30, 80)
MULTILEVEL = 30, 80  # in surveys of so many groups, the first of them: a fit takes a second
FOLDS = 5
VALUES = {
    "vote": None,
    "trust": (1.0, 2.0, 3.0, 4.0, 5.0),
}  # of each item's options, if they stand in an order
OPTIONS = {"vote": ["left", "right", "other"], "trust": ["1", "2", "3", "4", "5"]}
BY = {"region": ["north", "east", "south", "west"], "size": ["town", "city", "village"]}
TRAITS = 4  # of a group, which the models know and the baselines do not
# By how much an adapter's training moves what it says of all groups of its fold, in units of a trait's mean effect on log-odds.
UNSTEADY = 0.4
EFFECT = 0.5
MODELS = {"steady/tuned": 0.0, "unsteady/tuned": UNSTEADY * EFFECT}


def effects(item: str) -> Floats:
    """Return what the traits do to the log-odds of an item's options, shape (traits, options): the same in every population."""
    rng = np.random.default_rng([3, list(OPTIONS).index(item)])
    return rng.normal(scale=EFFECT, size=(TRAITS, len(OPTIONS[item])))


def softmax(scores: Floats) -> Floats:
    odds = np.exp(scores)
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def draw_groups(n_groups: int, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame, Floats]:
    """Return groups of 30 to 300 respondents with the answers that make them, their GROUP_SHARES table, and their traits.

    Groups are drawn from a population of groups: a group's shares follow from its traits, its region, and what is its own.
    """
    names = [f"g{place:03d}" for place in range(n_groups)]
    by = {item: rng.integers(len(answers), size=n_groups) for item, answers in BY.items()}
    traits, n = rng.normal(size=(n_groups, TRAITS)), rng.integers(30, 301, size=n_groups)
    rows = []
    for item, options in OPTIONS.items():
        own = rng.normal(scale=0.3, size=(n_groups, len(options)))
        of_region = 0.5 * (by["region"][:, None] == np.arange(len(options)))
        true = softmax(traits @ effects(item) + of_region + own)
        for group, size, shares in zip(names, n, true, strict=True):
            about = {"group": group, "item": item, "n": float(size), "n_effective": float(size)}
            observed = rng.multinomial(size, shares) / size
            rows += [
                {**about, "option": option, "share": share}
                for option, share in zip(options, observed, strict=True)
            ]
    made_by = {item: pd.Categorical.from_codes(by[item], BY[item]) for item in BY}
    return pd.DataFrame({"group": names, **made_by}), pd.DataFrame(rows), traits


def predict_models(
    shares: pd.DataFrame, traits: Floats, folds: NDArray[np.int8], rng: np.random.Generator
) -> pd.DataFrame:
    """Return a GROUP_PREDICTIONS table: of two models that learn from the other folds' groups, and of one that does not learn."""
    tables = []
    for item, options in OPTIONS.items():
        observed = shares[shares["item"] == item].pivot(index="group", columns="option", values="share")
        logs = np.log(observed[options].to_numpy() + 0.01)
        columns = np.hstack([np.ones((len(traits), 1)), traits])
        penalty = np.diag([0.0, *np.ones(TRAITS)])
        said = {"model/zero-shot": softmax(traits @ effects(item) / 2 + 0.3 * np.arange(len(options)))}
        for name, noise in MODELS.items():
            said[name] = np.empty_like(logs)
            for fold in np.unique(folds):
                own, others = columns[folds == fold], columns[folds != fold]
                learned = np.linalg.solve(others.T @ others + penalty, others.T @ logs[folds != fold])
                said[name][folds == fold] = softmax(
                    own @ (learned + rng.normal(scale=noise, size=learned.shape))
                )
        for method, table in said.items():
            long = pd.DataFrame(table, index=observed.index, columns=options).assign(fold=folds)
            long = long.reset_index().melt(["group", "fold"], var_name="option", value_name="predicted")
            tables.append(long.assign(method=method, seed=1, item=item))
    return pd.concat(tables, ignore_index=True)


def predict_baselines(groups: pd.DataFrame, shares: pd.DataFrame, multilevel: bool) -> pd.DataFrame:
    """Return the GROUP_PREDICTIONS table of the library's baselines, with or without the slow one."""
    if multilevel:
        return predict_groups(groups, shares, list(BY), 1)
    quick = {name: one for name, one in group_baselines.GROUP_BASELINES.items() if "multilevel" not in name}
    with mock.patch.object(group_baselines, "GROUP_BASELINES", quick):
        return predict_groups(groups, shares, list(BY), 1)


def one_survey(n_groups: int, seed: int, one: int) -> pd.DataFrame:
    """Return the DISTRIBUTIONS table of one survey of so many groups."""
    rng = np.random.default_rng([seed, n_groups, one])
    found, shares, traits = draw_groups(n_groups, rng)
    found = with_folds(found, shares, FOLDS, one)
    baselines = predict_baselines(found, shares, multilevel=n_groups == MULTILEVEL[0] and one < MULTILEVEL[1])
    models = predict_models(shares, traits, found["fold"].to_numpy(), rng)
    values: Mapping[str, tuple[float, ...] | None] = VALUES
    return compare_groups(pd.concat([baselines, models]), shares, values, MEAN_OF_OTHERS, one)


def groups(effort: float, seed: int) -> Rows:
    """Distances of groups and their differences from the mean of the other groups; of the truth, the mean over surveys."""
    rows: Rows = []
    for n_groups in N_GROUPS:
        surveys = range(times(REPETITIONS["groups"], effort))
        table = pd.concat([one_survey(n_groups, seed, one) for one in surveys])
        for kind, ends in {"value": "ci", "difference": "difference"}.items():
            own = table.dropna(subset=kind)
            by = own.groupby(["method", "metric", "item"], sort=False)
            truth, low, high = by[kind].transform("mean"), own[f"{ends}_low"], own[f"{ends}_high"]
            held = own.assign(coverage=(low <= truth) & (truth <= high), width=high - low)
            summary = held.groupby(["method", "metric", "item"], sort=False)[["coverage", "width"]].mean()
            known = 2 * 1.959964 * by[kind].std()
            rows += [
                {"setting": n_groups, "kind": kind, **row}
                for row in summary.assign(known_width=known, n=by.size()).reset_index().to_dict("records")
            ]
    return rows
