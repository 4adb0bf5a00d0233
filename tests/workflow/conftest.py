"""One finished run of a small study, which tests look at or copy, and the base model that it tunes."""

import fcntl
from pathlib import Path

import pytest

from tests.workflow.workspace import Workspace


@pytest.fixture(scope="session")
def made_once(tmp_path_factory, request):
    """A function that has a folder made by the first process that asks for it; those of the same test run get it as well."""
    shared = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        shared = shared.parent

    def folder_of(name, make):
        record = shared / f"{name}.txt"
        with record.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not record.exists():
                folder = tmp_path_factory.mktemp(name) / name
                make(folder)
                record.write_text(str(folder))
        return Path(record.read_text())

    return folder_of


@pytest.fixture(scope="session")
def base_model(made_once):
    """A Llama with random weights and a tokenizer of its own, saved as an ordinary directory."""
    from tests.workflow.small_model import save_small_model

    return made_once("small", save_small_model)


@pytest.fixture
def fresh(tmp_path, base_model):
    """A folder in which nothing was run yet."""
    return Workspace.begin(tmp_path / "fresh", base_model)


@pytest.fixture(scope="session")
def finished(made_once, base_model):
    """A folder in which the study was run to its end. It is shared: look, do not touch."""

    def run(folder):
        ended = Workspace.begin(folder, base_model).run()
        assert ended.code == 0, ended.terminal

    return Workspace(made_once("finished", run))


@pytest.fixture
def copied(finished, tmp_path):
    """A copy of the finished folder, to change and run again."""
    return finished.copy(tmp_path / "copied")
