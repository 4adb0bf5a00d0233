"""Shares of the answer options in each of the waves or groups that a condition leaves out: predicted, and observed."""

from typing import Any

import numpy as np
import pandas as pd

from stimmung.evaluation.estimates.observed_shares import drawn_shares
from stimmung.evaluation.votes.calibration import wilson_interval
from stimmung.evaluation.votes.condition_roles import Conditions
from stimmung.evaluation.votes.predicted_shares import effective_n
from stimmung.vocabulary.parquet_tables import typed_table
from stimmung.vocabulary.votes_schemas import LEFT_OUT_SHARES, option_columns, options_of


def compare_left_out_shares(
    predictions: pd.DataFrame, respondents: pd.DataFrame, conditions: Conditions
) -> pd.DataFrame:
    """Return a LEFT_OUT_SHARES table: a row for each method, condition, answer to the item left out, and option.

    The predicted share is the weighted mean probability over the tested respondents who gave the ``answer`` to the ``item``, and over
    seeds; the observed one their weighted share, with Wilson's 95 % interval for the effective number of respondents by the weights,
    or, where the survey has strata or clusters, by these.
    Conditions that leave nobody out have no rows. ``predictions`` is a PREDICTIONS table of the tested respondents.
    """
    options, columns = options_of(predictions), option_columns(predictions)
    rows: list[dict[str, Any]] = []
    for condition, settings in conditions.items():
        of_condition = predictions[predictions["condition"] == condition]
        for item in settings.get("left_out") or {}:
            answer_of = respondents.set_index("respondent_id")[item]
            given = of_condition["respondent_id"].map(answer_of).astype(answer_of.dtype)
            for (answer, method), run in of_condition.groupby([given, "method"], sort=False, observed=True):
                people = run.drop_duplicates("respondent_id")
                weights = people["weight"].to_numpy()
                drawn = drawn_shares(people, respondents)
                predicted = np.clip(np.average(run[columns], axis=0, weights=run["weight"]), 0, 1)
                for option, share in zip(options, predicted, strict=True):
                    chosen = (people["target"] == option).to_numpy()
                    observed = float(np.clip(weights[chosen].sum() / weights.sum(), 0, 1))
                    simple = wilson_interval(observed, effective_n(weights))
                    _, low, high = drawn.get(option, (None, *map(float, simple)))
                    about = {"method": method, "condition": condition, "item": item, "answer": answer}
                    about |= {"option": option, "predicted": share, "observed": observed}
                    interval = {"observed_low": low, "observed_high": high}
                    rows.append({**about, **interval, "n_respondents": len(people)})
    table = typed_table(rows, LEFT_OUT_SHARES)
    # In the order of the waves, whichever of their respondents comes first.
    order = {answer: place for place, answer in enumerate(_answers(respondents, table))}
    return table.sort_values(
        ["condition", "answer"],
        key=lambda values: values.map(order if values.name == "answer" else list(conditions).index),
        kind="stable",
        ignore_index=True,
    )


def _answers(respondents: pd.DataFrame, table: pd.DataFrame) -> list[str]:
    return [str(answer) for item in table["item"].unique() for answer in respondents[item].cat.categories]
