import numpy as np
import pandas as pd
import pytest

from stimmung.evaluation.votes.fold_metrics import vote_metrics
from stimmung.evaluation.votes.subgroup_metrics import measure_subgroups, members
from stimmung.vocabulary.errors import InputError
from tests.synthetic_votes import make_votes

WITH, WITHOUT = {"exclude": {"party_id": ["none"]}}, {"keep": {"party_id": ["none"]}}


@pytest.fixture(scope="module")
def survey():
    predictions, splits = make_votes(n=300)
    ids = splits.respondent_id.unique()
    answers = np.array(["red", "none", "blue", None], dtype=object)[np.arange(len(ids)) % 4]
    respondents = pd.DataFrame(
        {"respondent_id": ids, "weight": 1.0, "party_id": pd.Categorical(answers, ["red", "none", "blue"])}
    )
    return predictions, splits, respondents


def test_who_gave_no_answer_is_in_neither_group(survey):
    respondents = survey[2]
    groups = [
        set(members(respondents, one.get("keep", {}), one.get("exclude", {}))) for one in (WITH, WITHOUT)
    ]
    assert [len(group) for group in groups] == [150, 75] and not groups[0] & groups[1]


def test_the_metrics_are_those_of_the_group_s_own_test_rows(survey):
    predictions, splits, respondents = survey
    table = measure_subgroups(predictions, splits, respondents, {"with": WITH, "without": WITHOUT})
    assert set(table.subgroup) == {"with", "without"}
    ids = members(respondents, WITHOUT["keep"], {})
    run = predictions[(predictions.method == "tiny/tuned") & (predictions.condition == "full")]
    run = run[run.respondent_id.isin(ids)]
    by_fold = [vote_metrics(part)["macro_f1", None] for _, part in run.groupby("fold")]
    row = table.query("subgroup == 'without' and method == 'tiny/tuned' and condition == 'full'")
    row = row[row.metric == "macro_f1"].iloc[0]
    assert row.value == pytest.approx(np.mean(by_fold)) and row.n_respondents == 75
    assert row.n_training == pytest.approx(60)  # of the subgroup


def test_intervals_are_of_the_subgroup_s_own_training_rows(survey):
    """A baseline that predicts each group's own share has learned it from that group's rows alone."""
    predictions, splits, respondents = survey
    majority = predictions[(predictions.method == "baselines/majority") & (predictions.condition == "full")]
    columns = [column for column in majority if column.startswith("p_")]
    majority = majority.assign(**{column: 1 / len(columns) for column in columns})
    table = measure_subgroups(majority, splits, respondents, {"without": WITHOUT})
    row = table[table.metric == "predicted_share"].iloc[0]
    share = 1 / len(columns)
    reach = 1.959964 * np.sqrt(share * (1 - share) / 75)
    assert (row.ci_high - row.ci_low) / 2 == pytest.approx(reach, rel=0.01)
    # Who trains on none of them has learned of all others, and of no tested respondent.
    nobody = splits.assign(
        in_training=splits["in_training"]
        & ~splits["respondent_id"].isin(members(respondents, WITHOUT["keep"], {}))
    )
    table = measure_subgroups(majority, nobody, respondents, {"without": WITHOUT})
    assert table["n_training"].iloc[0] == pytest.approx(180)


def test_no_subgroups_no_rows(survey):
    assert measure_subgroups(*survey, {}).empty


@pytest.mark.parametrize(
    ("subgroup", "message"),
    [
        ({"keep": {"party": ["none"]}}, r"no item 'party' \(did you mean 'party_id'\?\)"),
        ({"keep": {"party_id": ["nobody"]}}, "has no answer 'nobody'"),
        ({"keep": {"party_id": ["red"]}, "exclude": {"party_id": ["red"]}}, "it has no tested respondent"),
    ],
)
def test_a_subgroup_that_cannot_be_is_told(survey, subgroup, message):
    with pytest.raises(InputError, match=message):
        measure_subgroups(*survey, {"odd": subgroup})
