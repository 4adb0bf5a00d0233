"""Imputed answers: each method's prediction for each respondent, as a data set to be merged with the survey's own."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from stimmung.vocabulary.votes_schemas import NO_FOLD, option_columns, options_of


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
    one = imputed.iloc[0]
    columns = {
        "respondent_id": "as in the survey's file, or the number of its row",
        "method": "a model's arm, such as `tiny/tuned`, or `baselines/…`",
        "condition": "which respondents the method was trained on, see below",
        "held_out_fold": "the test fold; -1 for respondents who gave no valid answer",
        "answered": f"whether the respondent gave a valid answer to `{target}`",
        "observed": "that answer; empty if there is none",
        "most_probable": "the option with the highest probability",
        "weight": "the survey weight; 1 if the survey has none",
        "n_seeds": "how many random seeds are averaged",
        f"p_… ({len(option_columns(imputed))} columns)": "the probability of each option; they sum to 1",
    }
    lines = [
        f"# Imputed answers: {title}",
        "",
        *(["**The respondents are simulated. Nothing here is a finding.**", ""] if simulated else []),
        f"`answers.parquet` and `answers.csv` hold the same {len(imputed)} rows: each method's prediction of `{target}` for "
        f"{n} respondents, {n_absent} of whom gave no valid answer. One row for each respondent, method and condition.",
        "",
        "Choose one method and condition and merge them with the survey on `respondent_id`:",
        "",
        "    imputed = pd.read_parquet('answers.parquet')",
        f"    imputed = imputed[(imputed.method == '{one['method']}') & (imputed.condition == '{one['condition']}')]",
        "    survey.merge(imputed, on='respondent_id', how='left', validate='one_to_one')",
        "",
        "| column | meaning |",
        "|---|---|",
        *(f"| `{name}` | {meaning} |" for name, meaning in columns.items()),
        "",
        "## Conditions",
        "",
        *(f"- `{name}`: {words}" for name, words in conditions.items()),
        "",
        "## Before you use it",
        "",
        "- No respondent is predicted by a model that was trained on them: those who answered are predicted by a model trained "
        "on the other folds, those who did not by the models of all folds, averaged.",
        "- Work with the probabilities. Shares of `most_probable` understate rare options; mean probabilities do not have "
        "this fault.",
        "- Imputing a single value makes standard errors too small. Draw several values from the probabilities and combine the "
        "results by Rubin's rules; even then the uncertainty of the models themselves is ignored, and non-response that depends "
        "on the answer itself is not corrected.",
        "- Check calibration and the errors of predicted shares in the report first. A low option mass means that the method gave "
        "most of its probability to text that is no answer option.",
        "- These are respondents' data. Protect the files as you protect the survey.",
    ]
    return "\n".join(lines) + "\n"
