import numpy as np
import pandas as pd
import pytest
import yaml

from scripts.read_predictions import read_predictions
from stimmung.evaluation.votes.fold_metrics import measure_folds
from stimmung.evaluation.votes.scaling import scaled_predictions
from stimmung.evaluation.votes.tested_rows import answered
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.prediction_file import PredictionFile
from stimmung.vocabulary.predictions_by_target import read_all_predictions
from stimmung.vocabulary.votes_schemas import CALIBRATED, PREDICTIONS, RESPONDENTS, SPLITS
from tests.workflow.workspace import CODEBOOK

PEOPLE = [f"v-{number}" for number in range(20)]


@pytest.fixture
def survey(tmp_path):
    """Twenty voters in two folds, of whom two did not answer, and a 21st row that `where` leaves out."""
    (tmp_path / "voters.yaml").write_text(yaml.safe_dump(CODEBOOK))
    (tmp_path / "voters.csv").write_text("id,VOTE\n" + "".join(f"{one},1\n" for one in [*PEOPLE, "v-20"]))
    answers = pd.Categorical([None, None, *["Red", "Blue"] * 9], ["Red", "Blue"])
    folds = np.array([-1, -1, *[0, 0, 1, 1] * 4, 0, 1], dtype="int8")
    respondents = pd.DataFrame({"respondent_id": PEOPLE, "weight": 2.0, "vote": answers})
    splits = pd.DataFrame(
        {"respondent_id": PEOPLE, "condition": "full", "fold": folds, "in_training": folds >= 0}
    )
    write_table(respondents, tmp_path / "respondents.parquet", RESPONDENTS)
    write_table(splits, tmp_path / "splits.parquet", SPLITS)
    return tmp_path


def read(folder, rows, max_lost_share=0.0):
    (folder / "gpt.csv").write_text("who,vote\n" + "".join(f"{who},{vote}\n" for who, vote in rows.items()))
    read_predictions(
        respondents=folder / "respondents.parquet",
        splits=folder / "splits.parquet",
        codebook=folder / "voters.yaml",
        predictions=folder / "read.parquet",
        settings=PredictionFile(file=str(folder / "gpt.csv"), id="who", answer="vote"),
        file=str(folder / "voters.csv"),
        encoding=None,
        max_lost_share=max_lost_share,
        language="en",
        method="files/gpt",
        seed=24,
    )
    return read_table(folder / "read.parquet", PREDICTIONS)


def test_a_file_becomes_a_method_that_is_measured_as_any_other(survey):
    table = read(survey, dict.fromkeys([*PEOPLE, "v-20"], "Red"))
    assert list(table.respondent_id) == PEOPLE and set(table.method) == {"files/gpt"}
    assert table.target.isna().sum() == 2 and (table.p_Red == 1).all() and (table.weight == 2).all()
    splits = read_table(survey / "splits.parquet", SPLITS)
    folds = measure_folds(answered(read_all_predictions([survey / "read.parquet"], "vote"), splits), splits)
    values = folds.groupby("metric")["value"].mean()
    assert values["accuracy"] == 0.5
    # Certain and wrong: finite, and as the documentation says.
    assert values["log_loss"] == pytest.approx(0.5 * -np.log(np.finfo(float).eps))
    assert (folds["n_training"] == 0).all()


def test_it_is_calibrated_beside_methods_whose_tables_say_how_long_a_prompt_was(survey):
    table = read(survey, dict(zip(PEOPLE, ["Red", "Blue"] * 10, strict=True)))
    other = table.assign(method="baselines/majority", n_tokens=0)
    write_table(other, survey / "other.parquet", PREDICTIONS)
    every = read_all_predictions([survey / "other.parquet", survey / "read.parquet"], "vote")
    scaled = CALIBRATED.validate(
        scaled_predictions(every, read_table(survey / "splits.parquet", SPLITS), "temperature")
    )
    assert set(scaled["method"]) == {"baselines/majority", "files/gpt"}
    assert "n_tokens" in read_all_predictions([survey / "other.parquet"], "vote")


def test_who_has_no_prediction_is_counted_as_not_shown(survey):
    table = read(survey, dict.fromkeys(PEOPLE[1:], "Blue"), max_lost_share=0.1)
    first = table.iloc[0]
    assert (first.p_Red, first.n_unseen, first.option_mass) == (0.5, 2, 0)
    assert (table.n_unseen[1:] == 0).all() and (table.option_mass[1:] == 1).all()
