import numpy as np
import pandas as pd
import pytest

from stimmung.evaluation.estimates.survey_design import share_interval
from stimmung.evaluation.votes.shares_left_out import compare_left_out_shares

YEARS = ["1996", "1998", "2000"]


def test_each_wave_left_out_has_its_predicted_and_its_observed_share_by_the_weights():
    people = pd.DataFrame(
        {
            "respondent_id": list("abcd"),
            "year": pd.Categorical(["1998", "1998", "1996", "2000"], YEARS),
            "target": ["yes", "no", "yes", "no"],
            "weight": [3.0, 1.0, 1.0, 1.0],
            "p_yes": [0.8, 0.4, 0.9, 0.1],
        }
    )
    tested = people[people.year != "2000"].drop(columns="year").assign(p_no=lambda rows: 1 - rows.p_yes)
    predictions = pd.concat(
        [
            tested.assign(condition="gap", method=method, seed=seed)
            for method, seed in (("m/tuned", 1), ("m/tuned", 2), ("baselines/trend", 1))
        ]
        + [tested.assign(condition="full", method="m/tuned", seed=1)]
    )
    conditions = {"full": {}, "gap": {"left_out": {"year": ["1996", "1998"]}}}
    table = compare_left_out_shares(predictions, people[["respondent_id", "year"]], conditions)
    assert set(table.condition) == {"gap"} and table.answer.unique().tolist() == ["1996", "1998"]
    row = table.set_index(["method", "answer", "option"]).loc[("m/tuned", "1998", "yes")]
    assert (row.predicted, row.observed, row.n_respondents) == (pytest.approx(0.7), 0.75, 2)
    # Kish's number of effective respondents is 1.6: the interval is wider than that of two.
    assert row.observed_low < 0.25 and row.observed_high > 0.95
    assert compare_left_out_shares(predictions, people, {"full": {}}).empty


def test_clusters_make_the_interval_of_the_observed_share_longer():
    """Of forty respondents in eight clusters, each of which answers alike, there are about eight."""
    answer = np.repeat(["yes", "no"], 20)
    people = pd.DataFrame(
        {"respondent_id": np.arange(40).astype(str), "weight": 1.0, "year": pd.Categorical(["1996"] * 40)}
    )
    clustered = people.assign(design_cluster=np.repeat(np.arange(8), 5).astype(str))
    predictions = people[["respondent_id", "weight"]].assign(
        condition="gap", method="m/tuned", seed=1, target=answer, p_yes=0.5, p_no=0.5
    )
    conditions = {"gap": {"left_out": {"year": ["1996"]}}}
    plain, drawn = (
        compare_left_out_shares(predictions, one, conditions).iloc[0] for one in (people, clustered)
    )
    assert plain.observed == drawn.observed == 0.5
    # Of eight clusters, with Student's t: the normal quantile held the truth in .90 of samples of ten clusters.
    assert [drawn.observed_low, drawn.observed_high] == pytest.approx(share_interval(0.5, 7.0, 7))
    assert drawn.observed_low < plain.observed_low
