"""What a cluster does to jobs. After each fault the same command completes, results are equal, and no training is done twice."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from stimmung.engine.cohort.checkpoint import load_checkpoint
from tests.slurm.cluster import rule_of, until
from tests.slurm.conftest import ADAPTERS, SCORED, TARGET

RULE = "train_fold_adapters"
FOLDS = ["0", "1"]


def log_of(study, place=f"{RULE}/voters/small/tuned/full/seed-24.log"):
    """What all attempts wrote; a job that needed one only has but its log."""
    log = study.folder / "logs" / place
    attempts = log.with_suffix(".attempts.log")
    return (attempts if attempts.exists() else log).read_text()


def step_of(study):
    """The step of the checkpoint, 0 if there is none."""
    saved = [load_checkpoint(path) for path in study.results.glob(".store/checkpoints/*.safetensors")]
    return max((one.progress.step for adapters in saved for one in adapters or []), default=0)


def in_mid_training(study, what="training"):
    """Wait until a checkpoint was written, and return its step and the job that did."""
    step = until(lambda: step_of(study), 240, what=f"a checkpoint of {what}")
    (job,) = until(lambda: study.slurm.running(RULE), 10)
    return step, job["JobId"]


def events_of(study):
    """What the log tells in its order: ('at', step), ('stopped', step) and ('trained', fold)."""
    found = re.findall(
        r"adapters at steps \[(\d+)\]|stopped at step (\d+)|fold (\d+): trained", log_of(study)
    )
    return [
        ("at", int(at)) if at else ("stopped", int(stopped)) if stopped else ("trained", fold)
        for at, stopped, fold in found
    ]


def check(study, undisturbed):
    """Nothing was trained twice, and the results are those of a run in peace, to the byte."""
    assert [event[1] for event in events_of(study) if event[0] == "trained"] == FOLDS
    for fold in FOLDS:
        weights = f"{ADAPTERS}/fold-{fold}/adapter_model.safetensors"
        assert (study.folder / weights).read_bytes() == (undisturbed.folder / weights).read_bytes()
    left = [path for path in study.results.glob(".store/*/*") if path.parent.name in ("checkpoints", "locks")]
    assert left == [], "a checkpoint or a lock was left behind"


def check_continued_where_it_stopped(study):
    events = events_of(study)
    stops = [place for place, event in enumerate(events) if event[0] == "stopped"]
    assert stops, log_of(study)
    for place in stops:
        assert events[place + 1] == ("at", events[place][1])


def test_a_cancelled_job_is_submitted_again_and_continues(begun, long_study):
    run = begun.start(TARGET)
    _, job = in_mid_training(begun)
    begun.slurm.call("scancel", job)
    assert run.wait(timeout=400) == 0, (begun.folder / "terminal.log").read_text()
    check_continued_where_it_stopped(begun)
    check(begun, long_study[1])


# Without the profile's `--signal=TERM@120` nothing is heard before the limit itself.
NOT_TOLD = ("--default-resources", "slurm_partition=cpu")


@pytest.mark.parametrize(
    ("options", "state"), [((), "FAILED"), (NOT_TOLD, "TIMEOUT")], ids=["told-beforehand", "reached"]
)
def test_a_time_limit_in_mid_training_is_followed_by_an_attempt_that_continues(
    begun, long_study, options, state
):
    run = begun.start(TARGET, *options)
    _, job = in_mid_training(begun)
    trainer = int(re.findall(r"begins: process (\d+)", log_of(begun))[-1])
    # Held until Slurm wakes it with the signal, so that the limit comes in mid-training however fast this machine is.
    os.kill(trainer, signal.SIGSTOP)
    begun.slurm.call("scontrol", "update", f"JobId={job}", "TimeLimit=1")
    assert run.wait(timeout=400) == 0, (begun.folder / "terminal.log").read_text()
    (first,) = [one for one in begun.slurm.jobs() if one["JobId"] == job]
    assert first["JobState"] == state
    check_continued_where_it_stopped(begun)
    check(begun, long_study[1])


def test_a_job_whose_node_goes_down_continues_on_another(begun, long_study):
    run = begun.start(TARGET)
    step, job = in_mid_training(begun)
    (before,) = begun.slurm.running(RULE)
    begun.slurm.call("scontrol", "update", f"NodeName={before['NodeList']}", "State=DOWN", "Reason=test")
    try:
        (after,) = until(
            lambda: [one for one in begun.slurm.running(RULE) if one["NodeList"] != before["NodeList"]],
            120,
            what="the job on another node",
        )
        assert after["JobId"] == job
        assert run.wait(timeout=400) == 0, (begun.folder / "terminal.log").read_text()
    finally:
        begun.slurm.call("scontrol", "update", f"NodeName={before['NodeList']}", "State=RESUME")
    assert [event[1] for event in events_of(begun) if event[0] == "at"][1] >= step
    check(begun, long_study[1])


def test_a_job_that_is_killed_for_memory_gets_more(begun, long_study):
    # Python with torch takes more than the first attempt may.
    memory = f"{RULE}:mem_mb=300 * 8 ** (attempt - 1)"
    ended = begun.run(TARGET, "--set-resources", memory, f"{RULE}:slurm_partition=gpu", f"{RULE}:gpu=1")
    assert ended.code == 0, ended.terminal
    jobs = [job for job in begun.slurm.jobs() if rule_of(job) == RULE and job["WorkDir"] == str(begun.folder)]
    assert [job["MinMemoryNode"] for job in jobs] == ["300M", "2400M"]
    assert jobs[0]["JobState"] in ("FAILED", "OUT_OF_MEMORY") and jobs[1]["JobState"] == "COMPLETED"
    check(begun, long_study[1])


def test_a_killed_snakemake_is_started_again_while_its_jobs_go_on(begun, long_study):
    run = begun.start(TARGET)
    _, orphan = in_mid_training(begun)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    trainer = int(re.findall(r"begins: process (\d+)", log_of(begun))[-1])
    # Held until the next one waits for it, however slow this machine is to submit that.
    os.kill(trainer, signal.SIGSTOP)
    try:
        assert begun.run("--unlock").code == 0
        run = begun.start(TARGET)
        until(lambda: "waiting for full, seed 24, fold" in log_of(begun), 240, what="a second job")
    finally:
        os.kill(trainer, signal.SIGCONT)
    assert run.wait(timeout=400) == 0, (begun.folder / "terminal.log").read_text()
    assert f"made by Slurm job {orphan}" in log_of(begun)
    assert not any(event[0] == "stopped" for event in events_of(begun))
    jobs = [job for job in begun.slurm.jobs() if rule_of(job) == RULE and job["WorkDir"] == str(begun.folder)]
    assert [job["JobState"] for job in jobs] == ["COMPLETED", "COMPLETED"] and jobs[0]["JobId"] == orphan
    check(begun, long_study[1])


def test_a_scoring_job_that_a_killed_snakemake_left_is_waited_for_and_not_done_twice(
    about_to_score, long_scoring
):
    study, log = about_to_score, "score_respondents/voters/small/few-shot/full/seed-24.log"
    run = study.start(SCORED)
    (held,) = until(lambda: list(study.results.glob(".store/locks/[!.]*")), 240, what="the lock of scoring")
    owner = json.loads(held.read_text())
    # Held until the next one waits for it, however slow this machine is to submit that.
    os.kill(owner["pid"], signal.SIGSTOP)
    try:
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
        (orphan,) = study.slurm.running("score_respondents")
        assert owner["job"] == f"Slurm job {orphan['JobId']}"
        table = study.folder / SCORED
        assert not table.exists()
        assert study.run("--unlock").code == 0
        run = study.start(SCORED)
        until(lambda: "waiting for" in log_of(study, log), 240, what="a second job")
    finally:
        os.kill(owner["pid"], signal.SIGCONT)
    (kept,) = until(
        lambda: list(study.results.glob(".store/predictions/[!.]*")), 240, what="the orphan's table"
    )
    made = kept.stat().st_ino
    assert run.wait(timeout=400) == 0, (study.folder / "terminal.log").read_text()
    assert f"made by Slurm job {orphan['JobId']}" in log_of(study, log)
    assert list(study.results.glob(".store/predictions/*")) == [kept]
    assert kept.stat().st_ino == made, "it was predicted a second time"
    jobs = [job for job in study.jobs() if rule_of(job) == "score_respondents"]
    assert [job["JobState"] for job in jobs] == ["COMPLETED", "COMPLETED"]
    assert jobs[0]["JobId"] == orphan["JobId"]
    assert table.read_bytes() == (long_scoring[1].folder / SCORED).read_bytes()
    assert list(study.results.glob(".store/locks/*")) == []


def test_a_quota_that_is_reached_in_mid_training_is_told_and_costs_no_finished_step(begun, long_study):
    store = begun.results / ".store"
    store.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(store)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"a file system of a limited size cannot be mounted here: {mounted.stderr.strip()}")
    try:
        run = begun.start(TARGET, "--retries", "0")
        in_mid_training(begun)
        fill(store / "somebody-else-s")
        assert run.wait(timeout=400) == 1
        assert "ERROR: no disk space left" in log_of(begun)
        step = step_of(begun)
        assert step > 0, "the last checkpoint was lost"
        (store / "somebody-else-s").unlink()
        ended = begun.run(TARGET, "--retries", "0")
        assert ended.code == 0, ended.terminal
        assert [event[1] for event in events_of(begun) if event[0] == "at"][-2:-1] in ([step], [0])
        check(begun, long_study[1])
    finally:
        subprocess.run(["umount", "--lazy", str(store)], check=True)


def fill(file: Path):
    with file.open("wb", buffering=0) as content:
        try:
            while True:
                content.write(bytes(4096))
        except OSError:
            pass
