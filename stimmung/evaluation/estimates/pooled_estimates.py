"""Estimates from stacked data: shares, means and regressions of each completed copy, pooled by Rubin's rules."""

import logging
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stimmung.evaluation.estimates.completed_data_fits import (
    Fit,
    linear_regression,
    multinomial_regression,
    weighted_means,
)
from stimmung.evaluation.estimates.multiple_imputation import IMP
from stimmung.evaluation.estimates.pooling import Pooled, pool
from stimmung.evaluation.estimates.survey_design import SurveyDesign
from stimmung.evaluation.votes.predicted_shares import effective_n
from stimmung.vocabulary.errors import InputError, did_you_mean, warn

logger = logging.getLogger(__name__)

Floats = NDArray[np.float64]
Family = Literal["linear", "logistic", "multinomial"]


def pooled_shares(
    stacked: pd.DataFrame,
    target: str,
    *,
    weight: str | None = "weight",
    cluster: str | None = None,
    stratum: str | None = None,
) -> pd.DataFrame:
    """Return the pooled share of each option of ``target``, weighted, in the order of its categories.

    ``stacked`` is what :func:`stacked_data` returns; ``weight``, ``cluster`` and ``stratum`` name columns. Variances within a copy
    are those of :func:`weighted_means`. The intervals are Wilson's for multiply imputed shares (Lott and Reiter
    2020), which hold for small shares too; estimate, standard error and degrees of freedom are those of Rubin's rules.

    Returns
    -------
    pandas.DataFrame
        ``option``, ``estimate``, ``std_error``, ``df``, ``ci_low``, ``ci_high``, ``missing_information`` (the fraction of it),
        ``n_respondents``, ``n_imputations``.
    """
    options = _categories(stacked, target)

    def of_copy(copy: pd.DataFrame, design: SurveyDesign) -> Fit:
        chosen = (copy[target].to_numpy(dtype=object)[:, None] == np.array(options, object)).astype(float)
        return weighted_means(chosen, design)

    pooled, n, n_effective = _pooled_over_copies(stacked, [target], of_copy, weight, cluster, stratum)
    low, high = wilson_of_pooled(pooled, n_effective)
    return _table(pooled, n, low, high, option=options)


def pooled_means(
    stacked: pd.DataFrame,
    items: Sequence[str],
    *,
    weight: str | None = "weight",
    cluster: str | None = None,
    stratum: str | None = None,
) -> pd.DataFrame:
    """Return the pooled mean of each numeric item, or of an ordinal one's ranks from 1; columns as of :func:`pooled_shares`.

    Respondents who lack one of the items are left out of all.
    """
    columns = list(items)

    def of_copy(copy: pd.DataFrame, design: SurveyDesign) -> Fit:
        return weighted_means(np.column_stack([_numbers(copy, name) for name in columns]), design)

    pooled, n, _ = _pooled_over_copies(stacked, columns, of_copy, weight, cluster, stratum)
    return _table(pooled, n, *pooled.interval(), item=columns)


def pooled_regression(
    stacked: pd.DataFrame,
    outcome: str,
    predictors: Sequence[str],
    *,
    family: Family,
    weight: str | None = None,
    cluster: str | None = None,
    stratum: str | None = None,
) -> pd.DataFrame:
    """Return the pooled coefficients of a regression of ``outcome`` on ``predictors``.

    Of a categorical predictor, each option but the first has an indicator; of an outcome with options the first is the reference.
    Options that nobody chose in any copy are left out, and told. Respondents who lack a predictor are left out, and counted.
    Without ``weight``, ``cluster`` and ``stratum`` the variances are the model's own, as R's ``lm``, ``glm`` and ``multinom`` have
    them; with one of them those of linearisation.

    Returns
    -------
    pandas.DataFrame
        ``outcome`` (the option that a coefficient is of, for every family the same columns), ``term``, and the columns of
        :func:`pooled_shares` from ``estimate`` on.

    Raises
    ------
    InputError
        If a column is absent or of the wrong kind, or an option occurs in some copies alone, so that their coefficients are not the
        same quantities.
    """
    for name in (outcome, *predictors):
        if name not in stacked:
            raise InputError(f"regression: no column '{name}'{did_you_mean(name, stacked.columns)}")
    complete = stacked[stacked[IMP] > 0].dropna(subset=list(predictors))
    levels = {
        name: _levels(complete, name)
        for name in (outcome, *predictors)
        if isinstance(complete[name].dtype, pd.CategoricalDtype)
    }
    if (family == "linear") == (outcome in levels):
        found = "has options" if outcome in levels else "is numeric"
        raise InputError(f"regression: the outcome of a {family} one cannot be '{outcome}', which {found}")
    answers = levels.get(outcome, [outcome, outcome])
    if family == "logistic" and len(answers) != 2:
        raise InputError(
            f"regression: '{outcome}' has {len(answers)} answers, and a logistic one takes two",
            "Use the family multinomial.",
        )
    terms = ["(Intercept)"]
    for name in predictors:
        terms += [f"{name}={level}" for level in levels[name][1:]] if name in levels else [name]

    def of_copy(copy: pd.DataFrame, design: SurveyDesign) -> Fit:
        x = _design(copy, predictors, levels)
        used = None if weight is None and cluster is None and stratum is None else design
        if family == "linear":
            return linear_regression(_numbers(copy, outcome), x, used)
        y = pd.Categorical(copy[outcome], answers).codes.astype(np.intp)
        return multinomial_regression(y, x, len(answers), used)

    pooled, n, _ = _pooled_over_copies(stacked, [outcome, *predictors], of_copy, weight, cluster, stratum)
    of = [answer for answer in answers[1:] for _ in terms]
    return _table(pooled, n, *pooled.interval(), outcome=of, term=terms * len(answers[1:]))


def wilson_of_pooled(pooled: Pooled, n_effective: float) -> tuple[Floats, Floats]:
    """Return Wilson's interval of pooled shares of multiply imputed data (Lott and Reiter 2020), at 95 %.

    The n of a share is the effective one of its variance within a copy; of a share of 0 or 1, which has no variance,
    ``n_effective``.
    """
    from scipy.stats import t

    q = pooled.estimate
    spread = q * (1 - q)
    n = np.divide(
        spread, pooled.within, out=np.full_like(q, n_effective), where=(pooled.within > 0) & (spread > 0)
    )
    increase = np.where(np.isfinite(pooled.relative_increase), pooled.relative_increase, 0.0)
    a = t.ppf(0.975, np.minimum(pooled.df, 1e12)) ** 2 / n * (1 + increase)
    centre, root = (2 * q + a) / (2 * (1 + a)), np.sqrt(a * (a + 4 * spread)) / (2 * (1 + a))
    return np.clip(centre - root, 0, 1), np.clip(centre + root, 0, 1)


def _pooled_over_copies(
    stacked: pd.DataFrame,
    needed: Sequence[str],
    of_copy: Callable[[pd.DataFrame, SurveyDesign], Fit],
    weight: str | None,
    cluster: str | None,
    stratum: str | None,
) -> tuple[Pooled, int, float]:
    """Return what is pooled, the number of respondents in each copy, and Kish's effective number of them."""
    if IMP not in stacked:
        raise InputError(f"stacked data needs the column '{IMP}', the number of the imputation")
    fits, sizes = [], []
    n_effective = 0.0
    for _, copy in stacked[stacked[IMP] > 0].groupby(IMP):
        present = copy.dropna(subset=list(needed))
        weights = np.ones(len(present)) if weight is None else _weights(present, weight)
        strata, clusters = (None if name is None else present[name] for name in (stratum, cluster))
        fits.append(of_copy(present, SurveyDesign(weights, strata, clusters)))
        sizes.append(len(present))
        n_effective = effective_n(weights)
    if len(set(sizes)) > 1:
        raise InputError(
            "the imputations do not have the same number of respondents with an answer to each item"
        )
    n_all = int((stacked[IMP] == stacked[IMP].max()).sum())
    if sizes and sizes[0] < n_all:
        said = f"{n_all - sizes[0]} of {n_all} respondents lack an answer to {', '.join(needed)}, and are left out"
        logger.info(said)
    df = fits[0].df if fits else np.inf
    return pool([fit.estimates for fit in fits], [fit.variances for fit in fits], df), sizes[0], n_effective


def _table(pooled: Pooled, n: int, low: Floats, high: Floats, **names: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            **names,
            "estimate": pooled.estimate,
            "std_error": pooled.std_error,
            "df": pooled.df,
            "ci_low": low,
            "ci_high": high,
            "missing_information": pooled.missing_information,
            "n_respondents": n,
            "n_imputations": pooled.n_imputations,
        }
    )


def _weights(copy: pd.DataFrame, weight: str) -> Floats:
    if weight not in copy:
        raise InputError(f"no column of weights '{weight}'{did_you_mean(weight, copy.columns)}")
    weights = copy[weight].to_numpy(dtype=float)
    if unusable := int((~((weights > 0) & np.isfinite(weights))).sum()):
        raise InputError(f"weight '{weight}': zero, negative or missing in {unusable} of {len(weights)} rows")
    return weights


def _categories(stacked: pd.DataFrame, name: str) -> list[str]:
    if name not in stacked:
        raise InputError(f"no column '{name}'{did_you_mean(name, stacked.columns)}")
    if not isinstance(stacked[name].dtype, pd.CategoricalDtype):
        raise InputError(f"'{name}' has no options; its shares are not defined")
    return list(stacked[name].cat.categories)


def _levels(complete: pd.DataFrame, name: str) -> list[str]:
    """Return the options of a categorical column that occur; raise an InputError if one occurs in some copies alone."""
    counts = complete.groupby([name, IMP], observed=False).size().unstack().to_numpy()
    options = complete[name].cat.categories
    absent = [str(option) for option, row in zip(options, counts, strict=True) if not row.any()]
    if absent:
        warn(
            logger,
            f"regression: nobody answered {', '.join(absent)} to '{name}'; there is no coefficient of it",
        )
    partly = [
        f"'{option}' is in {(row > 0).sum()} of {len(row)} imputations"
        for option, row in zip(options, counts, strict=True)
        if row.any() and not row.all()
    ]
    if partly:
        raise InputError(
            f"regression: the answers to '{name}' differ between imputations: {', '.join(partly)}",
            "Their coefficients are not the same quantities. Merge rare answers.",
        )
    return [option for option, row in zip(options, counts, strict=True) if row.any()]


def _numbers(copy: pd.DataFrame, name: str) -> Floats:
    column = copy[name]
    if isinstance(column.dtype, pd.CategoricalDtype):
        if not column.cat.ordered:
            raise InputError(f"'{name}' has options without an order, and so no mean")
        return np.asarray(column.cat.codes + 1, dtype=np.float64)
    return np.asarray(column, dtype=np.float64)


def _design(copy: pd.DataFrame, predictors: Sequence[str], levels: dict[str, list[str]]) -> Floats:
    columns: list[Floats] = [np.ones(len(copy))]
    for name in predictors:
        if name in levels:
            columns += [np.asarray(copy[name] == level, dtype=np.float64) for level in levels[name][1:]]
        else:
            columns.append(copy[name].to_numpy(dtype=float))
    return np.column_stack(columns)
