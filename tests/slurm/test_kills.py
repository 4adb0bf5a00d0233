"""Random SIGKILLs over a run on this machine, of snakemake and of its jobs. No Slurm takes part; it is here because it takes minutes.

`STIMMUNG_KILLS=50 pytest tests/slurm/test_kills.py` is the long one.
"""

import os
import random
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.slurm.cluster import alive, until
from tests.slurm.conftest import run_here
from tests.workflow.workspace import Workspace

N_KILLS = int(os.environ.get("STIMMUNG_KILLS", "4"))
OF_THE_MACHINE = {"training.json", "run.yaml", "report.html"}


@pytest.fixture
def study(tmp_path, base_model):
    """A study whose training takes some seconds, with frequent checkpoints."""
    workspace = Workspace.begin(tmp_path / "study", base_model)
    workspace.config["training"]["quick"]["max_steps"] = 200
    workspace.config["engine"]["checkpoint_minutes"] = 0.005
    workspace.save()
    return workspace


def descendants(pid):
    """The processes that a process started, and those that they started."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def wait_for(processes):
    until(lambda: not any(map(alive, processes)), 120, what="the end of the orphans")


def content_of(workspace):
    made = [path for path in workspace.folder.glob("results/**/*") if path.is_file()]
    return {
        path.relative_to(workspace.folder): path.read_bytes()
        for path in made
        if path.name not in OF_THE_MACHINE and ".store" not in path.parts
    }


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bytes(study, tmp_path):
    undisturbed = study.copy(tmp_path / "undisturbed")
    assert run_here(undisturbed).code == 0
    expected = content_of(undisturbed)
    chance = random.Random(20261121)
    kills, finished = 0, 0
    orphans = set()
    while kills < N_KILLS or finished == 0:
        study.run("--unlock")
        run = subprocess.Popen(
            study.command(),
            cwd=study.folder,
            env=study.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            run.wait(timeout=chance.uniform(1, 12) if kills < N_KILLS else None)
        except subprocess.TimeoutExpired:
            jobs = descendants(run.pid)
            victim = chance.choice([run.pid, *jobs])
            if victim == run.pid:
                orphans |= set(jobs)
            if alive(victim):
                os.kill(victim, signal.SIGKILL)
                kills += 1
            run.wait(timeout=1200)
        if run.returncode == 0:
            finished += 1
            assert content_of(study) == expected
            if kills < N_KILLS:
                wait_for(orphans)
                shutil.rmtree(study.folder / "results")
                shutil.rmtree(study.folder / ".snakemake")
    assert kills >= N_KILLS and finished >= 1
    wait_for(orphans)
    assert content_of(study) == expected
    assert [
        path
        for path in study.folder.glob("results/.store/*/*")
        if path.parent.name in ("checkpoints", "locks")
    ] == []
