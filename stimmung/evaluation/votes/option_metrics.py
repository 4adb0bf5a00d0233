"""A select-all target put together from its options: one row for each respondent and option, and the metrics of several labels."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

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
# What is measured of the answer that an option was chosen, and of both answers; and the mean over options of which of them.
OF_CHOSEN, OF_BOTH = ("f1", "predicted_share", "share_error"), ("log_loss", "brier")
MEANS = {"f1": "macro_f1", "log_loss": "log_loss", "brier": "brier"}
RUN = ["method", "condition"]


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


def measure_options(
    selected: pd.DataFrame, folds: Mapping[str, pd.DataFrame], chosen: str, weighted: bool = False
) -> pd.DataFrame:
    """Return a METRICS table of all options together, and of each, by the tested rows of a SELECTED table.

    - ``micro_f1``: F1 of all pairs of a respondent and an option, counted together; ``macro_f1``: mean over the options of ``f1``.
      An option counts as chosen from a probability above one half on. NaN where no option was chosen or predicted.
    - ``log_loss`` (in nats) and ``brier``, the squared error of the probability that it was chosen (0 to 1, half of what the Brier
      score sums over yes and no): by option, and their mean over options.
    - ``predicted_share`` and ``share_error``: mean probability, and that minus the share of those who chose it; by survey weights.

    ``folds`` are the FOLD_METRICS tables of the options, each a target with two answers, by their words: values and intervals of an
    option are those of the target. What folds hide of all options together is taken as if it went together in all of them, which is
    the most that it can be. ``weighted``: whether survey weights count in ``micro_f1`` as well.

    A method with predictions of some options only, as a file may have, and a condition that tests some only have no metrics of all
    options together.
    """
    each = pd.concat([_of_option(table, words, chosen) for words, table in folds.items()], ignore_index=True)
    n_options = each.groupby(RUN)["option"].nunique()
    whole = each[pd.MultiIndex.from_frame(each[RUN]).isin(n_options.index[n_options == len(folds)])]
    of_fold = dict(list(selected.groupby([*RUN, "fold"])))
    parts = whole.groupby([*RUN, "fold"], sort=False)
    together = [row for key, part in parts for row in _together(part, of_fold[key], weighted)]
    table = pd.concat([pd.DataFrame(together, columns=list(each)), each]).astype({"option": "str"})
    return summarize_folds(table, RANGES)


def _of_option(folds: pd.DataFrame, words: str, chosen: str) -> pd.DataFrame:
    """Return what a FOLD_METRICS table has of an option, with its errors as arrays."""
    of_chosen = folds["metric"].isin(OF_CHOSEN) & (folds["option"] == chosen)
    own = folds[of_chosen | (folds["metric"].isin(OF_BOTH) & folds["option"].isna())]
    factor = np.where(own["metric"] == "brier", 0.5, 1.0)
    errors = [
        one * np.asarray(of_one, float) for one, of_one in zip(factor, own["answer_errors"], strict=True)
    ]
    return own.assign(option=words, value=own["value"] * factor, answer_errors=errors)


def _together(each: pd.DataFrame, rows: pd.DataFrame, weighted: bool) -> list[dict[str, Any]]:
    """Return the rows of a FOLD_METRICS table about all options of one fold, from those about each and the rows that it tests."""
    about = {**each.iloc[0][[*RUN, "fold"]], "option": None, "n_test": rows["respondent_id"].nunique()}
    about["n_training"] = round(each["n_training"].mean())
    found = []
    for metric, name in MEANS.items():
        own = each[each["metric"] == metric]
        errors = np.abs(np.stack(list(own["answer_errors"]))).mean(axis=0)
        found.append({**about, "metric": name, "value": own["value"].mean(), "answer_errors": errors})
    value, parts = _micro_f1(rows, weighted)
    of_f1 = each[each["metric"] == "f1"].set_index("option")["answer_errors"]
    errors = np.sum([parts[str(option)] * np.abs(one) for option, one in of_f1.items()], axis=0)
    return [*found, {**about, "metric": "micro_f1", "value": value, "answer_errors": errors}]


def _micro_f1(rows: pd.DataFrame, weighted: bool) -> tuple[float, "pd.Series[float]"]:
    """Return F1 of all pairs, the mean over seeds, and the part of each option in it, as it is a mean of their F1."""
    weights = rows["weight"].to_numpy() if weighted else np.ones(len(rows))
    predicted, chosen = rows["probability"].to_numpy() > 0.5, rows["chosen"].to_numpy(dtype=bool)
    counts = rows[["seed", "option"]].assign(
        right=weights * (predicted & chosen), named=weights * predicted + weights * chosen
    )
    of_seeds = counts.groupby("seed")[["right", "named"]].sum()
    values = 2 * of_seeds["right"] / of_seeds["named"].where(of_seeds["named"] > 0)
    of_options = counts.groupby("option")["named"].sum()
    return float(values.mean()), of_options / max(of_options.sum(), 1e-300)
