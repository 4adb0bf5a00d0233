import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from stimmung.baselines.ridge import RidgeOptions
from stimmung.baselines.tabular import fit_baseline


def made_up(n=600, options=7, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    y = np.clip(np.round(x @ [0.8, -0.5, 0.2, 0] + 3 + rng.normal(size=n)), 0, options - 1).astype(int)
    return x, y


def test_the_expected_answer_follows_the_regression_and_probabilities_are_honest():
    x, y = made_up()
    fitted = RidgeOptions(alpha=2.0).fit(x[:400], y[:400])
    chances = fitted.predict_proba(x[400:])
    assert np.allclose(chances.sum(axis=1), 1) and (chances > 0).all()
    line = Ridge(alpha=2.0).fit(x[:400], y[:400]).predict(x[400:])
    expected = chances @ fitted.classes_
    inner = (line > 1.5) & (line < 4.5)  # beyond, the tails belong to the first and the last option
    assert np.abs(expected - line)[inner].max() < 0.05
    # The share of answers at or below the middle option is what its probabilities say.
    assert abs(chances[:, :4].sum(axis=1).mean() - (y[400:] <= 3).mean()) < 0.05
    assert (
        -np.log(chances[np.arange(200), y[400:]]).mean()
        < -np.log(np.bincount(y) / 600 + 1e-9)[y[400:]].mean()
    )


def test_options_without_an_order_have_a_regression_each():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 3, 300)
    # The middle option is far from both others: no line through 0, 1, 2 finds it.
    x = np.where(y == 1, 2.0, 0.0)[:, None] + rng.normal(scale=0.3, size=(300, 1))
    assert (RidgeOptions(ordered=False).fit(x, y).predict(x) == y)[y == 1].all()
    assert np.allclose(RidgeOptions(ordered=False).fit(x, y).predict_proba(x).sum(axis=1), 1)


@pytest.mark.parametrize("ordered", [True, False])
def test_the_table_says_whether_options_stand_in_an_order(ordered):
    x, y = made_up(options=3)
    answers = pd.Categorical.from_codes(y, categories=["low", "middle", "high"], ordered=ordered)
    table = pd.DataFrame({"age": x[:, 0], "income": x[:, 1], "answer": answers})
    grid = {"alpha": [1.0, 10.0]}
    options = ["low", "middle", "high"]
    fitted = fit_baseline("ridge", table, ["age", "income"], "answer", options, grid, 3, 0)
    assert fitted.estimator.ordered is ordered
    assert fitted.probabilities(table).shape == (600, 3)
