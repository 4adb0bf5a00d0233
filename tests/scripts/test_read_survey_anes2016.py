"""The raw ANES 2016 file, as far as its codes are public: made-up rows of the same variables, in both formats."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest
import yaml

from scripts.read_survey import read_survey
from stimmung.data.surveys.splits import split_condition
from stimmung.study.reading import load_codebook, merged_config
from stimmung.study.study import load_study
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.votes_schemas import RESPONDENTS

ROOT = Path(__file__).parents[2]
LABELS = {
    "V161158x": {1: "1. Strong Democrat", 7: "7. Strong Republican", -9: "-9. RF (-9) in V161155 (FTF only)"},
    "V161126": {99: "99. Haven't thought much about this (FTF ONLY: DO NOT PROBE)"},
    "V162062x": {
        1: "1. Hillary Clinton",
        2: "2. Donald Trump",
        -1: "-1. INAP, no vote for President in Post",
    },
}


@pytest.fixture(scope="module")
def survey():
    return load_study(merged_config([ROOT / "studies/anes2016.yaml"], ROOT), ROOT).surveys["anes2016"]


def rows(n=400):
    """Return made-up respondents: the last ten were not interviewed after the election."""
    rng = np.random.default_rng(3)
    party = rng.integers(1, 8, n).astype(float)
    voted = (rng.random(n) < 0.75).astype(float)
    choice = np.where(rng.random(n) < party / 8, 2.0, 1.0)
    choice[:12] = [3, 4, 5] * 4
    frame = pd.DataFrame(
        {
            "V160001": np.arange(300001.0, 300001 + n),
            "V160102": rng.lognormal(0, 0.3, n),
            "V161310x": rng.integers(1, 7, n).astype(float),
            "V162174": rng.choice([1.0, 2, -9], n),
            "V161126": rng.choice([1.0, 4, 7, 99, -8], n),
            "V161158x": party,
            "V161244": rng.choice([1.0, 2], n),
            "V161267": rng.integers(18, 91, n).astype(float),
            "V161342": rng.choice([1.0, 2, 3, -9], n),
            "V162256": rng.choice([1.0, 2, 3, 4], n),
            "V162125x": rng.choice([1.0, 4, 7, -7], n),
            "V161010d": rng.choice([1.0, 11, 56], n),
            "V162031x": voted,
            "V162062x": np.where(voted == 1, choice, -1.0),
        }
    )
    frame.loc[n - 10 :, ["V160102", "V162062x", "V162031x"]] = [0.0, -1.0, -6.0]
    return frame


def write(frame, path):
    if path.suffix == ".dta":
        pyreadstat.write_dta(frame, str(path), variable_value_labels=LABELS)
    else:
        ranges = {name: [{"lo": -9, "hi": -1}] for name in frame if name not in ("V160001", "V160102")}
        pyreadstat.write_sav(frame, str(path), variable_value_labels=LABELS, missing_ranges=ranges)
    return path


def read(survey, path, folder):
    read_survey(
        file=str(path),
        codebook=ROOT / survey.codebook,
        language="en",
        where=survey.where,
        where_not=survey.where_not,
        weight=survey.weight,
        simulated=True,
        respondents=folder / "respondents.parquet",
        provenance=folder / "provenance.json",
    )
    return read_table(folder / "respondents.parquet", RESPONDENTS)


@pytest.mark.parametrize("suffix", [".sav", ".dta"])
def test_the_ten_items_and_three_classes_are_read_from_the_raw_file(survey, tmp_path, suffix):
    frame = rows()
    respondents = read(survey, write(frame, tmp_path / f"anes{suffix}"), tmp_path)
    codebook = load_codebook(ROOT / survey.codebook)
    assert len(codebook.predictors) == 10
    # Who was not interviewed again has no weight and is not read.
    assert len(respondents) == 390 and respondents.respondent_id.iloc[0] == "300001"
    interviewed = frame[:390]
    voted = interviewed.V162031x == 1
    assert respondents.vote.value_counts().to_dict() == {
        "Non-voter": int((~voted).sum()),
        "Clinton": int((voted & (interviewed.V162062x == 1)).sum()),
        "Trump": int((voted & (interviewed.V162062x == 2)).sum()),
    }
    others = voted & interviewed.V162062x.isin([3, 4, 5])
    assert (respondents["vote.missing"] == "not-applicable").sum() == others.sum()
    assert set(respondents["ideology.missing"].dropna()) == {"dont-know", "not-applicable"}
    # Ranks go from less to more, whatever the direction of the codes.
    assert respondents.political_interest.cat.codes.tolist() == (4 - interviewed.V162256).astype(int).tolist()


def test_the_experiment_without_republicans_leaves_them_in_the_test_folds(survey, tmp_path):
    respondents = read(survey, write(rows(), tmp_path / "anes.sav"), tmp_path)
    codebook = load_codebook(ROOT / survey.codebook)
    splits = split_condition(
        respondents, "vote", "x", **survey.selection("no-republicans", codebook), n_folds=5, seed=24
    )
    leaning = respondents.party.cat.codes >= 4
    assert not (splits.in_training & leaning).any()
    assert (splits.fold[leaning & respondents.vote.notna()] >= 0).all()
    assert survey.conditions["no-republicans-without-party"].drop_items == ["party"]


def test_the_study_s_wordings_are_those_of_study_a_s_code():
    book = yaml.safe_load((ROOT / "codebooks/anes2016.yaml").read_text(encoding="utf-8"))
    wordings = [item["wording"] for name, item in book["items"].items() if name != "vote"]
    assert wordings == [
        "Race",
        "Discuss Politics",
        "Ideology",
        "Party",
        "Church Goer",
        "Age",
        "Gender",
        "Political Interest",
        "American Flag",
        "State",
    ]
