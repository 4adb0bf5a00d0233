"""Imputed answers: one row for a respondent, method and condition, of probabilities that nobody's own answer went into."""

import pandas as pd
import pytest

from stimmung.evaluation.votes.imputation import impute_answers, readme
from stimmung.vocabulary.votes_schemas import IMPUTED

ROWS = [  # respondent, seed, fold, target, p_Red
    ("a", 1, 0, "Red", 0.9),
    ("b", 1, 1, "Blue", 0.4),
    ("c", 1, -1, None, 0.2),
    ("a", 2, 0, "Red", 0.5),
    ("b", 2, 1, "Blue", 0.2),
    ("c", 2, -1, None, 0.6),
]


@pytest.fixture
def predictions():
    table = pd.DataFrame(ROWS, columns=["respondent_id", "seed", "fold", "target", "p_Red"])
    table = table.assign(method="tiny/tuned", condition="full", weight=2.0, p_Blue=1 - table["p_Red"])
    other = table.assign(method="baselines/majority", p_Red=0.5, p_Blue=0.5)
    return pd.concat([table, other], ignore_index=True).astype({"fold": "int8"})


def test_seeds_are_averaged_and_everybody_has_one_row(predictions):
    table = IMPUTED.validate(impute_answers(predictions))
    assert len(table) == 6 and set(table["n_seeds"]) == {2}
    tuned = table[table["method"] == "tiny/tuned"].set_index("respondent_id")
    assert tuned["p_Red"].to_dict() == pytest.approx({"a": 0.7, "b": 0.3, "c": 0.4})
    assert tuned["most_probable"].to_dict() == {"a": "Red", "b": "Blue", "c": "Blue"}


def test_who_did_not_answer_is_there_and_said_to_have_none(predictions):
    table = impute_answers(predictions).query("method == 'tiny/tuned'").set_index("respondent_id")
    assert table["answered"].to_dict() == {"a": True, "b": True, "c": False}
    assert table["held_out_fold"].to_dict() == {"a": 0, "b": 1, "c": -1}
    assert table["observed"].notna().to_dict() == {"a": True, "b": True, "c": False}


def test_nothing_is_imputed_where_a_server_showed_none_of_the_options(predictions):
    """Of equal upper bounds the first would be taken: the first option of the codebook, for everybody."""
    hidden = predictions["respondent_id"].isin(["b", "c"]) & (predictions["method"] == "tiny/tuned")
    predictions["n_unseen"] = 0
    predictions.loc[hidden, ["p_Red", "p_Blue", "n_unseen"]] = 0.5, 0.5, 2
    # One seed's examples had the server show an option.
    predictions.loc[
        hidden & (predictions["respondent_id"] == "c") & (predictions["seed"] == 2), "n_unseen"
    ] = 1
    table = IMPUTED.validate(impute_answers(predictions)).set_index(["method", "respondent_id"])[
        "most_probable"
    ]
    assert table["tiny/tuned"].fillna("absent").to_dict() == {"a": "Red", "b": "absent", "c": "Red"}
    assert table["baselines/majority"].notna().all()


@pytest.mark.parametrize("simulated", [True, False])
def test_the_readme_counts_and_names_no_respondent(predictions, simulated):
    table = impute_answers(predictions.replace({"respondent_id": {"a": "voter-4711"}}))
    said = readme(table, {"full": "all"}, title="Made up", target="vote", simulated=simulated)
    assert "the same 6 rows" in said and "3 respondents, 1 of whom gave no valid answer" in said
    assert "voter-4711" not in said
    assert ("simulated" in said) == simulated
