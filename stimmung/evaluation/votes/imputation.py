"""Imputed answers: each method's prediction for each respondent, as a data set to be merged with the survey's own."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from stimmung.vocabulary.votes_schemas import NO_FOLD, option_columns, options_of

README = Path(__file__).with_name("imputed_readme.txt")


def impute_answers(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the IMPUTED table of a PREDICTIONS table: one row for each respondent, method and condition.

    No respondent is predicted by a model that was trained on them: who answered is predicted by the model of their test fold,
    who did not by the models of all folds, averaged. Seeds are averaged as well.
    """
    columns = option_columns(predictions)
    keys = ["method", "condition", "respondent_id"]
    groups = predictions.groupby(keys, sort=False)
    table = groups[columns].mean()
    table = table.div(table.sum(axis=1), axis=0)
    first = groups[["fold", "target", "weight"]].first()
    about = pd.DataFrame(
        {
            "held_out_fold": first["fold"].astype("int8"),
            "answered": first["fold"] != NO_FOLD,
            "observed": first["target"].astype("str").where(first["target"].notna(), None),
            "most_probable": np.array(options_of(predictions), dtype=object)[table.to_numpy().argmax(axis=1)],
            "weight": first["weight"],
            "n_seeds": groups["seed"].nunique(),
        }
    )
    if "n_unseen" in predictions:
        # A server showed none of the options: their equal upper bounds have no most probable one.
        about.loc[groups["n_unseen"].min() == len(columns), "most_probable"] = None
    joined = about.join(table).reset_index()
    return joined[["respondent_id", "method", "condition", *about.columns, *columns]]


def readme(
    imputed: pd.DataFrame, conditions: Mapping[str, str], *, title: str, target: str, simulated: bool
) -> str:
    """Return what an IMPUTED table is and how it may be used, as Markdown.

    ``conditions`` says in words what each condition's models were trained on, ``title`` and ``target`` name the survey and the
    item that is predicted.
    """
    n, n_absent = (part["respondent_id"].nunique() for part in (imputed, imputed[~imputed["answered"]]))
    warning = "**The respondents are simulated. Nothing here is a finding.**\n\n" if simulated else ""
    return README.read_text(encoding="utf-8").format(
        title=title,
        warning=warning,
        n_rows=len(imputed),
        target=target,
        n_respondents=n,
        n_absent=n_absent,
        method=imputed["method"].iloc[0],
        condition=imputed["condition"].iloc[0],
        n_options=len(option_columns(imputed)),
        conditions="\n".join(f"- `{name}`: {words}" for name, words in conditions.items()),
    )
