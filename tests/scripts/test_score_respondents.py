import json

import pytest

from scripts.score_respondents import score_respondents
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.votes_schemas import PREDICTIONS, SPLITS
from tests.scripts.test_train_fold_adapters import train


def listed(adapters, folder, seeds=(24,)):
    """Write a list of adapters as the job that trains them does: of one condition, for each seed those of its folds."""
    places = [(seed, fold) for seed in seeds for fold in range(len(adapters) // len(seeds))]
    content = [
        {
            "sample": "full",
            "seed": seed,
            "fold": fold,
            "folder": str(directory),
            "key": json.loads((directory / "training.json").read_text())["key"],
        }
        for (seed, fold), directory in zip(places, adapters, strict=True)
    ]
    folder.mkdir(exist_ok=True)
    (folder / "listed.json").write_text(json.dumps(content))
    return [folder / "listed.json"]


def score(small_study, output, adapters=(), seeds=(24,), **changes):
    """Score with adapters in these directories, in the order of seeds and folds."""
    options = {
        "trained": listed(adapters, output.parent, seeds) if adapters else [],
        "language": "en",
        "chat": False,
        "examples": 0,
        "normalization": "none",
        "readout": "exact",
        "tokens_per_batch": 4096,
        "method": "small/zero-shot",
        "condition": "full",
        "seeds": seeds,
        "code": "a",
        "threads": 1,
        "store": output.parent / "kept",
        **changes,
    }
    score_respondents(
        base=small_study.base,
        respondents=small_study.respondents,
        prompts=small_study.prompts,
        splits=small_study.splits,
        codebook=small_study.codebook,
        output=output,
        **options,
    )
    return read_table(output, PREDICTIONS).set_index("respondent_id")


def not_to_be_loaded(path):
    raise AssertionError(f"{path} was loaded")


@pytest.fixture(scope="module")
def zero_shot(small_study, tmp_path_factory):
    return score(small_study, tmp_path_factory.mktemp("scored") / "zero-shot.parquet")


def test_every_respondent_is_tested_once_in_the_fold_of_the_splits(small_study, zero_shot):
    splits = read_table(small_study.splits, SPLITS).set_index("respondent_id")
    assert sorted(zero_shot.index) == sorted(splits.index)
    assert (zero_shot.fold == splits.fold[zero_shot.index]).all()
    assert set(zero_shot.method) == {"small/zero-shot"} and set(zero_shot.seed) == {24}


def test_each_fold_is_read_by_its_own_adapter(small_study, zero_shot, tmp_path):
    adapters = train(small_study, tmp_path)
    tuned = score(small_study, tmp_path / "tuned.parquet", adapters=adapters, method="small/tuned")
    swapped = score(small_study, tmp_path / "swapped.parquet", adapters=adapters[::-1], method="small/tuned")
    assert (tuned.option_mass - zero_shot.option_mass[tuned.index]).abs().min() > 1e-6
    assert (tuned.option_mass - swapped.option_mass[tuned.index]).abs().min() > 1e-6


def test_how_scoring_is_batched_does_not_matter(small_study, zero_shot, tmp_path):
    small = score(small_study, tmp_path / "small.parquet", tokens_per_batch=64)
    assert (small.p_Red - zero_shot.p_Red[small.index]).abs().max() < 1e-5


def test_examples_lengthen_the_prompt(small_study, zero_shot, tmp_path):
    few_shot = score(small_study, tmp_path / "few-shot.parquet", examples=2, method="small/few-shot")
    assert (few_shot.n_tokens > zero_shot.n_tokens[few_shot.index]).all()


def test_a_further_seed_is_scored_and_those_before_it_are_not(small_study, tmp_path, monkeypatch):
    adapters = train(small_study, tmp_path, seeds=[24, 25])
    first = score(small_study, tmp_path / "first.parquet", adapters[:2])
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "kept/predictions").iterdir()}
    assert len(kept) == 1
    both = score(small_study, tmp_path / "both.parquet", adapters, seeds=[24, 25])
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert list(both.seed.unique()) == [24, 25]
    assert both[both.seed == 24].equals(first)
    second = score(small_study, tmp_path / "alone" / "second.parquet", adapters[2:], seeds=[25])
    assert both[both.seed == 25].equals(second) and not second.p_Red.equals(first.p_Red)

    # All of it is kept now, so that no base is loaded and no adapter missed; with other settings or code it is scored anew.
    for adapter in adapters:
        (adapter / "adapter_model.safetensors").unlink()
    monkeypatch.setattr("scripts.score_respondents.load_base", not_to_be_loaded)
    again = score(small_study, tmp_path / "again.parquet", adapters, seeds=[24, 25], method="other/tuned")
    assert again.drop(columns="method").equals(both.drop(columns="method"))
    assert set(again.method) == {"other/tuned"}
    for change in ({"code": "b"}, {"readout": "first-token"}, {"examples": 1}):
        with pytest.raises(InputError, match=r"no whole adapter in .*seed-24/fold-0"):
            score(small_study, tmp_path / "anew.parquet", adapters, seeds=[24, 25], **change)


def test_of_a_list_only_the_wanted_condition_and_seeds_are_read(small_study, tmp_path):
    adapters = train(small_study, tmp_path, seeds=[24, 25])
    trained = listed(adapters, tmp_path, seeds=[24, 25])
    content = json.loads(trained[0].read_text())
    # In another order, and with another condition's.
    trained[0].write_text(json.dumps([*({**one, "sample": "half"} for one in content), *content[::-1]]))
    found = score(small_study, tmp_path / "one.parquet", trained=trained, seeds=[25])
    expected = score(small_study, tmp_path / "two.parquet", adapters[2:], seeds=[25])
    assert found.equals(expected) and set(found.seed) == {25}


def test_a_list_without_an_adapter_for_each_fold_is_refused_and_not_read_as_untuned(small_study, tmp_path):
    adapters = train(small_study, tmp_path)
    trained = listed(adapters[:1], tmp_path)
    for seeds, condition in (([24], "full"), ([25], "full"), ([24], "half")):
        with pytest.raises(
            InputError, match=f"no adapter for each fold of {condition}, seed {seeds[0]}, in .*json"
        ):
            score(small_study, tmp_path / "p.parquet", trained=trained, seeds=seeds, condition=condition)
    assert not (tmp_path / "p.parquet").exists()
