"""Methods over the folds of simulated surveys, and how well their models truly do: for parts of benchmarks/validate.py."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from known_truth import ITEMS, Rows
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from stimmung.evaluation.votes.fold_metrics import vote_metrics
from stimmung.evaluation.votes.fold_summary import paired_difference
from stimmung.evaluation.votes.vote_metrics import VOTE_METRICS

Floats = NDArray[np.float64]
Model = Callable[[Floats], Floats]  # from the columns of items (n, columns) to probabilities (n, options)

FOLDS = 5
CHECKED = 20_000  # respondents of the population in which a model's true metrics are measured
CHECKED_SURVEYS = 60  # whose models are: the truth is the mean over them
UNTRAINED = "model/zero-shot"
METHODS = ("baselines/logistic", "baselines/majority", UNTRAINED)
# Never negative, so that a fold of few respondents makes them too large, as the report says: the truth is their mean over surveys.
OF_A_FOLD = ("expected_calibration_error", "total_variation", "jensen_shannon")
KEYS = ["way", "method", "condition", "other", "reference", "metric", "option"]
Run = tuple[str, str]  # method, condition


class Truths:
    """The metrics that the models of some surveys have in the population, by way of folding, method and condition."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, ...], list[float]] = {}

    def add(self, metrics: dict[tuple[str, str | None], float], *about: str) -> None:
        """Keep the metrics of a model, ``about`` way, method and condition."""
        for (metric, option), value in metrics.items():
            self._values.setdefault((*about, metric, option or ""), []).append(value)

    def of(self, rows: pd.DataFrame) -> Floats:
        """Return the truth of each row, the mean over models; of a row with ``other`` and ``reference``, its difference from that."""
        mean = {key: pd.Series(values).mean() for key, values in self._values.items()}
        found = []
        for row in rows.itertuples():
            value = mean[row.way, row.method, row.condition, row.metric, row.option]
            if row.other:
                value -= mean[row.way, row.other, row.reference, row.metric, row.option]
            found.append(value)
        return np.array(found)


def main_effects(table: pd.DataFrame) -> Floats:
    """Return indicators of the items, without interactions: the logistic regression of the folds is not quite right."""
    return np.hstack([np.eye(len(answers))[table[item].cat.codes][:, 1:] for item, answers in ITEMS.items()])


def fold_model(method: str, x: Floats, y: Any, n_options: int) -> Model:
    """Return what a method says after training on some rows."""
    if method == UNTRAINED:
        slopes = np.random.default_rng(5).normal(size=(x.shape[1], n_options))
        start = np.where(np.arange(n_options) == 1, 0.5, 0.0)

        def fixed(rows: Floats) -> Floats:
            scores = np.exp(0.5 * rows @ slopes + start)
            return np.asarray(scores / scores.sum(axis=1, keepdims=True))

        return fixed
    if method == "baselines/majority":
        shares = np.bincount(y, minlength=n_options) / len(y)
        return lambda rows: np.tile(shares, (len(rows), 1))
    model = LogisticRegression(max_iter=200).fit(x, y)

    def predict(rows: Floats) -> Floats:
        found = np.zeros((len(rows), n_options))
        found[:, model.classes_] = model.predict_proba(rows)
        return found

    return predict


def predict_folds(
    table: pd.DataFrame, target: str, split: pd.DataFrame, method: str
) -> tuple[pd.DataFrame, Model]:
    """Return the PREDICTIONS table of a method over the folds of a SPLITS table, and its model of the first fold."""
    x, y = main_effects(table), table[target].cat.codes.to_numpy()
    fold, drawn = split["fold"].to_numpy(), split["in_training"].to_numpy()
    probabilities = np.empty((len(table), len(table[target].cat.categories)))
    models = {}
    for one in np.unique(fold):
        used, tested = drawn & (fold != one), fold == one
        models[one] = fold_model(method, x[used], y[used], probabilities.shape[1])
        probabilities[tested] = models[one](x[tested])
    return as_predictions(table, target, probabilities, fold, method, split["condition"].iloc[0]), models[0]


def as_predictions(
    table: pd.DataFrame, target: str, probabilities: Floats, fold: NDArray[Any], method: str, condition: str
) -> pd.DataFrame:
    """Return a PREDICTIONS table; the option mass of a model varies from row to row, as the largest probability does."""
    about = pd.DataFrame(
        {
            "respondent_id": table["respondent_id"],
            "method": method,
            "condition": condition,
            "seed": 0,
            "fold": fold.astype("int8"),
            "target": table[target].astype("str"),
            "weight": 1.0,
            "option_mass": probabilities.max(axis=1) if method == UNTRAINED else 1.0,
        }
    )
    about[[f"p_{option}" for option in table[target].cat.categories]] = probabilities
    return about


def true_metrics(
    method: str,
    model: Model,
    population: pd.DataFrame,
    target: str,
    option_values: Sequence[float] | None = None,
) -> dict[tuple[str, str | None], float]:
    """Return the metrics of a method's model among respondents who are as good as the population."""
    said = model(main_effects(population))
    return vote_metrics(
        as_predictions(population, target, said, np.zeros(len(population)), method, ""),
        option_values=option_values,
    )


def differences_of(measured: pd.DataFrame, pairs: Sequence[tuple[Run, Run]]) -> pd.DataFrame:
    """Return differences between runs of a FOLD_METRICS table, of the metrics whose differences the report shows, but by option F1."""
    # An option that the majority never names has no F1 in most folds.
    shown = [name for name, one in VOTE_METRICS.items() if one.compared or name == "predicted_share"]
    compared = measured[measured["metric"].isin(shown)].fillna({"option": ""})
    runs = dict(list(compared.groupby(["method", "condition", "metric", "option"])))
    rows = []
    for first, second in pairs:
        for key in dict.fromkeys(key[2:] for key in runs):
            if (*first, *key) in runs and (*second, *key) in runs:
                apart = paired_difference(runs[*first, *key], runs[*second, *key])
                about = dict(zip(KEYS[1:], [*first, *second, *key], strict=True), **apart.estimate("value"))
                rows.append(about)
    return pd.DataFrame(rows)


def coverage_of_folds(found: Sequence[pd.DataFrame], truths: Truths) -> Rows:
    """Return bias, coverage and width of the intervals in METRICS tables, by way, method, setting and quantity.

    The tables have a ``way``; those of differences also the method and condition that were taken off, ``other`` and ``reference``.
    Intervals without ends, as of a correlation with what is the same for all, do not count.
    """
    table = pd.concat(found, ignore_index=True).dropna(subset=["ci_low", "ci_high"])
    for name in ("option", "other", "reference"):
        table[name] = table[name].astype(object).fillna("") if name in table else ""
    # By a mean that counts each survey once; a metric that is undefined in all of the population is in none either.
    of_folds = table["metric"].isin(OF_A_FOLD)
    own = table.groupby(KEYS, sort=False)["value"].transform("mean")
    table["truth"] = own
    table.loc[~of_folds, "truth"] = truths.of(table[~of_folds])
    taken_off = " − " + table["other"] + ", " + table["reference"]
    table["setting"] = table["condition"] + taken_off.where(table["other"] != "", "")
    table["quantity"] = table["metric"] + (" of " + table["option"]).where(table["option"] != "", "")
    held = (table["ci_low"] <= table["truth"] + 1e-12) & (table["truth"] <= table["ci_high"] + 1e-12)
    table = table.assign(
        coverage=held, bias=table["value"] - table["truth"], width=table["ci_high"] - table["ci_low"]
    )
    groups = table.groupby(["way", "method", "setting", "quantity"], sort=False)
    rows = groups[["truth", "bias", "width", "coverage"]].mean().assign(n=groups.size())
    # How long the interval would be whose estimates vary as these do, were that known.
    rows["known_width"] = 2 * 1.959964 * groups["value"].std()
    return [
        {str(name): value for name, value in row.items()} for row in rows.reset_index().to_dict("records")
    ]
