"""A real Slurm, and a small study that runs on it. Not part of `pytest`: `make test-slurm` runs what is here."""

import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from tests.slurm.cluster import Cluster, cluster, install
from tests.workflow.workspace import Ended, Workspace, voters

# As the README says, and nothing besides but haste: a test does not wait for a network file system.
COMMAND = (
    *("--profile", "slurm", "--configfile", "study.yaml", "--nocolor"),
    *("--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "5"),
)
# Where and how long jobs ran stands in these, and in nothing else.
OF_THE_MACHINE = {"training.json", "run.yaml", "report.html"}
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

    def run(self, *arguments: str, timeout: float = 600) -> Ended:
        """Run to the end."""
        code = self.start(*arguments).wait(timeout=timeout)
        return Ended(code, (self.folder / "terminal.log").read_text())

    def jobs(self) -> list[dict[str, str]]:
        """Return what Slurm tells of the jobs of these runs."""
        return [job for job in self.slurm.jobs() if job["WorkDir"] == str(self.folder)]


def with_gpu(jobs: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the jobs that asked for one GPU."""
    return [job for job in jobs if job.get("TresPerJob") == "gres:gpu:1"]


def most_at_once(jobs: list[dict[str, str]]) -> int:
    """Return how many of some ended jobs ran at the same time, at most."""
    starts = [datetime.fromisoformat(job["StartTime"]) for job in jobs]
    ends = [datetime.fromisoformat(job["EndTime"]) for job in jobs]
    return max(
        sum(start <= moment < end for start, end in zip(starts, ends, strict=True)) for moment in starts
    )


def content_of(workspace: Workspace) -> dict[Path, bytes]:
    """Return the bytes of all results in which neither the machine nor the time stands."""
    made = [path for path in workspace.folder.glob("results/**/*") if path.is_file()]
    return {
        path.relative_to(workspace.folder): path.read_bytes()
        for path in made
        if path.name not in OF_THE_MACHINE and ".store" not in path.parts
    }


def differing(expected: dict[Path, bytes], found: dict[Path, bytes]) -> list[Path]:
    """Return the files that only one side has, or that are not the same."""
    return sorted(path for path in expected | found if expected.get(path) != found.get(path))


def run_here(workspace: Workspace, *arguments: str, timeout: float = 1200) -> Ended:
    """Run on this machine, to the end, however busy it is."""
    ended = subprocess.run(
        workspace.command(*arguments),
        cwd=workspace.folder,
        env=workspace.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
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


ADAPTERS = "results/surveys/voters/adapters/small/tuned/full/seed-24"
# One of the outputs of the job that trains all folds.
TARGET = f"{ADAPTERS}/fold-0/adapter_model.safetensors"


# 1500 long prompts, one or two of them in a pass: some ten seconds.
SCORED = "results/surveys/voters/predictions/small/few-shot/full/seed-24.parquet"


@pytest.fixture(scope="session")
def long_scoring(tmp_path_factory, base_model):
    """A study whose scoring takes a while, with everything done before it, and the same study scored in peace."""
    workspace = Workspace.begin(tmp_path_factory.mktemp("scoring") / "prepared", base_model)
    (workspace.folder / "voters.csv").write_text(voters(1500))
    workspace.config["surveys"]["voters"] |= {"arms": ["small/few-shot"], "few_shot_k": 8}
    workspace.config["engine"]["tokens_per_batch"] = 256
    workspace.save()
    ended = run_here(workspace, SCORED, "--until", "split_respondents", "build_prompts", "prepare_model")
    assert ended.code == 0, ended.terminal
    undisturbed = workspace.copy(tmp_path_factory.mktemp("undisturbed") / "scored")
    ended = run_here(undisturbed, SCORED)
    assert ended.code == 0, ended.terminal
    return workspace, undisturbed


@pytest.fixture
def begun(slurm, long_study, tmp_path):
    """The long study, about to train."""
    return through(slurm, long_study[0], tmp_path / "study")


@pytest.fixture
def about_to_score(slurm, long_scoring, tmp_path):
    """The study of a long scoring, with all that this needs."""
    return through(slurm, long_scoring[0], tmp_path / "study")


def through(slurm: Cluster, workspace: Workspace, folder: Path) -> OnSlurm:
    """Return a copy of a study whose runs go through Slurm."""
    shutil.copytree(workspace.folder, folder, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    return OnSlurm(Workspace(folder), slurm)
