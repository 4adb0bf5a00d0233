"""The whole demo, both branches of config.yaml as they stand, through Slurm and on this machine.

Twenty minutes on two cores: `STIMMUNG_WHOLE_DEMO=1 pytest tests/slurm/test_demo.py`.
"""

import os
import shutil

import pytest

from tests.slurm.cluster import GPU_NODES, rule_of
from tests.slurm.conftest import OnSlurm, content_of, differing, most_at_once, run_here, with_gpu
from tests.workflow.workspace import Workspace

GPU_RULES = {
    "prepare_model",
    "train_fold_adapters",
    "score_respondents",
    "train_week_adapters",
    "score_questions",
}

pytestmark = pytest.mark.skipif(
    "STIMMUNG_WHOLE_DEMO" not in os.environ, reason="takes twenty minutes; STIMMUNG_WHOLE_DEMO=1 runs it"
)


@pytest.fixture(scope="module")
def through_slurm(tmp_path_factory, slurm):
    """The demo, run through Slurm."""
    there = OnSlurm(Workspace.clone(tmp_path_factory.mktemp("there") / "demo", {}), slurm)
    ended = there.run(timeout=3600)
    assert ended.code == 0, ended.terminal
    return there


def test_rules_with_a_model_ran_on_a_gpu_and_never_more_of_them_than_there_are_gpus(through_slurm):
    jobs = through_slurm.jobs()
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    assert {rule_of(job) for job in with_gpu(jobs)} == GPU_RULES
    assert {job["Partition"] for job in with_gpu(jobs)} == {"gpu"}
    assert {job["Partition"] for job in jobs if job not in with_gpu(jobs)} == {"cpu"}
    assert 1 < most_at_once(with_gpu(jobs)) <= len(GPU_NODES)
    # Five conditions, four of them joined.
    assert len([job for job in jobs if rule_of(job) == "train_fold_adapters"]) == 2


def test_the_results_are_those_of_a_local_run_to_the_byte(through_slurm, tmp_path):
    here = Workspace.clone(tmp_path / "demo", {})
    # Authors are hashed with a salt that each study draws for itself.
    shutil.copytree(through_slurm.folder / ".stimmung", here.folder / ".stimmung")
    ended = run_here(here, timeout=3600)
    assert ended.code == 0, ended.terminal
    expected, found = content_of(here), content_of(through_slurm.workspace)
    assert {"adapters", "answers", "predictions", "tables"} <= {
        part for path in expected for part in path.parts
    }
    assert differing(expected, found) == []
