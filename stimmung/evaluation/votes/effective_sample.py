"""Effective respondents: how many of them a tabular model needs to be as good as a tuned language model with fewer.

After the effective data transferred of Hernandez et al. (2021, Scaling laws for transfer, arXiv 2102.01293, section 2), with
the best tabular baseline as the model without pre-training; its need is read off its own learning curve.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from stimmung.evaluation.votes.fold_metrics import training_rows
from stimmung.evaluation.votes.resampling import resample
from stimmung.vocabulary.arms import sees_training_rows
from stimmung.vocabulary.parquet_tables import BASELINE_PREFIX, typed_table
from stimmung.vocabulary.votes_schemas import EFFECTIVE, option_columns, options_of

Floats = NDArray[np.float64]
Values = dict[tuple[str, str], dict[str, Floats]]  # (method, condition) to metric to (1 + resamples,)

METRICS = ("macro_f1", "log_loss")
LEVEL = 0.95
_FLOOR = np.finfo(float).eps  # a probability of 0 counts as this in the log-loss, as in ``vote_metrics``


def count_effective_respondents(
    predictions: pd.DataFrame,
    splits: pd.DataFrame,
    curves: Sequence[Sequence[str]],
    *,
    weighted: bool = False,
    n_resamples: int = 1000,
    seed: int = 0,
    design: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return an EFFECTIVE table: for each arm, share and metric the respondents that the best baseline needs.

    The baseline's learning curve is the best baseline at each share, made monotone by isotonic regression, and read off between
    the shares on a logarithmic scale. Where the arm is better than the best baseline ever is, no number of the respondents at
    hand suffices, and the result is infinite ('more than all'); where it is worse than the best baseline with the smallest
    share, it is 0 ('fewer than the smallest share has').

    The interval is a percentile bootstrap of both curves together: test folds are drawn with replacement, and respondents
    within them, or what the survey's ``design`` drew (``design_table``), the same for all methods. That folds share training
    rows is not in the resamples: their deviations from the estimate are made longer by the factor that the correction of Nadeau and
    Bengio (2003, Machine Learning 52) has for K folds without a smaller share, sqrt(1 + K / (K - 1)). Without it the interval held
    the true number in .88 of simulated surveys (log-loss). VALIDATION.md has the coverage.

    ``curves`` are groups of conditions that differ in the training share alone, in the order of the shares; one with fewer than
    two conditions that have baselines gives no rows. ``n_training`` is the mean over folds of the rows the arm was trained on,
    ``n_smallest`` and ``n_largest`` are those of the baseline's curve. With ``weighted``, survey weights count in the metrics.
    """
    sizes = pd.Series(training_rows(splits)).groupby(level=0).mean()
    respondents = predictions.drop_duplicates("respondent_id").sort_values(["fold", "respondent_id"])
    n_folds = respondents["fold"].nunique()
    shared = np.sqrt(1 + n_folds / max(n_folds - 1, 1))
    # The same resamples for every method and condition.
    counts, folds = _draw(respondents, design, n_resamples, seed)
    if weighted:
        counts = counts * respondents["weight"].to_numpy()
    rows: list[dict[str, Any]] = []
    for curve in curves:
        on_curve = predictions[predictions["condition"].isin(curve)]
        values: Values = {
            (str(method), str(condition)): {
                metric: one[0] + shared * (one - one[0])
                for metric, one in _metrics(run, respondents, counts, folds).items()
            }
            for (method, condition), run in on_curve.groupby(["method", "condition"], sort=False)
            if sees_training_rows(str(method))
        }
        baselines: dict[str, list[dict[str, Floats]]] = {one: [] for one in curve}
        for (method, condition), found in values.items():
            if method.startswith(BASELINE_PREFIX):
                baselines[condition].append(found)
        steps = [one for one in curve if baselines[one]]
        if len(steps) < 2:
            continue
        n_steps = np.array([float(sizes[one]) for one in steps])
        for metric in METRICS:
            best = [np.max([found[metric] for found in baselines[one]], axis=0) for one in steps]
            ends = {"metric": metric, "n_smallest": n_steps[0], "n_largest": n_steps[-1]}
            for (method, condition), found in values.items():
                if not method.startswith(BASELINE_PREFIX):
                    arm = {"method": method, "condition": condition, "n_training": float(sizes[condition])}
                    rows.append({**arm, **ends, **_needed(found[metric], n_steps, np.stack(best, axis=1))})
    return typed_table(rows, EFFECTIVE)


def _needed(levels: Floats, n_training: Floats, curves: Floats) -> dict[str, float]:
    """Return the estimate from the sample, which is the first row, and its interval from the resamples."""
    needed = [respondents_needed(level, n_training, one) for level, one in zip(levels, curves, strict=True)]
    # Quantiles without interpolation, because some values are infinite.
    low, high = np.quantile(needed[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="inverted_cdf")
    return {"n_effective": float(needed[0]), "ci_low": float(low), "ci_high": float(high)}


def respondents_needed(level: float, n_training: Floats, values: Floats) -> float:
    """Return the number of training respondents at which a learning curve first reaches ``level``, a value of the metric.

    ``values``, higher is better, are those at ``n_training`` respondents, rising, each of shape (points,); they are made monotone
    here. Between the points by interpolation on a logarithmic scale; 0 below the first point, infinity above the last.
    """
    curve = np.asarray(isotonic_regression(values).x)
    if level > curve[-1]:
        return float("inf")
    if level < curve[0]:
        return 0.0
    place = int(np.searchsorted(curve, level, side="left"))
    if place == 0:
        return float(n_training[0])
    part = (level - curve[place - 1]) / (curve[place] - curve[place - 1])
    low, high = np.log(n_training[place - 1]), np.log(n_training[place])
    return float(np.exp(low + part * (high - low)))


def _draw(
    respondents: pd.DataFrame, design: pd.DataFrame | None, n_resamples: int, seed: int
) -> tuple[Floats, Floats]:
    """Return how often each respondent (1 + resamples, n) and fold (1 + resamples, folds) is drawn, the sample itself first."""
    rng = np.random.default_rng(seed)
    counts = resample(respondents, design, n_resamples, rng)
    n_folds = respondents["fold"].nunique()
    folds = np.ones((1 + n_resamples, n_folds))
    folds[1:] = rng.multinomial(n_folds, np.full(n_folds, 1 / n_folds), size=n_resamples)
    return counts, folds


def _metrics(
    run: pd.DataFrame, respondents: pd.DataFrame, counts: Floats, folds: Floats
) -> dict[str, Floats]:
    """Return each metric's mean over the folds drawn and over seeds, for the sample and every resample; higher is better."""
    options, columns = options_of(run), option_columns(run)
    codes = pd.Index(options).get_indexer(pd.Index(respondents["target"]))
    true = _indicators(codes, len(options))
    seeds = []
    for _, part in run.groupby("seed"):
        aligned = part.set_index("respondent_id").loc[respondents["respondent_id"], columns].to_numpy()
        aligned = aligned / aligned.sum(axis=1, keepdims=True)
        losses = -np.log(np.maximum(aligned[np.arange(len(codes)), codes], _FLOOR))
        seeds.append((_indicators(aligned.argmax(axis=1), len(options)), losses))
    by_fold = []
    for fold in np.unique(respondents["fold"]):
        here = (respondents["fold"] == fold).to_numpy()
        weights = counts[:, here]
        f1, loss = [], []
        for predicted, losses in seeds:
            both = weights @ (true[here] * predicted[here])
            either = weights @ true[here] + weights @ predicted[here]
            # An option that is neither chosen nor predicted has no F1, as in ``vote_metrics``.
            with np.errstate(invalid="ignore"):
                f1.append(np.nanmean(np.where(either > 0, 2 * both / either, np.nan), axis=1))
            loss.append(-(weights @ losses[here]) / weights.sum(axis=1))
        by_fold.append((np.mean(f1, axis=0), np.mean(loss, axis=0)))
    return {
        metric: np.einsum("bf,fb->b", folds, np.stack(values)) / folds.shape[1]
        for metric, values in zip(METRICS, zip(*by_fold, strict=True), strict=True)
    }


def _indicators(codes: NDArray[np.intp], n_options: int) -> Floats:
    return np.asarray(codes[:, None] == np.arange(n_options), dtype=float)
