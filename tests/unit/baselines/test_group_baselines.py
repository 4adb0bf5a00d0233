import numpy as np
import pandas as pd
import pytest

from stimmung.baselines.group_baselines import (
    MEAN_OF_OTHERS,
    Known,
    mean_of_others,
    multilevel,
    predict_groups,
    uniform,
)
from stimmung.vocabulary.group_schemas import GROUP_PREDICTIONS
from stimmung.vocabulary.parquet_tables import BASELINE_PREFIX

SEXES, REGIONS = ("woman", "man"), tuple("abcdef")


def made_up(noise=0.0, seed=0):
    """Groups whose log-odds are the sum of what their sex and their region do, and the shares of three options."""
    rng = np.random.default_rng(seed)
    effects = {one: rng.normal(0, 1, 3) for one in (*SEXES, *REGIONS)}
    groups, rows = [], []
    for place, (sex, region) in enumerate((sex, region) for sex in SEXES for region in REGIONS):
        group = f"{sex}, {region}"
        odds = np.exp(effects[sex] + effects[region] + rng.normal(0, noise, 3))
        groups.append({"group": group, "fold": (place + place // 6) % 3, "sex": sex, "region": region})
        rows += [
            {
                "group": group,
                "item": "vote",
                "option": option,
                "share": share,
                "n": 400.0,
                "n_effective": 400.0,
            }
            for option, share in zip(("Red", "Blue", "Green"), odds / odds.sum(), strict=True)
        ]
    return pd.DataFrame(groups), pd.DataFrame(rows)


def error(predictions, shares, method):
    merged = predictions[predictions["method"] == BASELINE_PREFIX + method].merge(
        shares, on=["group", "item", "option"]
    )
    return float((merged["predicted"] - merged["share"]).abs().mean())


def test_the_mean_of_the_others_by_hand_and_uniform():
    answers = pd.DataFrame({"sex": ["woman", "man"]})
    known = Known(answers, np.array([[0.6, 0.4], [0.2, 0.8]]), np.array([10.0, 1000.0]))
    assert mean_of_others(known, answers[:1]).tolist() == [[pytest.approx(0.4), pytest.approx(0.6)]]
    assert uniform(known, answers).tolist() == [[0.5, 0.5]] * 2


def test_the_multilevel_regression_learns_what_answers_do_and_draws_to_the_mean_where_they_do_nothing():
    groups, shares = made_up()
    found = predict_groups(groups, shares, ["sex", "region"], 1)
    assert (
        error(found, shares, "multilevel")
        < error(found, shares, "mean-of-other-groups") / 2
        < error(found, shares, "uniform") / 2
    )
    known = Known(
        groups[["sex", "region"]], np.tile([0.2, 0.8], (12, 1)) + [[0.01, -0.01], [-0.01, 0.01]] * 6, np.full(12, 1e4)
    )  # fmt: skip
    unseen = pd.DataFrame({"sex": ["woman"], "region": ["elsewhere"]})
    assert multilevel(known, unseen)[0] == pytest.approx([0.2, 0.8], abs=0.01)


def test_a_tested_group_changes_no_prediction_of_its_own():
    groups, shares = made_up(0.3)
    one = groups["group"][0]
    other = shares.copy()
    other.loc[shares["group"] == one, "share"] = [1.0, 0.0, 0.0]
    first, second = (
        predict_groups(groups, table, ["sex", "region"], 1).set_index("group").loc[one, "predicted"]
        for table in (shares, other)
    )
    assert first.tolist() == second.tolist()
    table = GROUP_PREDICTIONS.validate(predict_groups(groups, shares, ["sex", "region"], 1))
    sums = table.groupby(["method", "group"])["predicted"].sum()
    assert sums.to_numpy() == pytest.approx(1) and MEAN_OF_OTHERS in set(table["method"])
