"""Predictions from a file and rectified estimates, as a user runs them: a survey without a language model."""

import pandas as pd
import pytest

from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.votes_schemas import RECTIFIED

TARGET = "results/surveys/voters/rectified/README.md"


@pytest.fixture
def rectified(fresh):
    """A folder with a file of predictions; nothing was run yet."""
    survey = fresh.config["surveys"]["voters"]
    survey |= {
        "arms": [],
        "conditions": {"half": {"share": 0.5}},
        "clusters": "PARTY",
        "predictions": {"gpt": {"file": "gpt.csv", "id": "id", "answer": "guess"}},
        "rectify": {"half_width": 0.05},
    }
    fresh.config["run"]["baselines"] = ["majority"]
    fresh.save()
    ids = pd.read_csv(fresh.folder / "voters.csv")["id"]
    pd.DataFrame({"id": ids, "guess": [1, 2] * 20}).to_csv(fresh.folder / "gpt.csv", index=False)
    return fresh


@pytest.mark.slow
def test_a_file_of_predictions_is_a_method_and_a_mistake_in_it_is_one_line(rectified):
    ended = rectified.run(TARGET, "results/surveys/voters/tables/rectified.csv")
    assert ended.code == 0, ended.terminal
    estimates = read_table(rectified.survey / "rectified/estimates.parquet", RECTIFIED)
    assert set(estimates["method"]) == {"files/gpt", "baselines/majority"}
    shown = pd.read_csv(rectified.survey / "tables/rectified.csv")
    assert len(shown) == len(estimates) and (shown["data"] == "simulated").all()
    design = pd.read_parquet(rectified.survey / "sampling_design.parquet")
    assert (design["n_clusters"] == 3).all()

    file = rectified.folder / "gpt.csv"
    file.write_text(file.read_text() + "nobody,1\n")
    ended = rectified.run(TARGET)
    assert ended.code != 0 and len(ended.errors) == 1
    assert "gpt.csv, column 'id': 1 of 41 identifiers are of no respondent" in ended.errors[0]
