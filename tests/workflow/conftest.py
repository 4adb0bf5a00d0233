"""One finished run of a small study, which tests look at or copy, and the base model that it tunes."""

import pytest

from tests.workflow.workspace import Workspace


@pytest.fixture(scope="session")
def base_model(tmp_path_factory):
    """A Llama with random weights and a tokenizer of its own, saved as an ordinary directory."""
    from tests.workflow.small_model import save_small_model

    return save_small_model(tmp_path_factory.mktemp("model") / "small")


@pytest.fixture
def fresh(tmp_path, base_model):
    """A folder in which nothing was run yet."""
    return Workspace.begin(tmp_path / "fresh", base_model)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, base_model):
    """A folder in which the study was run to its end. It is shared: look, do not touch."""
    workspace = Workspace.begin(tmp_path_factory.mktemp("finished") / "study", base_model)
    ended = workspace.run()
    assert ended.code == 0, ended.terminal
    return workspace


@pytest.fixture
def copied(finished, tmp_path):
    """A copy of the finished folder, to change and run again."""
    return finished.copy(tmp_path / "copied")
