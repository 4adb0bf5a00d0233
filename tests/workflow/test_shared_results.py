"""A group that shares a store, with Snakemake's between-workflow cache in it: no model rule runs again in its second study."""

import json
import os
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from stimmung.report.costs import MODEL_RULES, costs_of
from tests.small_encoder import save_small_encoder
from tests.workflow.test_moods import PANEL
from tests.workflow.workspace import SURVEY, Workspace

# Each twice, the same in all but its name, for names in paths do not count in the cache.
CONDITIONS, PANELS = ("full", "everyone"), ("posts", "letters")
PREDICTIONS = [
    f"results/surveys/{SURVEY}/predictions/{arm}/{condition}/seed-24.parquet"
    for arm in ("small/tuned", "small/zero-shot", "bert/classifier")
    for condition in CONDITIONS
]
ANSWERS = [f"results/panels/{panel}/answers/small.parquet" for panel in PANELS]
TARGETS = PREDICTIONS + ANSWERS
TUNED = PREDICTIONS[0]


def begin(folder, model, encoder, store):
    workspace = Workspace.begin(folder, model)
    workspace.config["models"]["bert"] = {
        "source": str(encoder),
        "quantization": "none",
        "compute_dtype": "float32",
        "encoder": True,
    }
    workspace.config["surveys"][SURVEY] |= {
        "conditions": {name: {} for name in CONDITIONS},
        "arms": ["small/tuned", "small/zero-shot", "bert/classifier"],
    }
    workspace.config["training"]["quick"]["block_size"] = 64
    workspace.config["engine"]["weeks_per_job"] = 3
    workspace.config["panels"] = dict.fromkeys(PANELS, PANEL)
    workspace.config["run"]["panels"] = list(PANELS)
    workspace.save()
    results = folder / "results"
    results.mkdir()
    (results / ".store").symlink_to(store)
    return workspace


def made(workspace):
    """Tables and lists, but no adapters: these stand in the store."""
    files = [workspace.folder / target for target in TARGETS]
    files += workspace.folder.glob("results/*/*/adapters/*/*.json")
    files += workspace.folder.glob("results/*/*/classifiers/*/*.json")
    return {str(file.relative_to(workspace.folder)): file for file in files}


def contents(workspace):
    return {name: file.read_bytes() for name, file in made(workspace).items()}


def rules_that_cost(workspace):
    names = [SURVEY, *PANELS, "small", "bert"]
    return set(costs_of(workspace.folder / "benchmarks", names, [])["rules"]) & set(MODEL_RULES)


@pytest.fixture(scope="module")
def group(tmp_path_factory, base_model):
    """A first study that leaves all in the group's store, and a second that finds it there. They are shared: look, or copy."""
    folder = tmp_path_factory.mktemp("group")
    encoder, store = save_small_encoder(folder / "bert"), folder / "store"
    cache = store / "cache"
    cache.mkdir(parents=True)
    store.chmod(0o2770)
    cache.chmod(0o2770)
    umask = os.umask(0o002)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(cache))
        studies = []
        for name in ("first", "second"):
            studies.append(begin(folder / name, base_model, encoder, store))
            # Authors are hashed with a salt that each study draws for itself.
            if name == "second":
                shutil.copytree(studies[0].folder / ".stimmung", studies[1].folder / ".stimmung")
            ended = studies[-1].run("--cache", "--", *TARGETS)
            assert ended.code == 0, ended.terminal
        os.umask(umask)
        yield SimpleNamespace(
            store=store, cache=cache, first=studies[0], second=studies[1], models=(base_model, encoder)
        )


def test_the_second_study_has_the_first_one_s_results_and_runs_no_model(group):
    assert rules_that_cost(group.first) == set(MODEL_RULES) - {"build_tiny"}
    assert rules_that_cost(group.second) == set()
    logs = [log for rule in MODEL_RULES for log in group.second.folder.glob(f"logs/{rule}/**/*.log")]
    assert len(logs) == len(made(group.second)) + 2 and not any(log.read_text() for log in logs)
    assert contents(group.first) == contents(group.second)
    for study in (group.first, group.second):
        assert {file.resolve().parent for file in made(study).values()} == {group.cache}
    assert group.second.run("--dry-run", "--cache", "--", *TARGETS).terminal.count("Nothing to be done") == 1


def test_what_one_makes_the_others_of_the_group_can_read_and_add_to(group):
    paths = list(group.store.rglob("*"))
    assert any(path.name == "adapter_model.safetensors" for path in paths)
    for path in paths:
        needed = 0o070 if path.is_dir() else 0o060
        assert path.stat().st_mode & needed == needed, path
    for file in made(group.first).values():
        assert file.stat().st_mode & 0o060 == 0o060, file


def test_what_differs_in_its_name_alone_gets_its_own_results(group):
    for file in PREDICTIONS:
        table = pd.read_parquet(group.second.folder / file)
        model, arm, condition = Path(file).parts[4:7]
        assert set(table.condition) == {condition} and set(table.method) == {f"{model}/{arm}"}
    for panel, file in zip(PANELS, ANSWERS, strict=True):
        assert set(pd.read_parquet(group.second.folder / file).panel) == {panel}


def test_an_adapter_that_was_deleted_from_the_store_is_told_and_trained_again(group, tmp_path, monkeypatch):
    store = tmp_path / "store"
    shutil.copytree(group.store, store)
    shutil.rmtree(store / "predictions")
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(store / "cache"))
    study = begin(tmp_path / "third", *group.models, store)
    expected = contents(group.first)
    trained = [one for one in json.loads(expected[listed()]) if one["fold"] == 0]
    shutil.rmtree(store / "adapters" / trained[0]["key"])
    # Nor what was predicted with it, as for another study with other prompts.
    for file in (store / "cache").iterdir():
        if file.read_bytes() == expected[TUNED]:
            file.unlink()
    ended = study.run("--cache", "--", TUNED)
    assert ended.code != 0 and len(ended.errors) == 1, ended.terminal
    assert "no whole adapter in" in ended.errors[0], ended.terminal
    asked = re.search(r"Delete (\S+) and (\S+), as far as they are there", ended.terminal)
    assert Path(asked[1]).parent == store / "cache"
    for name in asked.groups():
        path = study.folder / name
        shutil.rmtree(path, ignore_errors=True)
        path.unlink(missing_ok=True)
    ended = study.run("--cache", "--", TUNED)
    assert ended.code == 0, ended.terminal
    assert (study.folder / TUNED).read_bytes() == expected[TUNED]
    log = (study.folder / "logs/train_fold_adapters" / SURVEY / "small/full-seed-24-fold-0.log").read_text()
    assert [len(re.findall(pattern, log)) for pattern in ("fold 0: trained", "fold 1: trained")] == [1, 0]


def listed(condition="full"):
    return f"results/surveys/{SURVEY}/adapters/small/{condition}-seed-24-fold-0.json"


def test_outside_the_store_only_models_are_cached(group, tmp_path, monkeypatch):
    outside = tmp_path / "cache"
    outside.mkdir()
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(outside))
    ended = group.second.run("--cache", "--dry-run", "--forceall", "--", TUNED)
    assert ended.code == 0 and "rule train_fold_adapters:" in ended.terminal
    cached = re.findall(r"(\S+) will be (?:obtained from|written to) global", ended.terminal)
    assert set(cached) == {"results/models/small/model.json"}


def test_a_cache_of_adapters_without_the_adapters_is_refused(group, tmp_path, monkeypatch):
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(tmp_path))
    ended = group.second.run("--cache", "prepare_model", "train_fold_adapters", "--", TUNED)
    assert ended.code != 0 and len(ended.errors) == 1, ended.terminal
    assert "--cache train_fold_adapters needs a cache in the store" in ended.errors[0]


def test_a_cache_of_predictions_that_everybody_can_enter_is_refused(group, tmp_path, monkeypatch):
    store = tmp_path / "store"
    cache = store / "cache"
    cache.mkdir(parents=True)
    study = begin(tmp_path / "open", *group.models, store)
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(cache))
    for folder in (cache, store):
        for each in (cache, store):
            each.chmod(0o775)
        ended = study.run("--cache", "--dry-run", "--", TUNED)
        assert ended.code != 0 and len(ended.errors) == 1, ended.terminal
        assert "everybody on this machine can enter" in ended.errors[0]
        # As the hint says, or all of the store.
        folder.chmod(0o770)
        ended = study.run("--cache", "--dry-run", "--", TUNED)
        assert ended.code == 0, ended.terminal
