import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.usefixtures("benchmarks")


def intervals(values, metric="accuracy", half=0.1, **more):
    about = {"way": "", "method": "m", "condition": "full", "metric": metric, "option": None, **more}
    return pd.DataFrame(
        [{**about, "value": one, "ci_low": one - half, "ci_high": one + half} for one in values]
    )


def test_coverage_is_how_often_the_intervals_hold_the_truth():
    from simulated_folds import Truths, coverage_of_folds

    truths = Truths()
    for accuracy in (0.5, 0.7):
        truths.add({("accuracy", None): accuracy, ("total_variation", None): 0.0}, "", "m", "full")
    truths.add({("accuracy", None): 0.4}, "", "other", "full")
    found = [
        intervals([0.55, 0.65, 0.75, 0.95]),
        intervals([0.25, 0.6], other="other", reference="full"),
        intervals([0.3, 0.5], "total_variation"),
        intervals([np.nan], "brier"),
    ]
    rows = coverage_of_folds(found, truths)
    of = {(row["setting"], row["quantity"]): row for row in rows}
    assert of["full", "accuracy"]["truth"] == pytest.approx(0.6), "the mean over the models"
    assert (of["full", "accuracy"]["coverage"], of["full", "accuracy"]["n"]) == (0.5, 4)
    difference = of["full − other, full", "accuracy"]
    assert difference["truth"] == pytest.approx(0.2) and difference["coverage"] == 0.5
    assert of["full", "total_variation"]["truth"] == pytest.approx(0.4), "that of folds of this size"
    assert len(rows) == 3, "what has no interval is not counted"


def test_no_model_learns_from_the_fold_that_it_is_tested_on():
    from known_truth import TARGET, draw_survey
    from simulated_folds import METHODS, predict_folds

    from stimmung.data.surveys.splits import split_condition

    table, _ = draw_survey(200, "MCAR", np.random.default_rng(1))
    split = split_condition(table, TARGET, "full", n_folds=5, seed=1)
    tested = (split["fold"] == 0).to_numpy()
    other = table[TARGET].to_numpy().copy()
    other[tested] = np.roll(other[tested], 3)
    changed = table.assign(**{TARGET: pd.Categorical(other, table[TARGET].cat.categories)})
    for method in METHODS:
        first, second = (
            predict_folds(one, TARGET, split, method)[0].filter(like="p_") for one in (table, changed)
        )
        assert first[tested].equals(second[tested])
        assert (
            method == "model/zero-shot" or not first[~tested].equals(second[~tested]) or "majority" in method
        )
