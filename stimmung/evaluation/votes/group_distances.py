"""How far predicted shares of groups are from the observed ones, beside what sampling alone makes of a perfect prediction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from stimmung.evaluation.votes.distribution_measures import entropy, total_variation, wasserstein
from stimmung.evaluation.votes.resampling import LEVEL
from stimmung.vocabulary.arms import sees_training_rows
from stimmung.vocabulary.group_schemas import ALL_ITEMS, DISTRIBUTIONS
from stimmung.vocabulary.parquet_tables import typed_table

Floats = NDArray[np.float64]

N_DRAWS = 200  # of each group's respondents, for the sampling noise; a choice: its mean is then right to a hundredth of itself


def jensen_shannon(predicted: Floats, observed: Floats) -> Floats:
    """Return the Jensen-Shannon distance (…): the square root of the divergence in bits, from 0 to 1 (Endres and Schindelin 2003)."""
    nats = entropy((predicted + observed) / 2) - (entropy(predicted) + entropy(observed)) / 2
    return np.asarray(np.sqrt(np.clip(nats / np.log(2), 0, 1)))


def scaled_wasserstein(predicted: Floats, observed: Floats, values: Sequence[float]) -> Floats:
    """Return the Wasserstein-1 distance (…) of ordered options, whose ``values`` rise, in lengths of the whole scale."""
    places = np.asarray(values, dtype=float)
    return wasserstein(predicted, observed, (places - places[0]) / (places[-1] - places[0]))


@dataclass(frozen=True)
class Distance:
    """A distance of two distributions, 0 where they are the same and at most 1."""

    label: str
    of: Callable[
        ..., Floats
    ]  # of the predicted and observed shares, and of the options' values if only ordered ones have it
    ordered_only: bool = False


DISTANCES = {
    "jensen_shannon": Distance("Jensen–Shannon", jensen_shannon),
    "total_variation": Distance("Total variation", total_variation),
    "wasserstein": Distance("Wasserstein", scaled_wasserstein, ordered_only=True),
}
# Item to the numbers of its options, if they stand in an order.
Values = Mapping[str, Sequence[float] | None]


def compare_groups(
    predictions: pd.DataFrame, shares: pd.DataFrame, values: Values, baseline: str, seed: int
) -> pd.DataFrame:
    """Return the DISTRIBUTIONS table: for each method, item and distance its mean over groups, each of which counts once.

    Intervals are over groups, and of methods that learn also over folds (:func:`_mean`). ``sampling_noise`` is the mean distance that
    a perfect prediction would have: of shares drawn multinomially, so many respondents as the group's effective n, from the observed
    ones, which stand for the true ones. ``difference`` is the method's distance minus that of the ``baseline``, in the same groups,
    with its interval. Several seeds are averaged in each group. Of all items (``ALL_ITEMS``), a group's distance is its mean over
    items.

    ``predictions`` and ``shares`` are GROUP_PREDICTIONS and GROUP_SHARES tables, ``values`` the options' numbers of ordered items.
    """
    each = _distances(predictions, shares, values)
    noise = _sampling_noise(shares, values, np.random.default_rng(seed))
    keys = ["item", "metric"]
    every, every_noise = _with_all_items(each), _with_all_items(noise).groupby(keys)["distance"].mean()
    every = every.merge(every_noise.rename("noise").reset_index(), on=keys)
    every["fold"] = every["group"].map(predictions.drop_duplicates("group").set_index("group")["fold"])
    beaten = every[every["method"] == baseline][[*keys, "group", "distance"]]
    every = every.merge(beaten.rename(columns={"distance": "of_baseline"}), on=[*keys, "group"], how="left")
    rows = []
    for about, part in every.groupby(["method", *keys], sort=False):
        row = dict(zip(("method", *keys), map(str, about), strict=True))
        folds = part["fold"].to_numpy()
        learns = sees_training_rows(row["method"])
        value, low, high = _mean(part["distance"].to_numpy(), folds if learns else None)
        compared = np.nan, np.nan, np.nan
        if row["method"] != baseline:
            difference = (part["distance"] - part["of_baseline"]).to_numpy()
            compared = _mean(difference, folds if learns or sees_training_rows(baseline) else None)
        rows.append(
            {
                **row,
                **{"value": value, "ci_low": np.maximum(low, 0), "ci_high": np.minimum(high, 1)},
                "sampling_noise": part["noise"].iloc[0],
                **dict(zip(("difference", "difference_low", "difference_high"), compared, strict=True)),
                "n_groups": len(part),
            }
        )
    return typed_table(rows, DISTRIBUTIONS)


def _distances(predictions: pd.DataFrame, shares: pd.DataFrame, values: Values) -> pd.DataFrame:
    """Return the distance of each method, item, metric and group, the mean over its seeds."""
    rows: list[pd.DataFrame] = []
    for item, observed in _by_item(shares, "share").items():
        mine = predictions[predictions["item"] == item]
        for (method, _), part in mine.groupby(["method", "seed"], sort=False):
            predicted = part.pivot(index="group", columns="option", values="predicted")
            predicted = predicted.loc[observed.index, list(observed.columns)]
            rows += [
                pd.DataFrame({"distance": distance, "group": observed.index}).assign(
                    method=str(method), item=item, metric=metric
                )
                for metric, distance in _of(
                    predicted.to_numpy(), observed.to_numpy(), values.get(item)
                ).items()
            ]
    keys = ["method", "item", "metric", "group"]
    return pd.concat(rows).groupby(keys, sort=False)["distance"].mean().reset_index()


def _sampling_noise(shares: pd.DataFrame, values: Values, rng: np.random.Generator) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    n_of = shares.groupby(["item", "group"])["n_effective"].first()
    for item, observed in _by_item(shares, "share").items():
        for group, row in zip(observed.index, observed.to_numpy(), strict=True):
            n = max(1, round(float(n_of[item, group])))
            drawn = rng.multinomial(n, row / row.sum(), size=N_DRAWS) / n
            rows += [
                {
                    **{"method": "", "item": item, "metric": metric, "group": group},
                    "distance": distance.mean(),
                }
                for metric, distance in _of(np.tile(row, (N_DRAWS, 1)), drawn, values.get(item)).items()
            ]
    return pd.DataFrame(rows)


def _by_item(shares: pd.DataFrame, values: str) -> dict[str, pd.DataFrame]:
    """Return the shares of each item, shape (groups, options), in the order of the options."""
    return {
        str(item): part.pivot(index="group", columns="option", values=values)[list(part["option"].unique())]
        for item, part in shares.groupby("item", sort=False)
    }


def _of(predicted: Floats, observed: Floats, values: Sequence[float] | None) -> Mapping[str, Floats]:
    return {
        name: one.of(predicted, observed, *([values] if one.ordered_only else []))
        for name, one in DISTANCES.items()
        if values is not None or not one.ordered_only
    }


def _with_all_items(each: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of all items together before those of each."""
    every = each.groupby(["method", "metric", "group"], sort=False)["distance"].mean().reset_index()
    return pd.concat([every.assign(item=ALL_ITEMS), each], ignore_index=True)


def _mean(values: Floats, folds: NDArray[np.int8] | None) -> tuple[float, float, float]:
    """Return the mean of one value for each group with its 95 % interval; NaN ends of a single value.

    Without ``folds`` it is Student's t over groups. ``folds`` are the fold of each group, where what is tested in one was learned from
    the groups of the others: all groups of a fold then share what was learned, and the folds share what it was learned from. The
    interval is the longer of two: Student's t over groups with the correction of Nadeau and Bengio (2003), as in
    :func:`stimmung.evaluation.votes.fold_summary.corrected_resampled_t`, the variance of a fold's mean being that of its groups; and
    the plain t over the means of folds, which shows how much one adapter moves all groups of its fold. VALIDATION.md has the
    coverage; that of the plain t over groups fell to .84.
    """
    n, mean = len(values), float(values.mean())
    if n < 2:
        return mean, np.nan, np.nan
    in_fold = pd.Series(values).groupby(np.zeros(n) if folds is None else folds)
    n_tested, n_folds = in_fold.size().to_numpy(), in_fold.ngroups
    ratio = float((n_tested / (n - n_tested)).mean()) if n_folds > 1 else 0.0
    half = _quantile(n - 1) * float(values.std(ddof=1)) * np.sqrt((1 + n_folds * ratio) / n)
    if n_folds > 1:
        half = max(half, _quantile(n_folds - 1) * float(in_fold.mean().std()) / np.sqrt(n_folds))
    return mean, mean - half, mean + half


def _quantile(df: int) -> float:
    return float(stats.t.ppf((1 + LEVEL) / 2, df))
