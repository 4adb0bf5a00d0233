"""What can be wrong with a survey, one test each: `check` tells it in one line, and the job writes nothing."""

from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
import yaml

from scripts.read_survey import read_survey
from scripts.split_respondents import split_respondents
from stimmung.cli.main import main
from stimmung.study.reading import validated
from stimmung.study.surveys import Survey
from stimmung.vocabulary.errors import InputError

ROOT = Path(__file__).parents[3]


class Desk:
    """A survey in a folder, in which one thing is then made wrong."""

    def __init__(self, folder):
        self.folder = folder
        n = 40
        self.frame = pd.DataFrame(
            {
                "v1": [float(1 + row % 2) for row in range(n)],
                "v2": [float(1 + row // 2 % 3) for row in range(n)],
                "v3": [1.0] * (n - 10) + [2.0] * 10,
                "w": [1.0] * n,
            }
        )
        self.labels = {"v1": "Wahl", "v2": "Partei", "v3": "Welle", "w": "Gewicht"}
        self.values = {"v1": {1: "ja", 2: "nein"}, "v2": {1: "rot", 2: "grün", 3: "blau"}}
        self.codebook = {
            "title": "t",
            "source": "nobody",
            "languages": ["de", "en"],
            "instruction": "One of: {options}",
            "question": "Wahl:",
            "target": "vote",
            "items": {
                "party": {
                    "column": "Partei",
                    "wording": {"de": "Partei", "en": "Party"},
                    "options": [
                        {"code": "rot", "label": {"de": "rot", "en": "red"}},
                        {"code": "grün", "label": {"de": "grün", "en": "green"}},
                        {"code": "blau", "label": {"de": "blau", "en": "blue"}},
                    ],
                },
                "vote": {
                    "column": "Wahl",
                    "wording": "Wahl",
                    "options": [{"code": "ja", "label": "ja"}, {"code": "nein", "label": "nein"}],
                },
            },
        }
        self.survey = {
            "file": "umfrage.sav",
            "codebook": "umfrage.yaml",
            "where": {},
            "weight": "Gewicht",
            "language": "en",
            "conditions": {"full": {}},
            "arms": ["tiny/tuned"],
            "training": "tiny-votes",
        }

    def write(self):
        pyreadstat.write_sav(
            self.frame,
            str(self.folder / "umfrage.sav"),
            column_labels=self.labels,
            variable_value_labels=self.values,
        )
        book = yaml.safe_dump(self.codebook, allow_unicode=True, sort_keys=False)
        (self.folder / "umfrage.yaml").write_text(book, encoding="utf-8")
        content = {"run": {"surveys": ["umfrage"]}, "surveys": {"umfrage": self.survey}}
        (self.folder / "study.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")

    def read(self):
        read_survey(
            file="umfrage.sav",
            codebook=Path("umfrage.yaml"),
            language=self.survey["language"],
            where=self.survey["where"],
            weight=self.survey["weight"],
            respondents=Path("results/respondents.parquet"),
            provenance=Path("results/provenance.json"),
        )


@pytest.fixture
def desk(tmp_path, monkeypatch):
    (tmp_path / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path)


def assert_told(desk, capsys, *said, job=None):
    desk.write()
    assert main(["check", "study.yaml"]) == 1
    told = capsys.readouterr().err
    errors = [line for line in told.splitlines() if line.startswith("ERROR: ")]
    assert len(errors) == 1 and "Traceback" not in told, told
    assert all(words in errors[0] for words in said), errors[0]
    with pytest.raises(InputError):
        (job or desk.read)()
    assert not (desk.folder / "results").exists()


def test_nothing_is_wrong_at_first(desk, capsys):
    desk.write()
    assert main(["check", "study.yaml"]) == 0, capsys.readouterr().err


def test_duplicate_variable_labels(desk, capsys):
    desk.labels["v3"] = "Partei"
    assert_told(desk, capsys, "2 columns have the variable label 'Partei': v2, v3")


def test_weighted_training_without_a_weight(desk, capsys):
    desk.survey |= {"weight": None, "weighted_training": True}
    desk.write()
    assert main(["check", "study.yaml"]) == 1
    assert "weighted_training: needs a `weight`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"groups": {"by": ["prty"]}}, "groups.by: no item 'prty' in the codebook (did you mean 'party'?)"),
        ({"groups": {"by": ["vote"]}}, "groups.by: 'vote' gives the target 'vote' away"),
        (
            {"conditions": {"half": {"share": 0.5}}},
            "conditions: is for respondents, and the survey has `groups`",
        ),
        ({"weighted_training": True}, "weighted_training: is for respondents, and the survey has `groups`"),
        ({"arms": ["tiny/few-shot"]}, "arms: 'tiny/few-shot' is for respondents"),
        (
            {"groups": {"by": ["party"], "shares": "shares.csv"}},
            "file: is for respondents, and the survey has a file of shares; weight: is for respondents",
        ),
    ],
)
def test_what_a_survey_of_groups_cannot_have(desk, capsys, change, said):
    desk.survey |= {"groups": {"by": ["party"]}, **change}
    desk.write()
    assert main(["check", "study.yaml"]) == 1
    assert said in capsys.readouterr().err


def test_groups_are_counted_and_shares_that_do_not_sum_to_1_are_one_line(desk, capsys):
    desk.survey["groups"] = {"by": ["party"]}
    desk.write()
    study = {"folds": 2, "run": {"surveys": ["umfrage"]}, "surveys": {"umfrage": desk.survey}}
    (desk.folder / "study.yaml").write_text(yaml.safe_dump(study))
    assert main(["check", "study.yaml"]) == 0, capsys.readouterr().err
    told = capsys.readouterr().out
    assert "3 groups by party" in told and "vote: shares of 3 groups, 12 to 14 respondents each" in told
    (desk.folder / "shares.csv").write_text("group,Partei,item,option,share,n\na,rot,vote,ja,.4,20\n")
    desk.survey |= {"file": None, "weight": None, "groups": {"by": ["party"], "shares": "shares.csv"}}
    (desk.folder / "study.yaml").write_text(yaml.safe_dump(study))
    assert main(["check", "study.yaml"]) == 1
    (error,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("ERROR: ")]
    assert "the shares of item 'vote' in group 'a' sum to 0.4 instead of 1" in error


def test_a_value_without_a_label(desk, capsys):
    desk.frame.loc[3:5, "v2"] = 7.0
    assert_told(desk, capsys, "item 'party' (column 'Partei'): unknown code 7 in 3 rows")


def test_a_label_that_stands_for_two_codes(desk, capsys):
    desk.values["v2"][9] = "rot"
    assert_told(desk, capsys, "item 'party', column 'Partei': 2 codes have the value label 'rot': 1, 9")


@pytest.mark.parametrize("weight", [0.0, -1.0, None])
def test_a_weight_that_is_zero_negative_or_missing(desk, capsys, weight):
    desk.frame.loc[2:3, "w"] = weight
    assert_told(desk, capsys, "weight 'Gewicht': zero, negative or missing in 2 of 40 rows")


def test_a_target_with_one_class_left_after_where(desk, capsys):
    desk.frame.loc[30:, "v1"] = 1.0
    desk.survey["where"] = {"Welle": [2]}
    assert_told(desk, capsys, "target 'vote': only 'ja' is left among 10 respondents")


def test_a_condition_that_excludes_everyone(desk, capsys):
    everyone = {"party": ["red", "green", "blue"]}
    desk.survey["conditions"]["none"] = {"exclude": everyone}

    def job():
        desk.read()
        table = Path("results/respondents.parquet").rename("respondents.parquet")
        Path("results/provenance.json").unlink()
        Path("results").rmdir()
        split_respondents(
            respondents=table,
            target="vote",
            condition="none",
            exclude=everyone,
            keep={},
            complete=[],
            same_size_as=None,
            share=None,
            folds=5,
            seed=24,
            splits=Path("results/splits.parquet"),
        )

    assert_told(desk, capsys, "condition 'none' leaves nobody to train on for fold 0", job=job)


def test_an_item_s_wording_that_the_chosen_language_lacks(desk, capsys):
    del desk.codebook["items"]["party"]["wording"]["en"]
    assert_told(desk, capsys, "umfrage.yaml: items.party has no wording in 'en'")


def test_fault_am_a_column_in_another_case_is_offered(desk, capsys):
    desk.codebook["items"]["party"]["column"] = "V2"
    assert_told(desk, capsys, "no column is named or labelled 'V2' (did you mean 'v2'?)")


def test_fault_am_a_codebook_s_mistake_points_to_the_page_on_codebooks(desk, capsys):
    desk.codebook["items"]["party"]["wordings"] = "x"
    desk.write()
    assert main(["check", "study.yaml"]) == 1
    assert "Hint: docs/codebooks.md explains every key." in capsys.readouterr().err


def test_a_language_that_the_codebook_lacks(desk, capsys):
    desk.survey["language"] = "fr"
    assert_told(desk, capsys, "surveys.umfrage.language: 'fr' is not in the codebook (de, en)")


def test_two_options_with_equal_wording(desk, capsys):
    desk.codebook["items"]["party"]["options"][1]["label"]["en"] = "red"
    assert_told(desk, capsys, "items.party: two options have the same wording in 'en'")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("encoding", "cp-1252x", "'cp-1252x' is no encoding of text"),
        ("max_lost_share", 1.5, "less than or equal to 1"),
    ],
)
def test_fault_ad_an_encoding_that_does_not_exist_is_refused_before_anything_is_read(key, value, said):
    with pytest.raises(InputError, match=said):
        validated(Survey, {"file": "a.csv", "codebook": "a.yaml", key: value}, "config")
