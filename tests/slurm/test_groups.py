"""Many short jobs as one job of Slurm: they run one after another on its one GPU."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from stimmung.workflow.resources import STARTING_MINUTES
from tests.slurm.cluster import rule_of
from tests.slurm.conftest import OnSlurm
from tests.workflow.workspace import Workspace

TABLES = [
    f"results/surveys/voters/predictions/small/tuned/{condition}/seed-{seed}.parquet"
    for condition in ("full", "half")
    for seed in (24, 25)
]


@pytest.fixture(scope="module")
def grouped(tmp_path_factory, base_model, slurm):
    """A study with four jobs that train and four that score, with the profile as it is shipped."""
    workspace = Workspace.begin(tmp_path_factory.mktemp("grouped") / "study", base_model)
    workspace.config["surveys"]["voters"]["seeds"] = [24, 25]
    workspace.save()
    there = OnSlurm(workspace, slurm)
    ended = there.run(*TABLES)
    assert ended.code == 0, ended.terminal
    return there


@pytest.mark.parametrize("rule", ["train_fold_adapters", "score_respondents"])
def test_four_jobs_are_one_of_slurm_on_one_gpu_with_their_time_limits_summed(grouped, rule):
    (job,) = [one for one in grouped.jobs() if rule_of(one) == rule]
    assert job["JobState"] == "COMPLETED" and job["Partition"] == "gpu"
    assert job["TresPerJob"] == "gres:gpu:1"
    hours, minutes, seconds = map(int, job["TimeLimit"].split(":"))
    limit = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    assert limit >= 4 * timedelta(minutes=STARTING_MINUTES), "the limits of the joined jobs add up"
    told = [log.read_text() for log in (grouped.folder / "logs" / rule).rglob("*.log")]
    assert len(told) == 4 and all(f"Slurm job {job['JobId']}" in one for one in told)
    spans = sorted((moment(one.splitlines()[0]), moment(one.splitlines()[-1])) for one in told)
    for before, after in pairwise(spans):
        assert before[1] <= after[0], "two ran at once on one GPU"


def moment(line):
    return datetime.fromisoformat(line[:23].replace(",", "."))
