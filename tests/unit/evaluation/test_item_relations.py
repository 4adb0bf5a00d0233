import numpy as np
import pandas as pd
import pytest
from scipy.stats.contingency import association
from statsmodels.api import OLS, add_constant

from stimmung.evaluation.votes.item_relations import (
    categories_of,
    correlations_with_categories,
    cramers_v,
    item_columns,
    items_beside,
    joint_shares,
    slopes_of,
)
from stimmung.vocabulary.votes_schemas import CLUSTER, GROUP, MISSING_SUFFIX, STRATUM


def respondents(n=400, seed=1):
    """Return respondents with a nominal, an ordinal and a numeric item, and an answer that depends on the first two."""
    rng = np.random.default_rng(seed)
    region = rng.integers(3, size=n)
    interest = rng.integers(4, size=n)
    probabilities = np.full((n, 3), 0.2)
    probabilities[np.arange(n), region] += 0.2 + 0.05 * interest
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    answers = (rng.random(n)[:, None] > probabilities.cumsum(axis=1)).sum(axis=1)
    table = pd.DataFrame(
        {
            "respondent_id": [f"r{one}" for one in range(n)],
            "weight": 1.0,
            "region": pd.Categorical.from_codes(region, ["north", "middle", "south"]),
            "interest": pd.Categorical.from_codes(interest, list("abcd"), ordered=True),
            "age": rng.integers(18, 90, size=n).astype(float),
            "same": 1.0,
            "vote": pd.Categorical.from_codes(answers, ["x", "y", "z"]),
        }
    )
    return table, np.eye(3)[answers], probabilities


def relations(table, probabilities, counts=None):
    categories = categories_of(table, items_beside(table, "vote"))
    counts = np.ones((1, len(table))) if counts is None else counts
    shares = counts @ probabilities / counts.sum(axis=1, keepdims=True)
    variances = counts @ probabilities**2 / counts.sum(axis=1, keepdims=True) - shares**2
    sums = joint_shares(counts, categories, probabilities)
    n_effective = counts.sum(axis=1) ** 2 / (counts**2).sum(axis=1)
    return cramers_v(sums, categories, variances, n_effective)[0], sums, categories


def test_cramers_v_of_answers_is_that_of_scipy_less_bergsmas_correction():
    table, answers, _ = respondents()
    found, _, categories = relations(table, answers)
    assert list(categories.items) == ["region", "interest", "age"]
    counts = pd.crosstab(table["region"], table["vote"]).to_numpy()
    n, phi_squared = len(table), association(counts) ** 2 * 2
    assert found[0] == pytest.approx(np.sqrt((phi_squared - 4 / (n - 1)) / 2))


def test_probabilities_depend_on_an_item_as_strongly_as_answers_drawn_from_them():
    table, _, probabilities = respondents(n=2000)
    rng = np.random.default_rng(5)
    predicted = relations(table, probabilities)[0]
    drawn = []
    for _ in range(60):
        answers = (rng.random(2000)[:, None] > probabilities.cumsum(axis=1)).sum(axis=1)
        drawn.append(relations(table, np.eye(3)[answers])[0])
    # Cut at 0, the smallest are a little too large.
    assert np.mean(drawn, axis=0) == pytest.approx(predicted, abs=0.02)
    # What depends on nothing has no V, though its table of few respondents is never quite even.
    assert relations(table, np.tile([0.2, 0.3, 0.5], (2000, 1)))[0] == pytest.approx(0, abs=1e-6)


def test_correlations_with_categories_are_those_of_indicators():
    table, answers, _ = respondents()
    _, sums, categories = relations(table, answers)
    found = correlations_with_categories(sums, categories)[0].reshape(-1, 3)
    south = (table["region"] == "south").to_numpy().astype(float)
    place = (
        2
        if categories.indicators[:, 2] @ south == south.sum()
        else int((categories.indicators.T @ south).argmax())
    )
    for option in range(3):
        assert found[place, option] == pytest.approx(np.corrcoef(south, answers[:, option])[0, 1])


def test_no_answer_to_an_item_is_no_category_and_few_respondents_are_not_compared():
    table, answers, _ = respondents()
    table["region"] = table["region"].where(np.arange(400) >= 380)
    table["age"] = np.where(np.arange(400) < 10, 1.0, np.where(np.arange(400) < 200, 2.0, 3.0))
    _, sums, categories = relations(table, answers)
    assert sums[0, categories.item_of == 0].sum() == pytest.approx(20)
    assert categories.large[categories.item_of == 2].tolist() == [False, True, True]
    assert np.isfinite(correlations_with_categories(sums, categories)).any()


def test_slopes_and_their_variances_are_those_of_weighted_least_squares_and_linear_in_the_outcome():
    table, answers, _ = respondents()
    columns = item_columns(table, items_beside(table, "vote"))
    assert list(columns) == ["region=middle", "region=south", "interest", "age"]
    counts = np.stack([np.ones(400), np.random.default_rng(2).integers(0, 3, 400)])
    outcome = answers[:, :1]
    slopes, variances, of_predictions = slopes_of(columns.to_numpy(), counts, outcome, 2 * outcome)
    assert of_predictions == pytest.approx(2 * slopes)
    fitted = OLS(answers[:, 0], add_constant(columns.to_numpy())).fit(cov_type="HC1")
    assert slopes[0, :, 0] == pytest.approx(fitted.params[1:])
    assert variances[0, :, 0] == pytest.approx(fitted.bse[1:] ** 2)
    repeated = np.repeat(np.arange(400), counts[1].astype(int))
    again = OLS(answers[repeated, 0], add_constant(columns.to_numpy()[repeated])).fit()
    assert slopes[1, :, 0] == pytest.approx(again.params[1:])


def test_columns_that_say_the_same_share_their_slope():
    table, answers, _ = respondents()
    both = table.assign(again=table["age"])
    columns = item_columns(both, ["age", "again"]).to_numpy()
    one = slopes_of(columns[:, :1], np.ones((1, 400)), answers, answers)[0]
    two = slopes_of(columns, np.ones((1, 400)), answers, answers)[0]
    assert two.sum(axis=1) == pytest.approx(one.sum(axis=1), abs=1e-9)


def test_columns_of_the_survey_s_design_are_no_items():
    table, _, _ = respondents()
    design = dict.fromkeys((GROUP, STRATUM, CLUSTER, f"region{MISSING_SUFFIX}"), table["respondent_id"])
    assert items_beside(table.assign(**design), "vote") == ["region", "interest", "age"]
