"""Snakemake's between-workflow cache: a group's second study does not prepare again the model that the first one prepared."""

import json
import re
import shutil
from types import SimpleNamespace

import pytest
import yaml

from tests.workflow.workspace import Workspace, study

MODEL = "results/models/{}/model.json"
FILES = ["config.json", "model.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


def begin(folder, source, name="small"):
    """A study of its own, which calls the model by a name of its own."""
    workspace = Workspace.begin(folder, source)
    workspace.config["models"] = {name: study(source)["models"]["small"]}
    workspace.config["surveys"]["voters"]["arms"] = [f"{name}/tuned"]
    workspace.save()
    return workspace


def prepared(workspace, name="small"):
    return workspace.folder / "results/models" / name


def contents(folder):
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file()}


def in_cache(cache):
    return {path.name: path.lstat().st_ino for path in cache.iterdir()}


def plan(workspace, name="small"):
    """Return whether a dry run says that the model comes from the cache."""
    ended = workspace.run("--cache", "--dry-run", "--forcerun", "prepare_model", "--", MODEL.format(name))
    assert ended.code == 0, ended.terminal
    return re.search(r"model\.json will be (obtained from|written to) global", ended.terminal)[1]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "group cache"
    folder.mkdir()
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(folder))
    return folder


@pytest.fixture(scope="module")
def filled(tmp_path_factory, base_model):
    """A study that has prepared its model, and the cache in which it has left it. It is shared: look, or work on a copy."""
    folder = tmp_path_factory.mktemp("group")
    source, place = folder / "llama", folder / "cache"
    shutil.copytree(base_model, source)
    place.mkdir()
    first = begin(folder / "first", source)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(place))
        ended = first.run("--cache", "--", MODEL.format("small"))
    assert ended.code == 0, ended.terminal
    return SimpleNamespace(source=source, cache=place, first=first, made=contents(prepared(first)))


@pytest.fixture
def of_the_group(filled, cache):
    """The same cache, to be changed: links from the first study lead to the shared one still."""
    for file in filled.cache.iterdir():
        shutil.copy2(file, cache)
    return filled


def test_the_first_study_says_what_preparing_cost_and_leaves_the_model_in_the_cache(filled):
    assert sorted(filled.made) == FILES
    for name in FILES:
        assert (prepared(filled.first) / name).resolve().parent == filled.cache, name
    assert (filled.first.folder / "benchmarks/prepare_model/small.tsv").exists()
    assert not any(path.is_symlink() for path in filled.cache.iterdir())


def test_the_second_study_is_made_from_the_cached_model_and_counts_no_hour_for_it(of_the_group, tmp_path):
    second = begin(tmp_path / "second", of_the_group.source, "ours")
    # Hours of a model of that name that was made here once; this one was not.
    shutil.copytree(of_the_group.first.folder / "benchmarks", second.folder / "benchmarks")
    stale = second.folder / "benchmarks/prepare_model/small.tsv"
    stale.rename(stale.with_name("ours.tsv"))
    ended = second.run("--cache")
    assert ended.code == 0, ended.terminal
    assert "Symlinking output file results/models/ours/model.safetensors from cache" in ended.terminal
    # Snakemake leaves empty what no script wrote.
    assert (second.folder / "logs/prepare_model/ours.log").read_text() == ""
    assert contents(prepared(second, "ours")) == of_the_group.made
    digest = json.loads(of_the_group.made["model.json"])["digest"]
    trained = list((second.folder / "results/surveys/voters/adapters").rglob("training.json"))
    assert trained and {json.loads(file.read_text())["base_digest"] for file in trained} == {digest}
    assert list((second.survey / "predictions/ours/tuned").rglob("*.parquet"))
    run = yaml.safe_load((second.folder / "results/run.yaml").read_text())
    assert run["models"]["ours"]["digest"] == digest
    assert "train_fold_adapters" in run["costs"]["rules"] and "prepare_model" not in run["costs"]["rules"]


def test_the_cache_is_missed_by_another_quantization_and_by_other_bytes_of_the_source(of_the_group, tmp_path):
    other = begin(tmp_path / "other", of_the_group.source)
    assert plan(other) == "obtained from"
    config = of_the_group.source / "tokenizer_config.json"
    kept = config.read_bytes()
    try:
        config.write_bytes(kept)
        assert plan(other) == "obtained from", "a time is no reason"
        config.write_bytes(kept + b"\n")
        assert plan(other) == "written to"
    finally:
        config.write_bytes(kept)
    for change in ({"quantization": "none"}, {"compute_dtype": "bfloat16"}):
        changed = begin(tmp_path / next(iter(change)), of_the_group.source)
        changed.config["models"]["small"].update(change)
        changed.save()
        assert plan(changed) == "written to", change


@pytest.mark.parametrize("lost", ["_description.json", "_weights.safetensors", "_tokenizer_config.json"])
def test_a_half_filled_cache_gives_a_whole_model_and_is_whole_again(of_the_group, cache, tmp_path, lost):
    before = in_cache(cache)
    next(cache.glob(f"*{lost}")).unlink()
    third = begin(tmp_path / "third", of_the_group.source)
    ended = third.run("--cache", "--", MODEL.format("small"))
    assert ended.code == 0, ended.terminal
    assert contents(prepared(third)) == of_the_group.made
    assert in_cache(cache).keys() == before.keys()
    assert all(path.is_file() and not path.is_symlink() for path in cache.iterdir())
    assert sorted(contents(cache).values()) == sorted(of_the_group.made.values())


def test_preparing_again_without_the_cache_leaves_it_alone(of_the_group, cache, tmp_path):
    fourth = begin(tmp_path / "fourth", of_the_group.source)
    assert fourth.run("--cache", "--", MODEL.format("small")).code == 0
    assert (prepared(fourth) / "model.safetensors").is_symlink()
    before, bytes_before = in_cache(cache), contents(cache)
    ended = fourth.run("--forcerun", "prepare_model", "--", MODEL.format("small"))
    assert ended.code == 0, ended.terminal
    assert not any(path.is_symlink() for path in prepared(fourth).iterdir())
    assert contents(prepared(fourth)) == of_the_group.made
    assert (in_cache(cache), contents(cache)) == (before, bytes_before)


def test_two_studies_that_prepare_a_model_at_the_same_time_both_get_it(of_the_group, cache, tmp_path):
    for path in cache.iterdir():
        path.unlink()
    both = [begin(tmp_path / name, of_the_group.source) for name in ("one", "two")]
    running = [one.start("--cache", "--", MODEL.format("small")) for one in both]
    for one in running:
        terminal, _ = one.communicate(timeout=300)
        assert one.returncode == 0, terminal
    for one in both:
        assert contents(prepared(one)) == of_the_group.made
    assert sorted(contents(cache).values()) == sorted(of_the_group.made.values())


def test_who_asks_for_no_cache_hears_nothing_of_it(fresh, monkeypatch):
    monkeypatch.delenv("SNAKEMAKE_OUTPUT_CACHE", raising=False)
    ended = fresh.run("--dry-run")
    assert ended.code == 0 and "eligible for caching" not in ended.terminal


@pytest.mark.parametrize("rules", [[], ["prepare_model"]], ids=["all", "named"])
@pytest.mark.parametrize("place", [None, ".", "/absent/folder"])
def test_a_cache_that_cannot_be_used_is_told_before_anything_is_made(fresh, monkeypatch, place, rules):
    monkeypatch.delenv("SNAKEMAKE_OUTPUT_CACHE", raising=False)
    if place:
        monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", place)
    ended = fresh.run("--cache", *rules, "--", MODEL.format("small"))
    assert ended.code != 0 and len(ended.errors) == 1, ended.terminal
    assert "SNAKEMAKE_OUTPUT_CACHE" in ended.errors[0] and "Traceback" not in ended.terminal
    assert not prepared(fresh).exists()


def test_without_a_cache_models_are_plain_files_whose_cost_is_counted(finished):
    folder = prepared(finished)
    assert sorted(contents(folder)) == FILES and not any(path.is_symlink() for path in folder.iterdir())
    run = yaml.safe_load((finished.folder / "results/run.yaml").read_text())
    cost = run["costs"]["rules"]["prepare_model"]
    assert (
        cost["jobs"] == 1 and cost["wall_hours"] > 0 and cost["cpu_hours"] > 0 and cost["peak_memory_mb"] > 50
    )


def test_a_source_that_is_gone_takes_no_prepared_model_along(of_the_group, tmp_path):
    source = tmp_path / "llama"
    shutil.copytree(of_the_group.source, source)
    fifth = begin(tmp_path / "fifth", source)
    assert fifth.run("--", MODEL.format("small")).code == 0
    before = contents(prepared(fifth))
    shutil.rmtree(source)
    planned = fifth.planned()
    assert "train_fold_adapters full" in planned and "prepare_model" not in planned
    # Asked for itself, it cannot be prepared again, and is left as it is.
    ended = fifth.run("--forcerun", "prepare_model", "--", MODEL.format("small"))
    assert ended.code != 0 and str(source) in ended.terminal, ended.terminal
    assert contents(prepared(fifth)) == before
    # One that was never prepared is told in one line.
    shutil.rmtree(prepared(fifth))
    ended = fifth.run("--", MODEL.format("small"))
    assert ended.code != 0 and len(ended.errors) == 1 and str(source) in ended.errors[0], ended.terminal
    assert "Traceback" not in ended.terminal
