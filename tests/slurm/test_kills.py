"""Random SIGKILLs over a run of the demo on this machine, of snakemake and of its jobs. No Slurm takes part; it takes minutes.

`STIMMUNG_KILLS` says how many. The demo is config.yaml's, both branches, cut down as CUT says, or with `STIMMUNG_WHOLE_DEMO=1` as it
stands but for a checkpoint every few seconds, and with the kills spread over about the whole run. Its base model is made in peace: a
job of a minute without checkpoints would not survive kills every few seconds.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.slurm.cluster import alive, until
from tests.slurm.conftest import content_of, differing, run_here
from tests.workflow.workspace import Workspace

N_KILLS = int(os.environ.get("STIMMUNG_KILLS", "50"))
CUT = {
    "run": {"baselines": ["majority", "logistic"]},
    "training": {"tiny-votes": {"max_steps": 20}, "tiny-weeks": {"max_steps": 6}},
    "engine": {"checkpoint_minutes": 0.01},
    "surveys": {"anes1996": {"only": ["full", "without-party"], "arms": ["tiny/tuned", "tiny/zero-shot"]}},
    "panels": {"demo": {"simulate": {"posts_per_week": 300}}},
}
WHOLE = "STIMMUNG_WHOLE_DEMO" in os.environ
UNCUT = {"engine": {"checkpoint_minutes": 0.05}}
# What a kill costs besides: planning anew, starting Python, loading the base.
RESTART_SECONDS = 10


@pytest.fixture
def study(tmp_path):
    """The demo with its base model prepared."""
    workspace = Workspace.clone(tmp_path / "study", UNCUT if WHOLE else CUT)
    ended = run_here(workspace, "results/models/tiny/model.json")
    assert ended.code == 0, ended.terminal
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
    until(lambda: not any(map(alive, processes)), 600, what="the end of the orphans")


def start(study):
    # Retries, as on a cluster: a job that was killed begins again while others run, not after all have ended.
    return subprocess.Popen(
        study.command("--retries", "3"),
        cwd=study.folder,
        env=study.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bytes(study, tmp_path):
    undisturbed = study.copy(tmp_path / "undisturbed")
    began = time.monotonic()
    ended = run_here(undisturbed, timeout=3600)
    longest_pause = 2 * ((time.monotonic() - began) / N_KILLS + RESTART_SECONDS) if WHOLE else 5
    assert ended.code == 0, ended.terminal
    expected = content_of(undisturbed)
    # Authors are hashed with a salt that each study draws for itself.
    shutil.copytree(undisturbed.folder / ".stimmung", study.folder / ".stimmung")
    chance = random.Random(20261121)
    kills = {"snakemake": 0, "jobs": 0}
    run, finished, orphans = None, 0, set()
    while run is None or run.returncode != 0 or sum(kills.values()) < N_KILLS:
        if run is None or run.returncode < 0:
            study.run("--unlock")
        peaceful = sum(kills.values()) >= N_KILLS
        run = start(study)
        while run.poll() is None and sum(kills.values()) < N_KILLS:
            try:
                run.wait(timeout=chance.uniform(0.5, longest_pause))
            except subprocess.TimeoutExpired:
                jobs = descendants(run.pid)
                if not jobs and chance.random() < 0.7:
                    continue  # else nearly all kills would strike while snakemake plans
                victim = chance.choice(jobs) if jobs and chance.random() < 0.7 else run.pid
                orphans |= {*descendants(victim)}
                if alive(victim):
                    os.kill(victim, signal.SIGKILL)
                    kills["snakemake" if victim == run.pid else "jobs"] += 1
        code = run.wait(timeout=3600)
        assert code == 0 or not peaceful, "a run that nobody disturbed failed"
        if code == 0:
            finished += 1
            wait_for(orphans)
            assert differing(expected, content_of(study)) == []
            if sum(kills.values()) < N_KILLS:
                for made in ("results/surveys", "results/panels", "results/.store", ".snakemake"):
                    shutil.rmtree(study.folder / made)
    print(f"killed: {kills}; the demo was finished {finished} times")
    assert min(kills.values()) > 0 or N_KILLS < 10, "chance struck one kind only"
    left = [
        path
        for path in study.folder.glob("results/.store/*/*")
        if path.parent.name in ("checkpoints", "locks")
    ]
    assert left == []
