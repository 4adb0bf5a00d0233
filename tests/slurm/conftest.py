"""A real Slurm, and a small study that runs on it. Not part of `pytest`: `make test-slurm` runs what is here."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.slurm.cluster import Cluster, cluster, install
from tests.workflow.workspace import Ended, Workspace

# As the README says, and nothing besides but haste: a test does not wait for a network file system.
COMMAND = (
    *("--profile", "slurm", "--configfile", "study.yaml", "--nocolor"),
    *("--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "5"),
)


HERE = Path(__file__).parent


def pytest_ignore_collect(config):
    """Collect these tests only where they are asked for by their path."""
    asked = [Path(argument.split("::")[0]).resolve() for argument in config.invocation_params.args]
    return None if any(path == HERE or HERE in path.parents for path in asked) else True


class OnSlurm:
    """A workspace whose runs go through Slurm."""

    def __init__(self, workspace: Workspace, slurm: Cluster) -> None:
        self.workspace, self.slurm = workspace, slurm
        self.folder, self.results = workspace.folder, workspace.folder / "results"
        self.environment = workspace.environment | {
            name: slurm.environment[name] for name in ("PATH", "SLURM_CONF")
        }

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Begin a run."""
        command = [sys.executable, "-m", "snakemake", *arguments, *COMMAND]
        with (self.folder / "terminal.log").open("a") as terminal:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment,
                stdout=terminal,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def run(self, *arguments: str) -> Ended:
        """Run to the end."""
        code = self.start(*arguments).wait(timeout=600)
        return Ended(code, (self.folder / "terminal.log").read_text())


def run_here(workspace: Workspace, *arguments: str) -> Ended:
    """Run on this machine, to the end, however busy it is."""
    ended = subprocess.run(
        workspace.command(*arguments),
        cwd=workspace.folder,
        env=workspace.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1200,
    )
    return Ended(ended.returncode, ended.stdout)


@pytest.fixture(scope="session")
def slurm(tmp_path_factory):
    """The running cluster. What it is lacking is installed; where that cannot be, these tests are skipped."""
    if (reason := install()) is not None:
        pytest.skip(f"no Slurm: {reason}")
    with cluster(tmp_path_factory.mktemp("slurm")) as running:
        yield running


@pytest.fixture(scope="session")
def base_model(tmp_path_factory):
    """A Llama with random weights."""
    from tests.workflow.small_model import save_small_model

    return save_small_model(tmp_path_factory.mktemp("model") / "small")


@pytest.fixture(scope="session")
def long_study(tmp_path_factory, base_model):
    """A study whose training takes a while, with everything done before it, and the same study trained in peace."""
    workspace = Workspace.begin(tmp_path_factory.mktemp("long") / "prepared", base_model)
    workspace.config["training"]["quick"]["max_steps"] = 1200
    workspace.config["engine"]["checkpoint_minutes"] = 0.02
    workspace.save()
    ended = run_here(workspace, TARGET, "--until", "split_respondents", "build_prompts", "prepare_model")
    assert ended.code == 0, ended.terminal
    undisturbed = workspace.copy(tmp_path_factory.mktemp("undisturbed") / "study")
    ended = run_here(undisturbed, TARGET)
    assert ended.code == 0, ended.terminal
    return workspace, undisturbed


ADAPTERS = "results/surveys/voters/adapters/small/full/seed-24"
# One job makes the adapters of all folds.
TARGET = f"{ADAPTERS}/fold-0/adapter_model.safetensors"


@pytest.fixture
def begun(slurm, long_study, tmp_path):
    """The long study, about to train."""
    folder = tmp_path / "study"
    shutil.copytree(long_study[0].folder, folder, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    return OnSlurm(Workspace(folder), slurm)
