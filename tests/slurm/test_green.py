"""A study on a cluster in peace: the same results as on one machine, and GPUs used as they must be."""

import shutil
import subprocess
import sys

import pytest

from tests.slurm.cluster import GPU_NODES, rule_of
from tests.slurm.conftest import OnSlurm, content_of, differing, most_at_once, run_here, with_gpu
from tests.workflow.workspace import Workspace

GPU_RULES = {"train_fold_adapters", "score_respondents", "prepare_model"}


@pytest.fixture(scope="module")
def both(tmp_path_factory, base_model, slurm):
    """The same study, run here and through Slurm; more jobs want a GPU than there are GPUs."""
    here = Workspace.begin(tmp_path_factory.mktemp("here") / "study", base_model)
    here.config["surveys"]["voters"]["seeds"] = [24, 25]
    here.save()
    folder = tmp_path_factory.mktemp("there") / "study"
    shutil.copytree(here.folder, folder, symlinks=True)
    there = OnSlurm(Workspace(folder), slurm)
    # Each job by itself; how they are joined is told by test_groups.
    ended = there.run("--group-components", "train=1", "score=1")
    assert ended.code == 0, ended.terminal
    ended = run_here(here)
    assert ended.code == 0, ended.terminal
    return here, there


def test_the_results_are_those_of_a_local_run_to_the_byte(both):
    expected, found = (content_of(one) for one in both)
    assert len([path for path in expected if path.suffix == ".parquet"]) > 15
    assert len([path for path in expected if path.name == "adapter_model.safetensors"]) == 8
    assert differing(expected, found) == []


def test_rules_with_a_model_ran_on_a_gpu_and_no_others(both):
    _, there = both
    jobs = there.jobs()
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    on_gpu = with_gpu(jobs)
    assert {rule_of(job) for job in on_gpu} == GPU_RULES
    assert {job["Partition"] for job in on_gpu} == {"gpu"}
    assert {job["Partition"] for job in jobs if job not in on_gpu} == {"cpu"}
    assert not GPU_RULES & {rule_of(job) for job in jobs if job not in on_gpu}
    assert len([job for job in jobs if rule_of(job) == "train_fold_adapters"]) == 4


def test_never_more_jobs_held_a_gpu_than_there_are_gpus(both):
    _, there = both
    assert 1 < most_at_once(with_gpu(there.jobs())) <= len(GPU_NODES)


def test_short_rules_ran_where_snakemake_did(both):
    _, there = both
    assert {rule_of(job) for job in there.jobs()} == GPU_RULES | {"predict_baselines", "evaluate_votes"}


def test_a_study_that_shares_its_store_trains_nothing_that_another_has_trained(both, base_model, tmp_path):
    here, _ = both
    other = Workspace.begin(tmp_path / "other", base_model)
    (other.folder / "results").mkdir()
    (other.folder / "results/.store").symlink_to(here.folder / "results/.store")
    table = "results/surveys/voters/predictions/small/tuned/half/seed-24.parquet"
    ended = run_here(other, table)
    assert ended.code == 0, ended.terminal
    log = next((other.folder / "logs/train_fold_adapters").rglob("*.log")).read_text()
    assert "ended" in log and ": trained" not in log
    assert (other.folder / table).read_bytes() == (here.folder / table).read_bytes()


def test_a_run_without_slurm_says_so_once_and_can_still_be_planned(base_model, tmp_path):
    workspace = Workspace.begin(tmp_path / "study", base_model)
    # Debian's /bin is /usr/bin, where this machine has its Slurm.
    (tmp_path / "bin").mkdir()
    for name in ("bash", "sh", "which"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    nowhere = {"PATH": str(tmp_path / "bin")}
    planned = plain_slurm(workspace, nowhere, "--dry-run")
    assert planned.returncode == 0, planned.stdout
    ended = plain_slurm(workspace, nowhere)
    assert ended.returncode == 1
    assert ended.stdout.count("ERROR: there is no Slurm on this machine") == 1
    assert "Traceback" not in ended.stdout and not list((workspace.folder / "results").glob("surveys/*"))


def plain_slurm(workspace, environment, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments, "--profile", "slurm", "--configfile", "study.yaml"],
        cwd=workspace.folder,
        env=workspace.environment | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
