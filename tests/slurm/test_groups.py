"""Many short jobs as one job of Slurm: they run one after another on its one GPU."""

import re
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from tests.slurm.cluster import rule_of
from tests.slurm.conftest import OnSlurm
from tests.workflow.workspace import Workspace

TABLES = [
    f"results/surveys/voters/predictions/small/tuned/{condition}/seed-{seed}.parquet"
    for condition in ("full", "half")
    for seed in (24, 25)
]
# Of a single job, by sizes.limit_minutes.
LIMIT = timedelta(hours=1)


@pytest.fixture(scope="module")
def grouped(tmp_path_factory, base_model, slurm):
    """A study with four jobs that train and four that score, with the profile's four lines as its README says."""
    workspace = Workspace.begin(tmp_path_factory.mktemp("grouped") / "study", base_model)
    workspace.config["surveys"]["voters"]["seeds"] = [24, 25]
    workspace.save()
    return without_marks(workspace, slurm, *TABLES)


def without_marks(workspace, slurm, *targets):
    """Take the marks from the profile's four lines, and run."""
    profile = workspace.folder / "slurm/config.yaml"
    marked = r"^#(?=(?:groups|group-components|set-resource-scopes|resources): \[)"
    text, n = re.subn(marked, "", profile.read_text(), flags=re.MULTILINE)
    assert n == 4
    profile.write_text(text)
    there = OnSlurm(workspace, slurm)
    ended = there.run(*targets)
    assert ended.code == 0, ended.terminal
    return there


@pytest.mark.parametrize("rule", ["train_fold_adapters", "score_respondents"])
def test_four_jobs_are_one_of_slurm_on_one_gpu_with_their_time_limits_summed(grouped, rule):
    (job,) = [one for one in grouped.jobs() if rule_of(one).endswith(rule)]
    assert job["JobState"] == "COMPLETED" and job["Partition"] == "gpu"
    assert job["TresPerJob"] == "gres:gpu:1"
    hours, minutes, seconds = map(int, job["TimeLimit"].split(":"))
    assert timedelta(hours=hours, minutes=minutes, seconds=seconds) == 4 * LIMIT
    told = [log.read_text() for log in (grouped.folder / "logs" / rule).rglob("*.log")]
    assert len(told) == 4 and all(f"Slurm job {job['JobId']}" in one for one in told)
    spans = sorted((moment(one.splitlines()[0]), moment(one.splitlines()[-1])) for one in told)
    for before, after in pairwise(spans):
        assert before[1] <= after[0], "two ran at once on one GPU"


def test_joined_jobs_of_a_survey_that_is_counted_first_are_submitted_once(base_model, slurm, tmp_path):
    workspace = Workspace.begin(tmp_path / "study", base_model)
    workspace.config["engine"]["adapters_per_job"] = None
    workspace.config["surveys"]["voters"]["arms"] = ["small/tuned", "small/few-shot"]
    workspace.save()
    there = without_marks(workspace, slurm)
    assert (there.results / "surveys/voters/counts.json").exists()
    submitted = {
        rule: [job["JobId"] for job in there.jobs() if rule_of(job).endswith(rule)]
        for rule in ("train_fold_adapters", "score_respondents")
    }
    assert [len(some) for some in submitted.values()] == [1, 1]
    told = [log.read_text() for log in (there.folder / "logs/score_respondents").rglob("*.log")]
    assert len(told) == 4
    assert {tuple(re.findall(r"Slurm job (\d+)", one)) for one in told} == {
        tuple(submitted["score_respondents"])
    }


def moment(line):
    return datetime.fromisoformat(line[:23].replace(",", "."))
