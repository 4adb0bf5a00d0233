"""A select-all target put together from its options: one row for each respondent and option, and the metrics of several labels."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stimmung.evaluation.votes.fold_summary import summarize_folds
from stimmung.evaluation.votes.vote_metrics import UNIT
from stimmung.vocabulary.votes_schemas import NO_FOLD, OPTION_PREFIX

RANGES: dict[str, tuple[float, float]] = {
    "macro_f1": UNIT,
    "micro_f1": UNIT,
    "log_loss": (0.0, np.inf),
    "brier": UNIT,
    "f1": UNIT,
    "predicted_share": UNIT,
    "share_error": (-1.0, 1.0),
}
_SMALLEST = np.finfo(float).eps  # what a probability of 0 counts as, as in the log-loss of one choice


def stack_options(tables: Mapping[str, pd.DataFrame], chosen: str) -> pd.DataFrame:
    """Return a SELECTED table from the PREDICTIONS table of each option, by its words; ``chosen`` is the answer that it was chosen."""
    kept = ["respondent_id", "method", "condition", "seed", "fold", "weight"]
    parts = [
        table[kept].assign(
            option=option,
            chosen=(table["target"] == chosen).astype("boolean").mask(table["fold"] == NO_FOLD),
            probability=table[OPTION_PREFIX + chosen],
        )
        for option, table in tables.items()
    ]
    return pd.concat(parts, ignore_index=True)


def measure_options(selected: pd.DataFrame, n_training: pd.DataFrame, weighted: bool = False) -> pd.DataFrame:
    """Return a METRICS table of the tested rows of a SELECTED table: of all options together, and of each.

    - ``micro_f1``: F1 of all pairs of a respondent and an option, counted together; ``macro_f1``: mean over the options of ``f1``.
      An option counts as chosen from a probability above one half on. NaN where no option was chosen or predicted.
    - ``log_loss`` (in nats) and ``brier``, the squared error of the probability that it was chosen (0 to 1, half of what the Brier
      score sums over yes and no): by option, and their mean over options.
    - ``predicted_share`` and ``share_error``: mean probability, and that minus the share of those who chose it; by survey weights.

    ``weighted``: whether survey weights count in the others as well. ``n_training`` has the columns method, condition and n_training:
    the rows of an option that a fold is trained on. Seeds are averaged in each fold. A method with predictions of some options only, as a
    file may have, and a condition that tests some only have no metrics of all options together.
    """
    rows = []
    n_options = selected["option"].nunique()
    of_run = selected.groupby(["method", "condition"])["option"].nunique()
    for (method, condition, fold), part in selected.groupby(["method", "condition", "fold"], sort=False):
        by_seed = [_measures(one, weighted) for _, one in part.groupby("seed")]
        for metric, option in by_seed[0]:
            if not option and of_run[method, condition] < n_options:
                continue
            about = {"method": method, "condition": condition, "metric": metric, "option": option or None}
            value = pd.Series([measured[metric, option] for measured in by_seed]).mean()
            rows.append({**about, "fold": fold, "value": value, "n_test": part["respondent_id"].nunique()})
    folds = (
        pd.DataFrame(rows)
        .astype({"option": "str"})
        .merge(n_training, on=["method", "condition"], validate="many_to_one")
    )
    return summarize_folds(folds, RANGES)


def _measures(part: pd.DataFrame, weighted: bool) -> dict[tuple[str, str], float]:
    """Return the metrics of one fold with one seed, by metric and option, '' for all of them."""
    measured: dict[tuple[str, str], float] = {}
    hits = np.zeros(3)
    for option, own in part.groupby("option", sort=False):
        chosen, probability = own["chosen"].to_numpy(dtype=float), own["probability"].to_numpy()
        of_survey = own["weight"].to_numpy()
        weights = of_survey if weighted else np.ones(len(own))
        predicted = probability > 0.5
        counts = np.array([weights @ (chosen * predicted), weights @ predicted, weights @ chosen])
        hits += counts
        said = np.clip(np.where(chosen == 1, probability, 1 - probability), _SMALLEST, 1)
        share = np.average(probability, weights=of_survey)
        measured |= {
            ("f1", str(option)): _f1(counts),
            ("log_loss", str(option)): -np.average(np.log(said), weights=weights),
            ("brier", str(option)): np.average((probability - chosen) ** 2, weights=weights),
            ("predicted_share", str(option)): share,
            ("share_error", str(option)): share - np.average(chosen, weights=of_survey),
        }

    def mean(metric: str) -> Any:
        return pd.Series([value for (name, _), value in measured.items() if name == metric]).mean()

    together = {
        "macro_f1": mean("f1"),
        "micro_f1": _f1(hits),
        "log_loss": mean("log_loss"),
        "brier": mean("brier"),
    }
    return {(name, ""): float(value) for name, value in together.items()} | measured


def _f1(counts: NDArray[np.float64]) -> float:
    """Return F1 from the weight of what was rightly predicted, of all that was predicted, and of all that was chosen."""
    right, predicted, chosen = counts
    return float(2 * right / (predicted + chosen)) if predicted + chosen > 0 else float("nan")
