"""How answers hang together with the other items of a survey, and how predicted ones do: tables, Cramér's V, slopes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stimmung.baselines.design import design_matrix
from stimmung.vocabulary.votes_schemas import CLUSTER, GROUP, MISSING_SUFFIX, STRATUM

Floats = NDArray[np.float64]

# A numeric item with more values is cut at its quintiles, to be an item with categories: a choice.
MOST_CATEGORIES = 11
# Respondents that a category must have to count in what is compared over categories: a choice.
FEWEST_IN_CATEGORY = 30


@dataclass(frozen=True)
class Categories:
    """The answers to the other items: an indicator of each answer, and whose item it is."""

    indicators: Floats  # (n, categories)
    item_of: NDArray[np.intp]  # (categories,): the place of the item
    items: Sequence[str]

    @property
    def large(self) -> NDArray[np.bool_]:
        """Whether a category has enough respondents to be compared by itself, shape (categories,)."""
        return np.asarray(self.indicators.sum(axis=0) >= FEWEST_IN_CATEGORY)


def items_beside(respondents: pd.DataFrame, target: str) -> list[str]:
    """Return the items of a RESPONDENTS table but the ``target``, those that were given more than one answer."""
    no_items = {"respondent_id", "weight", GROUP, STRATUM, CLUSTER, target}
    items = [
        name for name in map(str, respondents) if name not in no_items and not name.endswith(MISSING_SUFFIX)
    ]
    return [name for name in items if respondents[name].nunique() > 1]


def categories_of(respondents: pd.DataFrame, items: Sequence[str]) -> Categories:
    """Return the categories of the items; a numeric item with many values is cut at its quintiles, no answer is no category."""
    blocks, item_of = [], []
    for place, item in enumerate(items):
        answers = respondents[item]
        if not isinstance(answers.dtype, pd.CategoricalDtype) and answers.nunique() > MOST_CATEGORIES:
            answers = pd.qcut(answers, 5, duplicates="drop")
        codes, found = pd.factorize(answers, sort=True)
        blocks.append(np.asarray(codes[:, None] == np.arange(len(found)), dtype=float))
        item_of += [place] * len(found)
    indicators = np.concatenate(blocks, axis=1) if blocks else np.empty((len(respondents), 0))
    return Categories(indicators, np.array(item_of, dtype=np.intp), items)


def joint_shares(counts: Floats, categories: Categories, probabilities: Floats) -> Floats:
    """Return the expected sums of respondents by category and option, shape (resamples, categories, options).

    ``counts`` (resamples, n) weighs respondents; ``probabilities`` (n, options) are predictions, or indicators of the answers.
    """
    columns = [counts @ (categories.indicators * one[:, None]) for one in probabilities.T]
    return np.stack(columns, axis=2)


def cramers_v(sums: Floats, categories: Categories, variances: Floats, n_effective: Floats) -> Floats:
    """Return Cramér's V of the options with each item, shape (resamples, items), its bias taken off.

    ``sums`` are those of :func:`joint_shares`, (resamples, categories, options); ``variances`` (resamples, options) those of the
    probabilities over respondents, ``n_effective`` (resamples,) Kish's number. Under independence chi-squared / n is not 0: its mean
    is (categories - 1) times the sum over options of variance / share, divided by n - 1. For answers, of which the variance is share
    times 1 - share, that is the correction of Bergsma (2013, A bias-correction for Cramér's V and Tschuprow's T, eq. 4);
    probabilities vary less, and so does their table.
    """
    values = []
    for place in range(len(categories.items)):
        table = sums[:, categories.item_of == place]
        total = table.sum(axis=(1, 2))[:, None, None]
        # NaN in a resample without anybody who answered the item.
        shares = np.divide(table, total, out=np.full_like(table, np.nan), where=total > 0)
        options = shares.sum(axis=1, keepdims=True)
        expected = shares.sum(axis=2, keepdims=True) * options
        there = expected > 0
        squares = np.divide((shares - expected) ** 2, expected, out=np.zeros_like(shares), where=there)
        n_categories = (shares.sum(axis=2) > 0).sum(axis=1)
        n_options = (options[:, 0] > 0).sum(axis=1)
        of_option = np.divide(variances, options[:, 0], out=np.zeros_like(variances), where=options[:, 0] > 0)
        bias = (n_categories - 1) * of_option.sum(axis=1) / (n_effective - 1)
        least = np.minimum(n_categories, n_options) - 1
        with np.errstate(divide="ignore", invalid="ignore"):
            values.append(np.sqrt(np.maximum(squares.sum(axis=(1, 2)) - bias, 0) / least))
    return np.stack(values, axis=1) if values else np.empty((len(sums), 0))


def correlations_with_categories(sums: Floats, categories: Categories) -> Floats:
    """Return the correlation of the indicators of each large category and each option, shape (resamples, pairs).

    ``sums`` are those of :func:`joint_shares`. It is the correlation that draws from the probabilities have on average; NaN where an
    option or a category is nobody's.
    """
    large = categories.large
    if not large.any():
        return np.empty((len(sums), 0))
    items = range(len(categories.items))
    options = np.stack([sums[:, categories.item_of == place].sum(axis=1) for place in items], axis=1)
    options = options[:, categories.item_of[large]]
    of_item = options.sum(axis=2, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares, share_of_option = sums[:, large] / of_item, options / of_item
    share_of_category = shares.sum(axis=2, keepdims=True)
    spread = share_of_option * (1 - share_of_option) * share_of_category * (1 - share_of_category)
    with np.errstate(divide="ignore", invalid="ignore"):
        correlations = (shares - share_of_option * share_of_category) / np.sqrt(spread)
    return np.asarray(correlations.reshape(len(sums), -1))


def item_columns(respondents: pd.DataFrame, items: Sequence[str]) -> pd.DataFrame:
    """Return the columns that a regression on the items has, each with mean 0 and standard deviation 1; no answer is the mean."""
    design = design_matrix(respondents, items)
    # Of indicators that sum to one, one is the reference.
    references = [
        f"{item}={respondents[item].cat.categories[0]}"
        for item in items
        if isinstance(respondents[item].dtype, pd.CategoricalDtype) and not respondents[item].cat.ordered
    ]
    design = design.drop(columns=references)
    centred = (design - design.mean()).fillna(0.0)
    spread = centred.std(ddof=0)
    return (centred / spread).loc[:, spread > 0]


def slopes_of(
    columns: Floats, counts: Floats, answers: Floats, predictions: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return least-squares slopes on ``columns`` (n, p): of answers, their sampling variances, and of predictions.

    ``answers`` are (n, m) and ``predictions`` (n, q), their slopes (resamples, p, m) and (resamples, p, q); ``counts`` (resamples, n)
    weighs respondents. Least squares is linear in the outcome, so the slopes of probabilities are those that draws from them have on
    average. Variances allow for residuals of unequal variance (White 1980, HC1). Where columns say the same, it is the shortest of
    the solutions.
    """
    (n, p), m = columns.shape, answers.shape[1]
    with_constant = np.column_stack([np.ones(n), columns])
    outcomes = np.concatenate([answers, predictions], axis=1)
    slopes, variances = np.empty((len(counts), p, outcomes.shape[1])), np.empty((len(counts), p, m))
    for row, count in enumerate(counts):
        weighted = with_constant * count[:, None]
        solver = np.linalg.pinv(weighted.T @ with_constant, rcond=1e-10, hermitian=True) @ weighted.T
        found = solver @ outcomes
        residuals = answers - with_constant @ found[:, :m]
        n_drawn = (count > 0).sum()
        slopes[row] = found[1:]
        variances[row] = (solver[1:] ** 2 @ residuals**2) * n_drawn / max(n_drawn - p - 1, 1)
    return slopes[:, :, :m], variances, slopes[:, :, m:]
