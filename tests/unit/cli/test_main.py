"""The commands as a user types them: a new survey needs no code."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
import yaml

from scripts.read_survey import read_survey
from stimmung.cli.main import main
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.votes_schemas import RESPONDENTS

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a survey that nobody has described yet."""
    (tmp_path / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    n = 60
    frame = pd.DataFrame(
        {
            "v1": [float(1 + row % 2) for row in range(n)],
            "v2": [float([1, 2, 3, -99][row % 4]) for row in range(n)],
            "v3": [1950.0 + row % 50 for row in range(n)],
            "w": [0.5 + row % 3 for row in range(n)],
        }
    )
    pyreadstat.write_sav(
        frame,
        str(tmp_path / "umfrage.sav"),
        column_labels={"v1": "Wahl", "v2": "Interesse", "v3": "Geburtsjahr", "w": "Gewicht"},
        variable_value_labels={
            "v1": {1: "Rot", 2: "Grün"},
            "v2": {1: "stark", 2: "mittel", 3: "wenig", -99: "keine Angabe"},
        },
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_draft_edit_check_read(folder, capsys):
    command = ["draft-codebook", "umfrage.sav", "--target", "Wahl", "--weight", "w", "--language", "de"]
    assert main([*command, "--output", "umfrage.yaml"]) == 0
    assert "a draft" in capsys.readouterr().out
    # What a person decides: the words, the order of a scale, an age instead of a year.
    text = (folder / "umfrage.yaml").read_text(encoding="utf-8")
    text = text.replace("Wie antwortet diese Person? Eine der Antworten:", "Wen wählt diese Person? One of:")
    text = text.replace(
        'wording: "Geburtsjahr"\n', 'wording: Alter\n    age_in: 2017\n    format: "{value} Jahre"\n'
    )
    text = text.replace('wording: "Interesse"\n    scale: nominal', "wording: Interesse\n    scale: ordinal")
    (folder / "umfrage.yaml").write_text(text, encoding="utf-8")
    survey = {
        "file": "umfrage.sav",
        "codebook": "umfrage.yaml",
        "weight": "w",
        "language": "de",
        "conditions": {"full": {}, "interessiert": {"keep": {"v2": ["stark", "mitel"]}}},
        "arms": ["tiny/tuned"],
        "training": "tiny-votes",
    }
    content = {"run": {"surveys": ["umfrage"]}, "surveys": {"umfrage": survey}}
    (folder / "study.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")

    assert main(["check", "study.yaml"]) == 1
    told = capsys.readouterr().err
    assert "conditions.interessiert.keep.v2: no answer 'mitel' (did you mean 'mittel'?)" in told
    survey["conditions"]["interessiert"]["keep"]["v2"] = ["stark", "mittel"]
    (folder / "study.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    assert main(["check", "study.yaml"]) == 0
    assert "No problems found." in capsys.readouterr().out

    assert main(["prompts", "study.yaml", "--real", "--show", "1"]) == 0
    shown = capsys.readouterr().out
    assert "Wen wählt diese Person? One of: Rot, Grün." in shown
    assert "Interesse: stark\nAlter: 67 Jahre\nWahl:" in shown

    made = {"respondents": folder / "r.parquet", "provenance": folder / "p.json"}
    read_survey(
        file="umfrage.sav", codebook=folder / "umfrage.yaml", language="de", where={}, weight="w", **made
    )
    respondents = read_table(folder / "r.parquet", RESPONDENTS)
    assert respondents.v1.value_counts().to_dict() == {"Rot": 30, "Grün": 30}
    assert respondents.v2.cat.ordered and (respondents["v2.missing"] == "refused").sum() == 15
    assert respondents.v3.tolist()[:2] == [67, 66] and respondents.weight.tolist()[:2] == [0.5, 1.5]


def test_a_draft_is_printed_when_no_file_is_named_and_overwrites_none(folder, capsys):
    assert main(["draft-codebook", "umfrage.sav", "--target", "v1", "--items", "v2", "Geburtsjahr"]) == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    assert [item["column"] for item in printed["items"].values()] == ["v2", "Geburtsjahr", "v1"]
    (folder / "mine.yaml").write_text("my work")
    assert main(["draft-codebook", "umfrage.sav", "--target", "v1", "--output", "mine.yaml"]) == 1
    assert "mine.yaml already exists" in capsys.readouterr().err
    assert (folder / "mine.yaml").read_text() == "my work"


@pytest.mark.usefixtures("folder")
def test_fault_ab_what_a_draft_leaves_out_is_told_on_the_terminal_with_the_reason(capsys):
    assert main(["draft-codebook", "umfrage.sav", "--target", "v1"]) == 0
    printed = capsys.readouterr()
    assert printed.err == "left out: w: it looks like a survey weight\n"
    assert (
        "#  w: it looks like a survey weight" in printed.out
        and "w" not in yaml.safe_load(printed.out)["items"]
    )


def test_a_target_that_is_not_there_is_told_in_one_line(folder, capsys):
    assert main(["draft-codebook", "umfrage.sav", "--target", "Wahll"]) == 1
    told = capsys.readouterr().err
    assert told.startswith(
        "ERROR: umfrage.sav: no column is named or labelled 'Wahll' (did you mean 'Wahl'?)"
    )
    assert folder.joinpath("umfrage.sav").exists()


def test_fault_am_a_reader_that_stops_reading_is_no_traceback(folder):
    command = f"{sys.executable} -m stimmung.cli.main draft-codebook umfrage.sav --target v1 | true"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=folder, env=environment
    )
    assert ended.stderr == ""


def test_the_commands_are_found_and_help_themselves():
    command = [sys.executable, "-m", "stimmung.cli.main", "--help"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 0
    assert all(name in ended.stdout for name in ("draft-codebook", "check", "prompts", "schema"))
