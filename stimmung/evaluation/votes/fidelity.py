"""Whether predicted answers, as a data set, are like the observed ones: their spread, distribution and relations to other items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stimmung.evaluation.estimates.survey_design import design_table
from stimmung.evaluation.votes.distribution_measures import (
    MEASURES,
    RELATIONS,
    distance_intervals,
    distribution_measures,
)
from stimmung.evaluation.votes.fold_metrics import answer_codes
from stimmung.evaluation.votes.item_relations import (
    Categories,
    categories_of,
    correlations_with_categories,
    cramers_v,
    item_columns,
    items_beside,
    joint_shares,
    slopes_of,
)
from stimmung.evaluation.votes.resampling import N_RESAMPLES, bias_corrected_interval, resample
from stimmung.vocabulary.parquet_tables import typed_table
from stimmung.vocabulary.votes_schemas import FIDELITY, FIDELITY_PARTS, option_columns, options_of

Floats = NDArray[np.float64]

# Fewer respondents for each column make a regression fit its noise: then there are no slopes. A choice.
ROWS_PER_COLUMN = 10
# Measures that are squared until they have an interval: less a variance, a square may be negative, and its interval is right.
SQUARED = {"group_error"}


@dataclass(frozen=True)
class Fidelity:
    """The FIDELITY table, a row for each measure, and FIDELITY_PARTS, one for each item, slope, and option in a subgroup."""

    measures: pd.DataFrame
    parts: pd.DataFrame


@dataclass(frozen=True)
class _Answers:
    """The observed answers and what they are compared by, the same for all methods; n respondents, K options."""

    indicators: Floats  # (n, K)
    counts: Floats  # (1 + resamples, n), survey weights included
    n_effective: Floats  # (1 + resamples,): Kish's number
    n_effective_by_category: Floats  # (1 + resamples, large categories)
    scores: Floats | None  # (K,) of ordered options
    categories: Categories
    columns: pd.DataFrame  # (n, p), of the regression
    subgroups: Mapping[str, NDArray[np.bool_]]
    options: Sequence[str]

    @property
    def outcomes(self) -> Floats:
        """What is regressed, as weights of the options (K, m): the score of ordered ones, else each option, of two the first."""
        if self.scores is not None:
            return self.scores[:, None]
        n_options = len(self.options)
        return np.eye(n_options)[:, : n_options if n_options > 2 else 1]

    @property
    def outcome_names(self) -> list[str | None]:
        """The option of each outcome; None for the score."""
        return [None] if self.scores is not None else list(self.options[: self.outcomes.shape[1]])


@dataclass(frozen=True)
class _Relations:
    """What a table of probabilities, or of answers, has to do with the other items; resamples first."""

    shares: Floats  # (resamples, K)
    sums: Floats  # (resamples, categories, K)
    associations: Floats  # (resamples, items)
    correlations: Floats  # (resamples, pairs)
    subgroup_shares: Mapping[str, Floats]  # (resamples, K)


def compare_fidelity(
    predictions: pd.DataFrame,
    respondents: pd.DataFrame,
    target: str,
    subgroups: Mapping[str, Sequence[str]],
    *,
    option_values: Sequence[float] | None = None,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Fidelity:
    """Return how like people the predictions of each method and condition are, by the expected distribution of their probabilities.

    Everything is computed from probabilities, as what draws from them have on average, never from the most probable answer: nothing is
    drawn. Seeds are averaged, survey weights always count. ``option_values`` are the rising numbers of the options if
    they stand in an order; None: they do not.

    The measures are those of ``distribution_measures``, and

    - ``association_ratio``: mean Cramér's V of the prediction with each other item, over that of the answer;
    - ``correlation_of_correlations``: over the indicators of all answers to other items that 30 respondents gave, and all options;
    - ``slope_ratio``: of a least-squares regression on all other items, of the predictions and of the answers: the sum of the
      products of their slopes, over the sum of the squares of the answers' slopes less their sampling variance, which would make
      it too small;
    - ``group_error``: root mean squared error of the predicted share over the same categories and options, the sampling variance of
      the observed shares taken off.

    The parts are Cramér's V by item, slopes by column, and shares by subgroup and option, each predicted and observed.

    Intervals are those of :func:`distance_intervals` and :func:`bias_corrected_interval`, of a bootstrap of respondents, or of the
    clusters within the strata that ``respondents`` name, the same resamples for all; they take the models as they are. ``predictions``
    is a PREDICTIONS table of respondents with a fold, ``subgroups`` are names and the ids of their respondents.
    """
    tested = predictions.drop_duplicates("respondent_id").sort_values(["fold", "respondent_id"])
    ids = pd.Index(tested["respondent_id"])
    drawn = resample(tested, design_table(respondents), n_resamples, np.random.default_rng(seed))
    counts = drawn * tested["weight"].to_numpy()
    answers = _observed(tested, counts, respondents, target, subgroups, option_values)
    columns = option_columns(predictions)
    runs = {}
    for key, run in predictions.groupby(["method", "condition"], sort=False):
        mean = run.groupby("respondent_id")[columns].mean().loc[ids].to_numpy()
        runs[key] = mean / mean.sum(axis=1, keepdims=True)
    observed = _relations(answers, answers.indicators)
    of_answers, variances, of_predictions = slopes_of(
        answers.columns.to_numpy(),
        answers.counts,
        answers.indicators @ answers.outcomes,
        np.concatenate([one @ answers.outcomes for one in runs.values()], axis=1),
    )
    noise = variances.sum(axis=(1, 2))
    measures: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    for (key, probabilities), own_slopes in zip(
        runs.items(), np.split(of_predictions, len(runs), axis=2), strict=True
    ):
        about = {"method": key[0], "condition": key[1], "n_respondents": len(ids)}
        predicted = _relations(answers, probabilities)
        shares = predicted.shares, observed.shares, answers.scores
        found, intervals = distribution_measures(*shares), distance_intervals(*shares)
        found |= _compare_relations(answers, predicted, observed)
        found["slope_ratio"] = _slope_ratio(own_slopes, of_answers, noise)
        for name, (mine, theirs, value) in found.items():
            ends = intervals.get(name) or bias_corrected_interval(value, (MEASURES | RELATIONS)[name].range)
            estimate = np.array([value[0], *ends])
            if name in SQUARED:
                estimate = np.sqrt(np.maximum(estimate, 0))
            numbers = dict(zip(("value", "ci_low", "ci_high"), estimate, strict=True))
            measures.append(
                {**about, "measure": name, "predicted": mine[0], "observed": theirs[0], **numbers}
            )
        parts += [{**about, **one} for one in _parts(answers, predicted, observed, own_slopes, of_answers)]
    return Fidelity(typed_table(measures, FIDELITY), typed_table(parts, FIDELITY_PARTS))


def _observed(
    tested: pd.DataFrame,
    counts: Floats,
    respondents: pd.DataFrame,
    target: str,
    subgroups: Mapping[str, Sequence[str]],
    option_values: Sequence[float] | None,
) -> _Answers:
    """Return what is known of the ``tested`` respondents, the rows of a PREDICTIONS table, one for each."""
    options, ids = options_of(tested), pd.Index(tested["respondent_id"])
    about = respondents.set_index("respondent_id", drop=False).loc[ids]
    items = items_beside(about, target)
    categories = categories_of(about, items)
    large = categories.indicators[:, categories.large]
    with np.errstate(divide="ignore", invalid="ignore"):
        by_category = (counts @ large) ** 2 / (counts**2 @ large)
    columns = item_columns(about, items)
    return _Answers(
        indicators=np.eye(len(options))[answer_codes(tested)],
        counts=counts,
        n_effective=counts.sum(axis=1) ** 2 / (counts**2).sum(axis=1),
        n_effective_by_category=by_category,
        scores=None if option_values is None else np.asarray(option_values, dtype=float),
        categories=categories,
        columns=columns if len(columns) >= ROWS_PER_COLUMN * columns.shape[1] else columns.iloc[:, :0],
        subgroups={name: np.asarray(ids.isin(list(members))) for name, members in subgroups.items()},
        options=options,
    )


def _relations(answers: _Answers, probabilities: Floats) -> _Relations:
    counts, total = answers.counts, answers.counts.sum(axis=1, keepdims=True)
    shares = counts @ probabilities / total
    variances = counts @ probabilities**2 / total - shares**2
    sums = joint_shares(counts, answers.categories, probabilities)
    with np.errstate(divide="ignore", invalid="ignore"):
        of_subgroups = {
            name: counts @ (probabilities * mask[:, None]) / (counts @ mask)[:, None]
            for name, mask in answers.subgroups.items()
        }
    return _Relations(
        shares=shares,
        sums=sums,
        associations=cramers_v(sums, answers.categories, variances, answers.n_effective),
        correlations=correlations_with_categories(sums, answers.categories),
        subgroup_shares=of_subgroups,
    )


def _compare_relations(
    answers: _Answers, predicted: _Relations, observed: _Relations
) -> dict[str, tuple[Floats, Floats, Floats]]:
    """Return the measures of the relations to other items, each predicted, observed and compared; shape (1 + resamples,)."""
    nothing = np.full(len(answers.counts), np.nan)
    if not answers.categories.large.any():
        return dict.fromkeys(
            ("association_ratio", "correlation_of_correlations", "group_error"), (nothing,) * 3
        )
    strengths = [_mean_of_defined(one.associations) for one in (predicted, observed)]
    both = np.isfinite(predicted.correlations) & np.isfinite(observed.correlations)
    mine, theirs = (np.where(both, one.correlations, np.nan) for one in (predicted, observed))
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "association_ratio": (strengths[0], strengths[1], strengths[0] / strengths[1]),
            "correlation_of_correlations": (nothing, nothing, _row_correlations(mine, theirs)),
            "group_error": (nothing, nothing, _group_error(answers, predicted, observed)),
        }


def _row_correlations(first: Floats, second: Floats) -> Floats:
    """Return the correlation of the rows of two tables, NaN left out, shape (rows,); NaN where one of them is constant."""
    one, two = (table - _mean_of_defined(table)[:, None] for table in (first, second))
    spreads = np.sqrt(np.nansum(one**2, axis=1) * np.nansum(two**2, axis=1))
    return np.where(spreads > 1e-12, np.nansum(one * two, axis=1) / np.maximum(spreads, 1e-12), np.nan)


def _mean_of_defined(table: Floats) -> Floats:
    """Return the mean of each row, NaN left out, shape (rows,); NaN, without a warning, where nothing is left."""
    return pd.DataFrame(table).mean(axis=1).to_numpy()


def _group_error(answers: _Answers, predicted: _Relations, observed: _Relations) -> Floats:
    """Return the mean squared error of shares within large categories, less the sampling variance; shape (1 + resamples,)."""
    shares = [one.sums[:, answers.categories.large] for one in (predicted, observed)]
    with np.errstate(divide="ignore", invalid="ignore"):
        mine, theirs = (one / one.sum(axis=2, keepdims=True) for one in shares)
        noise = theirs * (1 - theirs) / np.maximum(answers.n_effective_by_category[:, :, None] - 1, 1)
    return _mean_of_defined(((mine - theirs) ** 2 - noise).reshape(len(mine), -1))


def _slope_ratio(predicted: Floats, observed: Floats, noise: Floats) -> tuple[Floats, Floats, Floats]:
    """Return how strong slopes of predictions are against those of answers, with nothing before it; shape (1 + resamples,)."""
    products, squares = (predicted * observed).sum(axis=(1, 2)), (observed**2).sum(axis=(1, 2)) - noise
    nothing = np.full(len(noise), np.nan)
    return nothing, nothing, np.divide(products, squares, out=nothing.copy(), where=squares > 0)


def _parts(
    answers: _Answers, predicted: _Relations, observed: _Relations, slopes: Floats, slopes_observed: Floats
) -> list[dict[str, Any]]:
    """Return what each item, each column of the regression and each subgroup has, predicted and observed."""
    mine_within, theirs_within = (
        np.concatenate([one.shares[:, :0], *one.subgroup_shares.values()], axis=1)
        for one in (predicted, observed)
    )
    kinds: list[tuple[str, list[tuple[str, str | None]], Floats, Floats]] = [
        (
            "cramers_v",
            [(item, None) for item in answers.categories.items],
            predicted.associations,
            observed.associations,
        ),
        (
            "slope",
            [(str(column), option) for column in answers.columns for option in answers.outcome_names],
            slopes.reshape(len(slopes), -1),
            slopes_observed.reshape(len(slopes), -1),
        ),
        (
            "share",
            [(name, option) for name in answers.subgroups for option in answers.options],
            mine_within,
            theirs_within,
        ),
    ]
    rows: list[dict[str, Any]] = []
    for part, labels, mine, theirs in kinds:
        difference = mine - theirs
        low, high = bias_corrected_interval(difference, (-np.inf, np.inf) if part == "slope" else (-1.0, 1.0))
        rows += [
            {
                **{"part": part, "of": of, "option": option},
                **{
                    "predicted": mine[0, place],
                    "observed": theirs[0, place],
                    "difference": difference[0, place],
                },
                **{"ci_low": low[place], "ci_high": high[place]},
            }
            for place, (of, option) in enumerate(labels)
        ]
    return rows
