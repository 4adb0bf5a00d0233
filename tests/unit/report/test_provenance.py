import platform
import subprocess

import numpy as np
import pytest

from stimmung.report.provenance import git_state, software, study_title


def git(folder, *arguments):
    identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "--quiet")
    (tmp_path / "code.py").write_text("a = 1\n")
    git(tmp_path, "add", "code.py")
    git(tmp_path, "commit", "--quiet", "-m", "One", "--date", "2026-01-02T03:04:05")
    return tmp_path


def test_a_clean_tree_is_its_commit(repository):
    state = git_state(repository)
    assert len(state["revision"]) == 40 and state["dirty"] is False
    assert len(state["date"]) == len("2026-01-02")


@pytest.mark.parametrize("name", ["code.py", "new.py"])
def test_an_edit_or_a_new_file_makes_it_dirty(repository, name):
    (repository / name).write_text("a = 2\n")
    assert git_state(repository)["dirty"] is True


def test_without_a_repository_nothing_is_known(tmp_path):
    assert git_state(tmp_path) == {"revision": None, "date": None, "dirty": None}


def test_versions_are_those_that_run():
    found = software()
    assert found["python"] == platform.python_version()
    assert found["packages"]["numpy"] == np.__version__
    assert list(found["packages"]) == sorted(found["packages"])


def test_fault_ww_a_study_without_a_title_is_called_after_its_file(tmp_path):
    config, named, unnamed = (tmp_path / f"{name}.yaml" for name in ("config", "named", "unnamed"))
    config.write_text("report: {title: The demo}")
    named.write_text("report: {title: Mine}")
    unnamed.write_text("report: {formats: [pdf]}")
    assert study_title("The demo", [config]) == "The demo"
    assert study_title("Mine", [named, config]) == "Mine"
    assert study_title("The demo", [unnamed, config]) == "Stimmung: unnamed"
