import pandas as pd
import pytest
import yaml

from scripts.rectify import rectify
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.rectify import Rectify
from stimmung.vocabulary.votes_schemas import PREDICTIONS, RECTIFIED, RESPONDENTS, SPLITS
from tests.synthetic_votes import CONDITIONS, make_votes
from tests.workflow.workspace import CODEBOOK

OPTIONS = [{"code": 1, "label": "Clinton"}, {"code": 2, "label": "Dole"}]


@pytest.fixture(scope="module")
def rectified(tmp_path_factory):
    """The outputs of a survey with an ordinal target and a regression."""
    folder = tmp_path_factory.mktemp("rectify")
    codebook = CODEBOOK | {
        "items": CODEBOOK["items"] | {"vote": {"column": "V", "wording": "Vote", "options": OPTIONS}}
    }
    codebook["items"]["vote"]["scale"] = "ordinal"
    (folder / "codebook.yaml").write_text(yaml.safe_dump(codebook))
    predictions, splits = make_votes(n=120, conditions=("full", "share-30"))
    people = predictions.drop_duplicates("respondent_id")[["respondent_id", "weight"]]
    people = people.assign(vote=predictions["target"].iloc[:120], age=range(120))
    write_table(people.astype({"age": float}), folder / "respondents.parquet", RESPONDENTS)
    write_table(predictions, folder / "predictions.parquet", PREDICTIONS)
    write_table(splits, folder / "splits.parquet", SPLITS)
    outputs = {name: folder / name for name in ("parquet", "csv", "plan", "readme")}
    regression = {"outcome": "Dole", "on": ["age"]}
    rectify(
        predictions=[folder / "predictions.parquet"],
        splits=[folder / "splits.parquet"],
        respondents=folder / "respondents.parquet",
        codebook=folder / "codebook.yaml",
        settings=Rectify.model_validate(
            {"regressions": [regression], "half_width": 0.05, "price_interview": 20}
        ),
        conditions=CONDITIONS,
        twins={name: name for name in CONDITIONS},
        language="en",
        title="A survey",
        simulated=True,
        **outputs,
    )
    return outputs


def test_csv_and_parquet_hold_the_same_estimates(rectified):
    table, written = (
        read_table(rectified["parquet"], RECTIFIED),
        pd.read_csv(rectified["csv"], keep_default_na=False),
    )
    assert list(written.columns) == list(table.columns) and len(written) == len(table)
    assert set(table["model"]) == {"share", "mean", "logistic: Dole on age"}


def test_with_nobody_left_to_predict_that_is_said_and_the_estimate_is_the_classical_one(rectified):
    table = read_table(rectified["parquet"], RECTIFIED)
    full = table[table["condition"] == "full"]
    assert (full["note"] == "nobody is left to predict").all() and (full["n_predicted"] == 0).all()
    assert (full["estimate"] == full["classical"]).all() and (full["ci_low"] == full["classical_low"]).all()


def test_the_plan_has_prices_and_the_readme_says_that_respondents_are_simulated(rectified):
    plan = pd.read_csv(rectified["plan"])
    assert (plan["cost_alone"] == 20 * plan["n_interviews_alone"]).all() and (plan["n_predictions"] > 0).any()
    assert "simulated" in rectified["readme"].read_text(encoding="utf-8")
