"""A survey's adapters in few jobs or in many: the same bytes, and no cut or further seed trains or scores anything again."""

import json
import re
import shutil

import pytest

from tests.workflow.workspace import SURVEY, Workspace

TRAIN, SCORE = "train_fold_adapters", "score_respondents"
TABLES = f"results/surveys/{SURVEY}/predictions/small/tuned"


def begin(folder, base_model, adapters_per_job, seeds=(24,)):
    workspace = Workspace.begin(folder, base_model)
    workspace.config["engine"]["adapters_per_job"] = adapters_per_job
    workspace.config["surveys"][SURVEY]["seeds"] = list(seeds)
    workspace.save()
    return workspace


def run(workspace, *targets):
    ended = workspace.run(*targets)
    assert ended.code == 0, ended.terminal


def trained(workspace, name):
    """The adapters that a job trained, in order; of others it only says that it ended."""
    log = (workspace.folder / "logs" / TRAIN / SURVEY / "small" / f"{name}.log").read_text()
    assert "ended" in log
    return re.findall(r"(\w+, seed \d+, fold \d+): trained", log)


def jobs(workspace, *arguments):
    """The jobs of training and scoring that a run would start, by rule, each as 'condition seed' or 'condition seed fold'."""
    ended = workspace.run("--dry-run", *arguments)
    assert ended.code == 0, ended.terminal
    found = re.findall(
        rf"\nrule ({TRAIN}|{SCORE}):.*?\n    wildcards: [^\n]*?condition=(\w+), (seed=\d+(?:, fold=\d+)?)\n",
        ended.terminal,
        re.DOTALL,
    )
    return {
        rule: {
            " ".join([condition, *re.findall(r"\d+", place)])
            for name, condition, place in found
            if name == rule
        }
        for rule in (TRAIN, SCORE)
    }


@pytest.fixture(scope="module")
def apart(tmp_path_factory, base_model):
    """The study of `finished`, each adapter in a job of its own, up to its predictions."""
    workspace = begin(tmp_path_factory.mktemp("apart") / "study", base_model, 1)
    run(workspace, f"{TABLES}/full/seed-24.parquet")
    return workspace


@pytest.fixture(scope="module")
def two_seeds(tmp_path_factory, base_model):
    """The same with two seeds, whose adapters are one job."""
    workspace = begin(tmp_path_factory.mktemp("seeds") / "study", base_model, 4, (24, 25))
    run(workspace, f"{TABLES}/full/seed-24.parquet")
    return workspace


def same(one, other, paths):
    assert paths
    for path in paths:
        assert (one.folder / path).read_bytes() == (other.folder / path).read_bytes(), path


def test_adapters_and_predictions_are_those_of_one_job_to_the_byte(apart, finished):
    first, second = (f"full, seed 24, fold {fold}" for fold in (0, 1))
    assert trained(finished, "full-seed-24-fold-0") == [first, second]
    assert trained(apart, "full-seed-24-fold-0") == [first]
    assert trained(apart, "full-seed-24-fold-1") == [second]
    paths = [path.relative_to(apart.folder) for path in apart.survey.rglob("adapter_model.safetensors")]
    assert len(paths) == 2
    same(apart, finished, [*paths, f"{TABLES}/full/seed-24.parquet"])


def test_seeds_in_one_job_are_those_of_a_job_each(two_seeds, finished, tmp_path, base_model):
    assert trained(two_seeds, "full-seed-24-fold-0") == [
        f"full, seed {seed}, fold {fold}" for seed in (24, 25) for fold in (0, 1)
    ]
    folder = two_seeds.adapters("full").relative_to(two_seeds.folder)
    same(two_seeds, finished, [folder / f"fold-{fold}/adapter_model.safetensors" for fold in (0, 1)])
    each = begin(tmp_path / "each", base_model, 2, (24, 25))
    assert jobs(each, "results/report.html") == {
        TRAIN: {"full 24 0", "full 25 0", "half 24 0", "half 25 0"},
        SCORE: {"full 24", "full 25", "half 24", "half 25"},
    }
    run(each, f"{TABLES}/full/seed-25.parquet")
    second = folder.with_name("seed-25")
    same(two_seeds, each, [second / f"fold-{fold}/adapter_model.safetensors" for fold in (0, 1)])
    # A table has the rows of its seeds, one after another.
    import pandas as pd

    both = pd.read_parquet(two_seeds.folder / TABLES / "full/seed-24.parquet")
    parts = [
        pd.read_parquet(study.folder / TABLES / f"full/seed-{seed}.parquet")
        for study, seed in ((finished, 24), (each, 25))
    ]
    pd.testing.assert_frame_equal(both, pd.concat(parts, ignore_index=True))


def test_a_further_seed_trains_and_scores_itself_alone(two_seeds, tmp_path):
    study = two_seeds.copy(tmp_path / "study")
    target = f"{TABLES}/full/seed-24.parquet"
    study.config["engine"]["adapters_per_job"] = 6
    study.config["surveys"][SURVEY]["seeds"] = [24, 25, 26]
    study.save()
    store = study.folder / "results/.store"
    before = {path: path.stat().st_mtime_ns for path in store.glob("*/*")}
    run(study, target)
    assert trained(study, "full-seed-24-fold-0") == ["full, seed 26, fold 0", "full, seed 26, fold 1"]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    new = [path.parent.name for path in store.glob("*/*") if path not in before]
    assert sorted(new) == ["adapters", "adapters", "predictions"]
    # Where the jobs before are full, they are not even started.
    study.config["surveys"][SURVEY]["seeds"] = [24, 25, 26, 27]
    study.save()
    assert jobs(study, target, f"{TABLES}/full/seed-27.parquet") == {TRAIN: {"full 27 0"}, SCORE: {"full 27"}}


def test_another_cut_trains_and_scores_nothing(two_seeds, tmp_path):
    study = two_seeds.copy(tmp_path / "study")
    study.config["engine"]["adapters_per_job"] = 1
    study.save()
    store = study.folder / "results/.store"
    before = {path: path.stat().st_mtime_ns for path in store.glob("*/*")}
    run(study, f"{TABLES}/full/seed-25.parquet")
    for fold in (0, 1):
        assert trained(study, f"full-seed-25-fold-{fold}") == []
    assert {path: path.stat().st_mtime_ns for path in store.glob("*/*")} == before


def test_a_lost_adapter_comes_back_with_its_list(finished, tmp_path):
    study = finished.copy(tmp_path / "study")
    lost, kept = study.adapters("half") / "fold-1", study.adapters("half") / "fold-0"
    weights = (lost / "adapter_model.safetensors").read_bytes()
    shutil.rmtree(lost)
    study.trained("half").unlink()
    run(study, str(study.trained("half").relative_to(study.folder)))
    assert trained(study, "half-seed-24-fold-0") == []
    assert (lost / "adapter_model.safetensors").read_bytes() == weights and kept.exists()


def test_conditions_in_one_job_are_those_of_a_job_each(finished, base_model, tmp_path):
    study = begin(tmp_path / "study", base_model, 4)
    assert jobs(study) == {TRAIN: {"full 24 0"}, SCORE: {"full 24", "half 24"}}
    both = [f"{TABLES}/{condition}/seed-24.parquet" for condition in ("full", "half")]
    run(study, *both)
    name = "full-seed-24-fold-0"
    assert trained(study, name) == [
        f"{condition}, seed 24, fold {fold}" for condition in ("full", "half") for fold in (0, 1)
    ]
    weights = [
        finished.adapters(condition).relative_to(finished.folder) / f"fold-{fold}/adapter_model.safetensors"
        for condition in ("full", "half")
        for fold in (0, 1)
    ]
    same(study, finished, [*weights, *both])
    # One of them changes: the other's adapters and predictions are made from the store.
    study.config["surveys"][SURVEY]["conditions"]["half"]["share"] = 0.4
    study.save()
    run(study, *both)
    assert trained(study, name) == ["half, seed 24, fold 0", "half, seed 24, fold 1"]
    same(study, finished, [f"{TABLES}/full/seed-24.parquet"])
    assert len(list((study.folder / "results/.store/predictions").iterdir())) == 3


@pytest.fixture(scope="module")
def counted(tmp_path_factory, base_model):
    """A study for a configured GPU, as far as is known how many respondents it has. It is shared: copy it."""
    workspace = begin(tmp_path_factory.mktemp("counted") / "study", base_model, None)
    workspace.config["engine"]["gpu_tflops"] = 100
    workspace.config["surveys"][SURVEY]["conditions"] = {"full": {}, "reds": {"keep": {"party": ["red"]}}}
    workspace.save()
    planned = workspace.run("--dry-run")
    assert planned.code == 0, planned.terminal
    assert "checkpoint count_respondents:" in planned.terminal and TRAIN not in planned.terminal
    run(workspace, "--until", "count_respondents", "build_prompts", "prepare_model")
    return workspace


def recut(workspace, folder, *, seeds=(24,), **training):
    """What a copy with other seeds and another length of training would start."""
    study = workspace.copy(folder)
    study.config["surveys"][SURVEY]["seeds"] = list(seeds)
    study.config["training"]["quick"] |= training
    study.save()
    return jobs(study)[TRAIN]


def test_jobs_are_filled_to_the_minutes_of_the_configured_gpu(counted, tmp_path):
    seeds = (24, 25, 26)
    assert recut(counted, tmp_path / "a", seeds=seeds) == {"full 24 0"}
    # At a tenth of a second a step, 4,000 steps of two folds are 13 minutes, and 20,000 more than an hour.
    assert recut(counted, tmp_path / "b", seeds=seeds, max_steps=4000) == {
        f"{name} {seed} 0" for name in ("full", "reds") for seed in seeds
    }
    assert recut(counted, tmp_path / "c", seeds=seeds, max_steps=20000) == {
        f"{name} {seed} {fold}" for name in ("full", "reds") for seed in seeds for fold in (0, 1)
    }


def test_a_group_counts_by_the_respondents_that_it_really_has(counted, tmp_path):
    counts = json.loads((counted.folder / f"results/surveys/{SURVEY}/counts.json").read_text())
    n, of_group = counts["in_training"]["full"], counts["in_training"]["reds"]
    assert counts["tested"] == n == 40 and 0 < of_group < 20
    # A thousand passes over twenty respondents, two folds: 17 minutes. A job of 25 has room for a third of them besides, not for
    # thousands, nor for as many once more.
    epochs = {"max_steps": None, "num_train_epochs": 1000}
    assert recut(counted, tmp_path / "group", **epochs) == {"full 24 0"}
    everybody = counted.copy(tmp_path / "everybody")
    everybody.config["surveys"][SURVEY]["conditions"]["reds"] = {}
    everybody.save()
    run(everybody, "--until", "count_respondents")
    assert recut(everybody, tmp_path / "two", **epochs) == {"full 24 0", "reds 24 0"}


def test_what_is_asked_for_by_hand_waits_for_the_count_as_well(counted, tmp_path):
    study = counted.copy(tmp_path / "study")
    study.config["surveys"][SURVEY]["arms"] = ["small/tuned", "small/zero-shot"]
    study.save()
    (study.folder / f"results/surveys/{SURVEY}/counts.json").unlink()
    adapters = f"results/surveys/{SURVEY}/adapters/small/full-seed-24-fold-0.json"
    table = f"results/surveys/{SURVEY}/predictions/small/zero-shot/full/seed-24.parquet"
    for target, planned in [
        (adapters, {TRAIN: {"full 24 0"}, SCORE: set()}),
        (table, {TRAIN: set(), SCORE: {"full 24"}}),
    ]:
        assert jobs(study, target) == planned
    run(study, adapters)
    assert jobs(study, adapters) == {TRAIN: set(), SCORE: set()}
    # The group stands in the same job.
    assert [(one["sample"], one["fold"]) for one in json.loads((study.folder / adapters).read_text())] == [
        ("full", 0),
        ("full", 1),
        ("reds", 0),
        ("reds", 1),
    ]


def test_without_a_configured_gpu_conditions_stay_apart_so_that_all_cores_have_work(fresh):
    fresh.config["engine"]["adapters_per_job"] = None
    fresh.config["surveys"][SURVEY]["seeds"] = [24, 25, 26]
    fresh.save()
    assert jobs(fresh) == {TRAIN: {"full 24 0", "half 24 0"}, SCORE: {"full 24", "half 24"}}


def test_models_are_cut_each_by_its_own_size(fresh):
    large = {**fresh.config["models"]["small"], "billion_parameters": 3e5}
    fresh.config["models"]["large"] = large
    fresh.config["engine"]["adapters_per_job"] = None
    fresh.config["surveys"][SURVEY]["arms"] = ["small/tuned", "large/tuned", "large/classifier"]
    fresh.save()
    ended = fresh.run("--dry-run", "--quiet", "rules")
    assert ended.code == 0, ended.terminal
    counts = {
        line.split()[0]: int(line.split()[1])
        for line in ended.terminal.splitlines()
        if line.startswith("train_")
    }
    assert counts == {TRAIN: 2 + 4, "train_fold_classifiers": 4}


def test_any_seed_and_any_fold_can_be_asked_for_by_hand(fresh):
    fresh.config["engine"]["adapters_per_job"] = 4
    fresh.save()
    assert jobs(fresh, f"{TABLES}/half/seed-99.parquet") == {
        TRAIN: {"half 99 0", "half 99 1"},
        SCORE: {"half 99"},
    }
    target = f"results/surveys/{SURVEY}/adapters/small/full-seed-24-fold-1.json"
    assert jobs(fresh, target)[TRAIN] == {"full 24 1"}
