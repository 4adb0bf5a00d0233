"""Metrics over folds and effective respondents where the truth is known: parts of benchmarks/validate.py."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from effective import EXTRA, SHARES
from effective import survey as effective_survey
from known_truth import ITEMS, OPTIONS, TARGET, Rows, draw_survey, population, times
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from stimmung.data.surveys.splits import split_condition
from stimmung.evaluation.votes.effective_sample import count_effective_respondents
from stimmung.evaluation.votes.fold_metrics import measure_folds, vote_metrics
from stimmung.evaluation.votes.fold_summary import paired_difference, summarize_folds
from stimmung.vocabulary.votes_schemas import GROUP

Floats = NDArray[np.float64]

REPETITIONS = {"folds": 150, "effective": 100}
CONDITIONS = {"full": None, "share-30": 0.3, "share-10": 0.1}
WAYS = {
    "stratified": "by the answer",
    "groups": "groups of three rows with the same items, half of whose answers are those of the first, within one fold",
    "several targets": "without regard to the answer, as where adapters learn several targets",
}
ALIKE = 0.5  # of the rows of a group that answer as the first does
FOLD_RESPONDENTS, FOLDS = 600, 5
SHOWN_METRICS = ("accuracy", "macro_f1", "log_loss", "brier", "f1", "predicted_share", "share_error")
CHECKED = 20_000  # respondents of the population in which a model's true metrics are measured


def folds(effort: float, seed: int) -> Rows:
    """Metrics over folds and their differences: logistic regression, the majority, a fixed model; three ways of folding."""
    truths: dict[tuple[str, str, str, str, str], list[float]] = {}
    found: list[pd.DataFrame] = []
    checked, _ = draw_survey(CHECKED, "MCAR", np.random.default_rng([seed, 10**6]))
    x_all = main_effects(checked)
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
            for method in ("baselines/logistic", "baselines/majority", "model/zero-shot"):
                if method == "model/zero-shot" and condition != "full":
                    continue
                probabilities = np.empty((len(table), len(OPTIONS)))
                for fold in range(FOLDS):
                    used = (split["in_training"] & (split["fold"] != fold)).to_numpy()
                    model = fold_model(method, main_effects(table)[used], table[TARGET].cat.codes[used])
                    tested = (split["fold"] == fold).to_numpy()
                    probabilities[tested] = model(main_effects(table)[tested])
                    if fold == 0 and one < 60:
                        own = as_predictions(checked, model(x_all), np.zeros(CHECKED), method, condition)
                        for (metric, option), value in vote_metrics(own).items():
                            truths.setdefault((way, method, condition, metric, option or ""), []).append(
                                value
                            )
                predictions.append(
                    as_predictions(table, probabilities, split["fold"].to_numpy(), method, condition)
                )
        groups = table.set_index("respondent_id").get(GROUP)
        measured = measure_folds(pd.concat(predictions), pd.concat(splits), groups=groups)
        measured = measured[measured["metric"].isin(SHOWN_METRICS)]
        found.append(summarize_folds(measured).fillna({"option": ""}).assign(way=way))
        found.append(differences_of(measured).assign(way=way))
    truth = {key: float(np.mean(values)) for key, values in truths.items()}
    table = pd.concat(found)
    table["truth"] = [
        truth[row.way, row.method, row.condition, row.metric, row.option]
        - (
            truth[row.way, row.other, row.reference, row.metric, row.option]
            if isinstance(row.other, str)
            else 0
        )
        for row in table.itertuples()
    ]
    table["setting"] = table["condition"] + np.where(
        table["other"].notna(), " − " + table["other"].astype(str) + ", " + table["reference"].astype(str), ""
    )
    table["quantity"] = table["metric"] + np.where(table["option"] == "", "", " of " + table["option"])
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


def main_effects(table: pd.DataFrame) -> Floats:
    """Return indicators of the items, without interactions: the logistic regression of the folds is not quite right."""
    return np.hstack([np.eye(len(answers))[table[item].cat.codes][:, 1:] for item, answers in ITEMS.items()])


def fold_model(method: str, x: Floats, y: Any) -> Callable[[Floats], Floats]:
    """Return what a method says after training on some rows."""
    n_options = len(OPTIONS)
    if method == "model/zero-shot":
        slopes = np.random.default_rng(5).normal(size=(x.shape[1], n_options))

        def fixed(rows: Floats) -> Floats:
            scores = np.exp(0.5 * rows @ slopes + np.array([0.0, 0.5, 0.0]))
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


def as_predictions(
    table: pd.DataFrame, probabilities: Floats, fold: NDArray[Any], method: str, condition: str
) -> pd.DataFrame:
    """Return a PREDICTIONS table."""
    about = pd.DataFrame(
        {
            "respondent_id": table["respondent_id"],
            "method": method,
            "condition": condition,
            "seed": 0,
            "fold": fold.astype("int8"),
            "target": table[TARGET].astype("str"),
            "weight": 1.0,
            "option_mass": 1.0,
        }
    )
    about[[f"p_{option}" for option in OPTIONS]] = probabilities
    return about


def differences_of(measured: pd.DataFrame) -> pd.DataFrame:
    """Return differences between methods, and between training shares, metric by metric."""
    pairs = [
        (("baselines/logistic", "full"), ("baselines/majority", "full")),
        (("baselines/logistic", "full"), ("model/zero-shot", "full")),
        (("baselines/logistic", "share-10"), ("baselines/logistic", "full")),
    ]
    runs = dict(list(measured.fillna({"option": ""}).groupby(["method", "condition", "metric", "option"])))
    rows = []
    for first, second in pairs:
        for metric, option in {key[2:] for key in runs}:
            if metric == "f1":
                continue  # an option that the majority never names has none in most folds
            apart = paired_difference(runs[*first, metric, option], runs[*second, metric, option])
            rows.append(
                {
                    "method": first[0],
                    "condition": first[1],
                    "other": second[0],
                    "reference": second[1],
                    "metric": metric,
                    "option": option,
                    **apart.estimate("value"),
                }
            )
    return pd.DataFrame(rows)


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
