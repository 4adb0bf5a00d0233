from pathlib import Path

import pandas as pd
import pytest
import yaml

from stimmung.data.simulate.simulated_file import simulate_codes, write_simulated_sav
from stimmung.data.surveys.coding import holds
from stimmung.data.surveys.respondents import needed_columns, respondents_table
from stimmung.data.surveys.survey_codes import SurveyFile
from stimmung.data.surveys.survey_files import read_survey_file
from stimmung.study.reading import load_codebook, load_layout
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.layout import Layout, layout_of_items
from stimmung.vocabulary.row_rules import RowRule

ROOT = Path(__file__).parents[3]
WHERE = {"Vorwahlbefragung": ["nein"], "Erhebungsjahr": [2017]}
WEIGHT = "w_ipfges"


@pytest.fixture(scope="module")
def gles():
    return load_codebook(ROOT / "codebooks/gles2017.yaml"), load_layout(
        ROOT / "codebooks/layouts/za6835.yaml"
    )


def simulated(codebook, layout, seed=3, n=900):
    return simulate_codes(
        codebook, layout, where=WHERE, where_not={}, weight=WEIGHT, language="de", n=n, seed=seed
    )


def read(path, codebook, language="de"):
    survey = read_survey_file(str(path), needed_columns(codebook, WHERE, WEIGHT))
    return survey, respondents_table(survey, codebook, language, WHERE, WEIGHT)


def test_the_simulated_file_is_read_by_the_codebook_of_the_real_one(gles, tmp_path):
    codebook, layout = gles
    path = tmp_path / "simulated.sav"
    write_simulated_sav(simulated(codebook, layout), layout, path)
    survey, respondents = read(path, codebook)
    assert len(respondents) == 900 < len(survey.codes)
    assert respondents.vote.value_counts().min() >= 5
    assert (respondents.weight > 0).all() and respondents.weight.nunique() > 100
    # Each missing reason of the archive occurs, and none became an answer.
    assert {"refused", "dont-know", "filter", "not-applicable"} <= set(
        respondents["left_right.missing"].dropna()
    )
    assert respondents.age.min() >= 16
    # Party identification tells much of the vote, or leaving it out would show nothing.
    same = respondents.party_id.astype(str) == respondents.vote.astype(str)
    assert 0.4 < same.mean() < 0.9


def test_the_file_has_the_archive_s_labels_and_declares_its_missing_codes(gles, tmp_path):
    codebook, layout = gles
    path = tmp_path / "simulated.sav"
    write_simulated_sav(simulated(codebook, layout, n=300), layout, path)
    survey = read_survey_file(str(path))
    assert survey.variable_labels["d5"] == "Bildung: Schule"
    assert survey.value_labels["v22b"][322] == "AfD" and survey.value_labels["v22b"][-97] == "trifft nicht zu"
    assert survey.missing_ranges["d2"] == [(-99, -71)]


def test_the_file_says_of_itself_that_nobody_was_asked_and_is_the_same_every_time(gles, tmp_path):
    codebook, layout = gles
    contents = []
    for name in ("one", "two"):
        write_simulated_sav(simulated(codebook, layout, n=300), layout, tmp_path / name)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]
    (tmp_path / "one").rename(tmp_path / "one.sav")
    assert read_survey_file(str(tmp_path / "one.sav")).simulated
    assert b"nobody was asked" in contents[0]
    assert not simulated(codebook, layout, seed=4, n=300).equals(simulated(codebook, layout, n=300))


def test_without_a_layout_the_codebook_says_all(gles, tmp_path):
    codebook, _ = gles
    layout = layout_of_items(codebook.title, list(codebook.items.values()), {**WHERE, WEIGHT: []})
    path = tmp_path / "simulated.sav"
    write_simulated_sav(simulated(codebook, layout), layout, path)
    _, german = read(path, codebook)
    _, english = read(path, codebook, "en")
    assert set(german.vote.dropna()) == set(codebook.target_labels("de"))
    assert (german.vote.cat.codes == english.vote.cat.codes).all()


@pytest.mark.parametrize("year", [2017, "year"])
@pytest.mark.parametrize("bounds", [None, [18, 70]])
def test_made_up_numbers_stay_within_the_items_ranges(gles, tmp_path, year, bounds):
    content = gles[0].model_dump(mode="json")
    content["items"] = {
        "year": {"column": "year", "wording": "Year", "scale": "numeric", "range": [2016, 2018]},
        "rating": {"column": "rating", "wording": "Rating", "scale": "numeric", "range": [1, 5]},
        "age": {"column": "born", "wording": "Age", "scale": "numeric", "age_in": year, "range": bounds},
        "vote": content["items"]["vote"],
    }
    codebook = Codebook.model_validate(content)
    layout = layout_of_items("x", list(codebook.items.values()), {})
    codes = simulate_codes(
        codebook, layout, where={}, where_not={}, weight=None, language="de", n=500, seed=1
    )
    write_simulated_sav(codes, layout, tmp_path / "simulated.sav")
    # Reading refuses what lies outside.
    file = read_survey_file(str(tmp_path / "simulated.sav"), needed_columns(codebook, {}, None))
    people = respondents_table(file, codebook, "de", {}, None)
    assert set(people.rating) == {1, 2, 3, 4, 5}
    low, high = bounds or (15, 95)
    assert people.age.between(low, high).all() and people.age.nunique() > 40


def test_a_layout_that_lacks_a_column_or_an_answer_is_refused(gles):
    codebook, layout = gles
    fewer = Layout(title="x", missing=layout.missing, variables=layout.variables[:-1])
    with pytest.raises(
        InputError, match="the layout of x: no column is named or labelled 'Parteiidentifikation: Staerke'"
    ):
        simulated(codebook, fewer)
    content = yaml.safe_load((ROOT / "codebooks/layouts/za6835.yaml").read_text(encoding="utf-8"))
    sex = next(variable for variable in content["variables"] if variable["name"] == "d1")
    sex["values"] = {1: "Herr", 2: "weiblich"}
    with pytest.raises(InputError, match="column 'Geschlecht' has no code for"):
        simulated(codebook, Layout.model_validate(content))


def test_codes_are_numbers_and_rows_are_nobody(gles):
    codes = simulated(*gles, n=200)
    assert codes.shape == (240, len(gles[1].variables))
    assert all(pd.api.types.is_float_dtype(kind) for kind in codes.dtypes)


def test_fault_ag_made_up_respondents_fulfil_the_rules_of_where():
    words = load_codebook(ROOT / "codebooks/anes1996.yaml")
    where = {"w": RowRule(empty=False, above=0), "age": RowRule(at_least=30, at_most=60)}
    where_not = {"educ": RowRule(above=5)}
    layout = layout_of_items(words.title, [*words.items.values()], {**where, **where_not})
    how = {"where": where, "where_not": where_not, "weight": "w", "language": "en"}
    codes = simulate_codes(words, layout, **how, n=200, seed=1)
    file = SurveyFile(codes)
    kept = holds(file, file.codes, where) & ~holds(file, file.codes, where_not)
    assert kept.sum() == 200
    assert len(codes) == 240
