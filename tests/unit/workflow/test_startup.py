"""What a user must mend first ends the run with one line."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from stimmung.study.reading import merged_config
from stimmung.study.study import load_study
from stimmung.workflow.startup import files_or_exit, python_or_exit

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def gles():
    return load_study(merged_config([ROOT / "studies/gles2017.yaml"], ROOT), ROOT)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_absent_file_is_told_as_check_tells_it(gles, capsys):
    with pytest.raises(SystemExit) as stop:
        files_or_exit(gles)
    assert stop.value.code == 1
    error, hint = capsys.readouterr().err.splitlines()
    assert error == "ERROR: surveys.gles2017: no survey file at data/ZA6835_v1-0-0.sav"
    assert hint.startswith("Hint: ")


@pytest.mark.parametrize("there", ["data/ZA6835_v1-0-0.sav", "results/surveys/gles2017/respondents.parquet"])
def test_a_file_that_is_there_or_that_was_read_is_not_told(gles, folder, capsys, there):
    (folder / there).parent.mkdir(parents=True)
    (folder / there).touch()
    files_or_exit(gles)
    assert capsys.readouterr().err == ""


def test_fault_ee_a_python_whose_path_a_shell_would_split_is_told_before_anything_begins(capsys):
    python_or_exit("/home/a-b.c/v_1/.venv/bin/python3.11")
    for path in ("/home/my study/.venv/bin/python", "/home/a(1)/bin/python", "/home/it's/bin/python"):
        with pytest.raises(SystemExit):
            python_or_exit(path)
        error, hint = capsys.readouterr().err.splitlines()
        assert error.startswith("ERROR: ") and error.endswith(path) and hint.startswith("Hint: ")


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not on this machine")
def test_fault_ee_make_says_it_in_one_line_and_makes_nothing(tmp_path):
    place = tmp_path / "my study"
    place.mkdir()
    shutil.copy(ROOT / "Makefile", place)
    # As from a shell, also where make itself runs the tests.
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    ended = subprocess.run(["make", "demo"], cwd=place, capture_output=True, text=True, env=alone)
    assert ended.returncode != 0 and ended.stdout == "" and len(ended.stderr.splitlines()) == 1
    assert "ERROR: the path of this folder has a space" in ended.stderr
    assert [one.name for one in place.iterdir()] == ["Makefile"]
