"""Do the intervals of effective respondents hold? Made-up surveys in which the answer is known.

A model that has seen EXTRA more respondents of the same population than the baseline, and is otherwise the same logistic
regression, is worth exactly its own respondents plus EXTRA. Counts how often the interval holds that number.

    python benchmarks/effective.py --surveys 100
"""

import argparse

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from stimmung.data.surveys.drawn_rows import draw_share
from stimmung.evaluation.votes.effective_sample import count_effective_respondents

SHARES = {"share-5": 0.05, "share-10": 0.1, "share-20": 0.2, "share-50": 0.5, "full": 1.0}
RESPONDENTS, FOLDS, EXTRA = 1000, 5, 100


WEIGHTS = np.random.default_rng(0).normal(size=(8, 3))


def population(rng, n):
    """Return items, shape (n, 8), and votes among three options."""
    items = rng.normal(size=(n, 8))
    scores = items @ WEIGHTS + rng.gumbel(size=(n, 3)) * 1.2
    return items, scores.argmax(axis=1)


def survey(seed):
    """Return predictions and splits of one made-up survey."""
    rng = np.random.default_rng(seed)
    x, y = population(rng, RESPONDENTS)
    x_extra, y_extra = population(rng, EXTRA)
    folds = np.empty(RESPONDENTS, dtype="int8")
    for fold, (_, tested) in enumerate(StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(x, y)):
        folds[tested] = fold
    ids, target = [f"r{one:04d}" for one in range(RESPONDENTS)], np.array(["a", "b", "c"])[y]
    predictions, splits = [], []
    for condition, share in SHARES.items():
        used = draw_share(np.ones(RESPONDENTS, bool), pd.Series(target), pd.Series(folds), share, seed)
        splits.append(
            pd.DataFrame({"respondent_id": ids, "condition": condition, "fold": folds, "in_training": used})
        )
        for method, extra in (("baselines/logistic", 0), ("model/tuned", EXTRA)):
            probabilities = np.empty((RESPONDENTS, 3))
            for fold in range(FOLDS):
                rows = used & (folds != fold)
                model = LogisticRegression(max_iter=200).fit(
                    np.vstack([x[rows], x_extra[:extra]]), np.concatenate([y[rows], y_extra[:extra]])
                )
                probabilities[folds == fold] = model.predict_proba(x[folds == fold])
            table = pd.DataFrame({"respondent_id": ids, "fold": folds, "target": target, "weight": 1.0})
            table[["p_a", "p_b", "p_c"]] = probabilities
            predictions.append(table.assign(method=method, condition=condition, seed=0))
    return pd.concat(predictions, ignore_index=True), pd.concat(splits, ignore_index=True)


def main():
    """Print the coverage by metric and share."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--surveys", type=int, default=100)
    found = []
    for seed in range(parser.parse_args().surveys):
        table = count_effective_respondents(*survey(seed), [list(SHARES)], n_resamples=400, seed=seed)
        truth = table["n_training"] + EXTRA
        # Beyond the curve no number can be right; that the interval reaches there is.
        held = (table["ci_low"] <= truth) & (
            (truth <= table["ci_high"]) | ((truth > table["n_largest"]) & np.isinf(table["ci_high"]))
        )
        found.append(table.assign(held=held, truth=truth))
    every = pd.concat(found)
    summary = every.groupby(["metric", "condition"], sort=False).agg(
        truth=("truth", "mean"), median=("n_effective", "median"), held=("held", "mean"), n=("held", "size")
    )
    print(summary.to_string(float_format=lambda value: f"{value:.2f}"))


if __name__ == "__main__":
    main()
