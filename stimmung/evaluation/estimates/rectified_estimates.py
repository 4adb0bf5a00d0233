"""Rectified shares, means and regression coefficients of a survey: a row for each method, condition and estimate."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from stimmung.evaluation.estimates.interview_plan import plan_interviews
from stimmung.evaluation.estimates.rectification import Rectified, rectify, with_share_intervals
from stimmung.evaluation.estimates.survey_design import SurveyDesign, design_of
from stimmung.evaluation.estimates.weighted_fits import Fit, fit_linear, fit_logistic, fit_mean
from stimmung.evaluation.votes.condition_roles import Conditions
from stimmung.vocabulary.arms import FILE_PREFIX, sees_training_rows
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import typed_table
from stimmung.vocabulary.rectify import Regression
from stimmung.vocabulary.votes_schemas import INTERVIEW_PLANS, NO_FOLD, RECTIFIED, option_columns, options_of

SHARE, MEAN = "share", "mean"
AT_RANDOM, BY_ANSWERING, BY_GROUP = "at random", "by answering", "by group"
SHIFT_LEVEL = 0.01  # a choice: of the test whether predictions of the unlabelled differ
README = Path(__file__).with_name("rectified_readme.txt")

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def rectified_estimates(
    predictions: pd.DataFrame,
    splits: pd.DataFrame,
    respondents: pd.DataFrame,
    *,
    target: str,
    codes: Sequence[float] | None,
    conditions: Conditions,
    twins: Mapping[str, str],
    regressions: Sequence[Regression] = (),
) -> pd.DataFrame:
    """Return the RECTIFIED table: what everybody would have answered, from the answers of some and the predictions of all.

    Labelled are those who answered and are in training under the condition; all others are predicted. A tuned arm or a baseline
    has held-out predictions of the labelled, so the estimate is cross-prediction; a method that sees no training rows is the same
    under every condition with its prompts, and a file of predictions under every condition.

    Parameters
    ----------
    predictions, splits, respondents
        PREDICTIONS, SPLITS and RESPONDENTS tables, with all respondents.
    target
        The item that is predicted.
    codes
        A number for each answer option, in the order of the options, whose mean is estimated; None: the item has none.
    conditions
        As in the config.
    twins
        For each condition the first one that has the same prompts.

    Raises
    ------
    InputError
        If tables are not of the same respondents, or the weights are not those of the rows.
    """
    options = options_of(predictions)
    design = design_of(respondents)
    chosen: Floats = np.stack([(respondents[target] == one).to_numpy(dtype=float) for one in options], axis=1)
    rows: list[dict[str, Any]] = []
    for condition, part in splits.groupby("condition", sort=False):
        selected = _aligned(part, respondents, f"splits of condition '{condition}'")
        answered = (selected["fold"] != NO_FOLD).to_numpy()
        labelled = answered & selected["in_training"].to_numpy()
        selection = _selection(conditions.get(str(condition), {}), bool((~answered).any()))
        for method, run in _runs(predictions, str(condition), twins):
            what = f"predictions of {method} under '{condition}'"
            predicted = _aligned(
                run.groupby("respondent_id")[option_columns(run)].mean().reset_index(), respondents, what
            )
            estimator = _Estimator(
                chosen, predicted[option_columns(run)].to_numpy(), labelled, design, options
            )
            about = {
                "method": method,
                "condition": str(condition),
                "n_labelled": int(labelled.sum()),
                "n_predicted": int((~labelled).sum()),
                "selection": selection,
            }
            own = estimator.shares()
            if codes is not None:
                own.append(estimator.mean(target, np.asarray(codes, dtype=float)))
            for regression in regressions:
                own += estimator.regression(regression, respondents, codes)
            rows += [{**about, **row} for row in own]
    return typed_table(rows, RECTIFIED)


def interview_plans(
    estimates: pd.DataFrame,
    codes: Sequence[float] | None,
    *,
    half_width: float,
    price_interview: float,
    price_prediction: float,
) -> pd.DataFrame:
    """Return the INTERVIEW_PLANS table of the shares and means of a RECTIFIED table.

    ``half_width`` is that of a share, from 0 to 1; of a mean it is this part of the range of the codes. Where no answers vary,
    or predictions do not, there is nothing to plan with, and no row.
    """
    span = 1.0 if codes is None else float(np.ptp(codes))
    rows = []
    for row in estimates[estimates["model"].isin([SHARE, MEAN])].to_dict("records"):
        sd = row["classical_error"] * np.sqrt(row["n_labelled"])
        if not sd > 0 or np.isnan(row["correlation"]):
            continue
        wanted = half_width * (span if row["model"] == MEAN else 1.0)
        plan = plan_interviews(sd, row["correlation"], wanted, price_interview, price_prediction)
        keys = {name: row[name] for name in ("method", "condition", "model", "term", "correlation")}
        rows.append({**keys, "half_width": wanted, "sd": sd, **vars(plan)})
    return typed_table(rows, INTERVIEW_PLANS)


def readme(
    estimates: pd.DataFrame, conditions: Mapping[str, str], *, title: str, target: str, simulated: bool
) -> str:
    """Return what a RECTIFIED table is and how it may be used, as Markdown; ``conditions`` in words."""
    groups = sorted(set(estimates.loc[estimates["selection"] == BY_GROUP, "condition"]))
    warning = "**The respondents are simulated. Nothing here is a finding.**\n\n" if simulated else ""
    if groups:
        warning += (
            f"**Not valid for everybody: {', '.join(groups)}.** These conditions leave a group of respondents out, so that who is "
            "labelled depends on who they are. The correction then holds for people like the labelled only, and nothing in the data "
            "can tell.\n\n"
        )
    return README.read_text(encoding="utf-8").format(
        title=title,
        warning=warning,
        target=target,
        n_rows=len(estimates),
        n_gains=int((estimates["n_effective_low"] > estimates["n_labelled"]).sum()),
        conditions="\n".join(f"- `{name}`: {words}" for name, words in conditions.items()),
    )


@dataclass(frozen=True)
class _Estimator:
    """The answers and predictions of all respondents under one method and condition; tables of shape (n, options)."""

    chosen: Floats
    predicted: Floats
    labelled: Mask
    design: SurveyDesign
    options: Sequence[str]

    def shares(self) -> list[dict[str, Any]]:
        """Return a row for the share of each option."""
        rows = []
        for place, option in enumerate(self.options):
            outcome = self.chosen[:, place]
            one = rectify(fit_mean, outcome, self.predicted[:, place], self.labelled, self.design)[0]
            bounded = with_share_intervals(one, self.design.rows(self.labelled))
            rows.append(self._row(SHARE, option, bounded, outcome))
        return rows

    def mean(self, target: str, codes: Floats) -> dict[str, Any]:
        """Return the row for the mean of the answers' codes."""
        outcome = self.chosen @ codes
        one = rectify(fit_mean, outcome, self.predicted @ codes, self.labelled, self.design)[0]
        return self._row(MEAN, target, one, outcome)

    def regression(
        self, regression: Regression, respondents: pd.DataFrame, codes: Sequence[float] | None
    ) -> list[dict[str, Any]]:
        """Return a row for each coefficient; respondents who lack an item of the regression are left out, and counted."""
        complete = respondents[list(regression.on)].notna().all(axis=1).to_numpy()
        matrix, names, known = design_matrix(respondents, regression.on, self.labelled & complete)
        rows = complete & known
        values = (
            np.asarray(codes, dtype=float)
            if regression.outcome is None
            else np.eye(len(self.options))[list(self.options).index(regression.outcome)]
        )
        fit: Fit = fit_logistic if regression.model == "logistic" else fit_linear
        outcome, predicted = (table[rows] @ values for table in (self.chosen, self.predicted))
        found = rectify(fit, outcome, predicted, self.labelled[rows], self.design.rows(rows), matrix[rows])
        counts = {
            "n_labelled": int((self.labelled & rows).sum()),
            "n_predicted": int((~self.labelled & rows).sum()),
        }
        left_out = int((~rows).sum())
        said = f"{left_out} of {len(rows)} left out: an item of the regression is missing" if left_out else ""
        return [
            self._row(regression.name, name, one, None, counts["n_labelled"], said) | counts
            for name, one in zip(names, found, strict=True)
        ]

    def _row(
        self,
        model: str,
        term: str,
        one: Rectified,
        outcome: Floats | None,
        n_labelled: int | None = None,
        said: str = "",
    ) -> dict[str, Any]:
        n = int(self.labelled.sum()) if n_labelled is None else n_labelled
        z = abs(one.shift) / one.shift_error if one.shift_error > 0 else np.nan
        shift_p = float(2 * stats.norm.sf(z))
        differs = "predictions of the unlabelled differ" if shift_p < SHIFT_LEVEL else ""
        about_design = {"design_effect": np.nan, "kish_effect": np.nan}
        if outcome is not None and self.labelled.any():
            own = self.design.rows(self.labelled)
            effect = own.estimate_means(outcome[self.labelled][:, None]).design_effect[0]
            about_design = {"design_effect": float(effect), "kish_effect": own.kish_effect}
        return {
            "model": model,
            "term": term,
            "classical": one.classical,
            "classical_error": one.classical_error,
            "classical_low": one.classical_low,
            "classical_high": one.classical_high,
            "predicted": one.predicted,
            "estimate": one.estimate,
            "error": one.error,
            "ci_low": one.low,
            "ci_high": one.high,
            "power": one.power,
            "correlation": one.correlation,
            "n_effective": n * one.gain,
            "n_effective_low": n * one.gain_low,
            "n_effective_high": n * one.gain_high,
            **about_design,
            "shift": one.shift,
            "shift_p": shift_p,
            "note": "; ".join(filter(None, [one.note, differs, said])),
        }


def design_matrix(
    respondents: pd.DataFrame, items: Sequence[str], labelled: Mask
) -> tuple[Floats, list[str], Mask]:
    """Return a design matrix with an intercept, the names of its columns, and whose answers the labelled know.

    A numeric item is one column; any other has one for each answer that some labelled respondent gave, but for the first.
    """
    columns, names = [np.ones(len(respondents))], ["(intercept)"]
    known = np.ones(len(respondents), dtype=bool)
    for item in items:
        values = respondents[item]
        if not isinstance(values.dtype, pd.CategoricalDtype):
            columns.append(values.fillna(0).to_numpy(dtype=float))
            names.append(item)
            continue
        given = [answer for answer in values.cat.categories if (values[labelled] == answer).any()]
        known &= values.isin(given).to_numpy()
        for answer in given[1:]:
            columns.append((values == answer).to_numpy(dtype=float))
            names.append(f"{item}: {answer}")
    return np.stack(columns, axis=1), names, known


def _selection(condition: Mapping[str, Any], some_silent: bool) -> str:
    """Return what decides who is labelled."""
    if any(condition.get(key) for key in ("exclude", "keep", "complete", "left_out")):
        return BY_GROUP
    return BY_ANSWERING if some_silent else AT_RANDOM


def _runs(
    predictions: pd.DataFrame, condition: str, twins: Mapping[str, str]
) -> Iterable[tuple[str, pd.DataFrame]]:
    """Yield each method that holds under a condition, with its predictions."""
    for method, run in predictions.groupby("method", sort=False):
        name = str(method)
        where = run["condition"] == condition
        if name.startswith(FILE_PREFIX):
            where |= True
        elif not sees_training_rows(name):
            where = run["condition"] == twins.get(condition, condition)
        if where.any():
            yield name, run[where]


def _aligned(table: pd.DataFrame, respondents: pd.DataFrame, what: str) -> pd.DataFrame:
    """Return the rows of a table in the order of the respondents."""
    by_id = table.set_index("respondent_id")
    if by_id.index.has_duplicates or set(by_id.index) != set(respondents["respondent_id"]):
        raise InputError(
            f"the {what} and the respondents table do not have the same respondents",
            "Delete both tables and run snakemake again.",
        )
    return by_id.loc[respondents["respondent_id"]]
