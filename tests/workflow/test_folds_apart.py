"""A survey's folds as one job or as a job each: the same adapters, and nothing is trained again when the cut changes."""

import pytest

from tests.workflow.workspace import SURVEY, Workspace

APART, TOGETHER = "train_one_fold_adapter", "train_fold_adapters"
TABLES = [
    f"results/surveys/{SURVEY}/predictions/small/tuned/{condition}/seed-24.parquet"
    for condition in ("full", "half")
]


def plan(workspace, *arguments):
    """The jobs that train, by rule, of a study that was never run."""
    ended = workspace.run("--dry-run", "--quiet", "rules", *arguments)
    assert ended.code == 0, ended.terminal
    words = [line.split() for line in ended.terminal.splitlines() if line.startswith("train_")]
    return {line[0]: int(line[1]) for line in words}


@pytest.fixture(scope="module")
def apart(tmp_path_factory, base_model):
    """The study of `finished`, each fold in a job of its own, up to its predictions."""
    workspace = Workspace.begin(tmp_path_factory.mktemp("apart") / "study", base_model)
    workspace.config["engine"]["folds_per_job"] = 1
    workspace.save()
    ended = workspace.run(*TABLES)
    assert ended.code == 0, ended.terminal
    return workspace


def test_adapters_and_predictions_are_those_of_one_job_to_the_byte(apart, finished):
    logs = sorted((apart.folder / "logs" / APART).rglob("fold-*.log"))
    assert [f"fold {number}: trained" in log.read_text() for log in logs for number in (0, 1)] == [
        *(True, False, False, True) * 2
    ]
    assert not (apart.folder / "logs" / TOGETHER).exists()
    adapters = [
        path.relative_to(finished.folder) for path in finished.survey.rglob("adapter_model.safetensors")
    ]
    assert len(adapters) == 4
    for path in [*adapters, *TABLES]:
        assert (apart.folder / path).read_bytes() == (finished.folder / path).read_bytes(), path


@pytest.mark.parametrize(("before", "now"), [("apart", "all"), ("finished", 1)])
def test_another_cut_runs_nothing_and_what_is_lost_comes_out_of_the_store(request, tmp_path, before, now):
    study = request.getfixturevalue(before).copy(tmp_path / "study")
    study.config["engine"]["folds_per_job"] = now
    study.save()
    assert study.planned(*TABLES) == set()
    lost = study.adapters("half") / "fold-1/adapter_model.safetensors"
    kept = lost.read_bytes()
    lost.unlink()
    ended = study.run(str(lost.relative_to(study.folder)))
    assert ended.code == 0, ended.terminal
    log = study.folder / "logs" / (TOGETHER if now == "all" else APART) / f"{SURVEY}/small/half"
    (written,) = [path.read_text() for path in log.rglob("*.log")]
    assert "ended" in written and "trained" not in written
    assert lost.read_bytes() == kept


def test_folds_go_apart_where_they_would_take_a_gpu_more_than_an_hour(fresh):
    assert plan(fresh) == {TOGETHER: 2}
    fresh.config["engine"]["gpu_tflops"] = 1e-9
    fresh.save()
    assert plan(fresh) == {APART: 4}
    fresh.config["engine"]["folds_per_job"] = "all"
    fresh.save()
    assert plan(fresh) == {TOGETHER: 2}


def test_models_are_cut_each_by_its_own_size(fresh):
    large = {**fresh.config["models"]["small"], "billion_parameters": 3e5}
    fresh.config["models"]["large"] = large
    fresh.config["surveys"][SURVEY]["arms"] = ["small/tuned", "large/tuned", "large/classifier"]
    fresh.save()
    assert plan(fresh) == {TOGETHER: 2, APART: 4, "train_one_fold_classifier": 4}
