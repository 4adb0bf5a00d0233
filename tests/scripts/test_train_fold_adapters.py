import json
import re
import shutil

import pytest
from safetensors.torch import load_file

from scripts.train_fold_adapters import train_fold_adapters
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.training import Training
from stimmung.vocabulary.votes_schemas import SPLITS

TRAINING = {
    "r": 4,
    "lora_alpha": 8,
    "lora_dropout": 0.0,
    "use_rslora": False,
    "target_modules": "all-linear",
    "learning_rate": 0.01,
    "max_steps": 2,
    "num_train_epochs": None,
    "per_device_train_batch_size": 4,
}


def train(small_study, folder, seeds=(24,), **changes):
    """Train both folds of the condition `full` with each seed, and return the adapters' directories."""
    options = {
        "base": small_study.base / "model.json",
        "prompts": small_study.prompts,
        "splits": small_study.splits,
        "codebook": small_study.codebook,
        "arm": "tuned",
        "condition": "full",
        "language": "en",
        "chat": False,
        "training": Training(**TRAINING),
        "pace": Pace(cohort="sequential"),
        "threads": 1,
        "store": folder / "store",
        **changes,
    }
    folders = []
    for seed in seeds:
        own = [folder / f"full/seed-{seed}/fold-{fold}" for fold in range(2)]
        train_fold_adapters(adapters=[one / "adapter_model.safetensors" for one in own], seed=seed, **options)
        folders += own
    return folders


def records(outputs):
    return [json.loads((output / "training.json").read_text()) for output in outputs]


def test_each_fold_learns_from_the_other_folds_and_starts_from_the_same_weights(small_study, tmp_path):
    outputs = train(small_study, tmp_path)
    splits = read_table(small_study.splits, SPLITS)
    first, second = records(outputs)
    assert [first["n_rows"], second["n_rows"]] == [int((splits.fold != fold).sum()) for fold in (0, 1)]
    assert first["data_digest"] != second["data_digest"]
    assert first["steps"] == second["steps"] == 2 and first["base_digest"] == second["base_digest"]
    weights = [load_file(output / "adapter_model.safetensors") for output in outputs]
    assert weights[0].keys() == weights[1].keys()
    assert any(not weights[0][name].equal(weights[1][name]) for name in weights[0])


def test_what_is_in_the_store_is_not_trained_again_and_other_code_seeds_or_settings_are(
    small_study, tmp_path
):
    def trained():
        return len(list((tmp_path / "store/adapters").iterdir()))

    outputs = train(small_study, tmp_path)
    before = [(output / "adapter_model.safetensors").stat() for output in outputs]
    assert trained() == 2
    train(small_study, tmp_path)
    after = [(output / "adapter_model.safetensors").stat() for output in outputs]
    assert trained() == 2
    assert [one.st_mtime_ns for one in after] == [one.st_mtime_ns for one in before]
    train(small_study, tmp_path, code="b")
    assert trained() == 4
    train(small_study, tmp_path, seeds=[25])
    assert trained() == 6
    train(small_study, tmp_path, training={**TRAINING, "max_steps": 3})
    assert trained() == 8


def test_no_respondent_stands_in_an_adapter_s_folder(small_study, tmp_path):
    from tests.workflow.workspace import MARKER

    for output in train(small_study, tmp_path):
        for file in output.iterdir():
            assert MARKER.encode() not in file.read_bytes() and b"years" not in file.read_bytes()


def test_options_that_no_score_can_tell_apart_are_refused_before_training(small_study, tmp_path):
    codebook = tmp_path / "alike.yaml"
    codebook.write_text(small_study.codebook.read_text().replace("label: Blue", "label: Red Blue"))
    with pytest.raises(InputError, match="'Red' is the beginning of 'Red Blue'"):
        train(small_study, tmp_path / "out", codebook=codebook)
    assert not (tmp_path / "out").exists()


def test_a_seed_beside_others_gives_the_same_adapters_as_alone(small_study, tmp_path):
    together = train(small_study, tmp_path / "together", seeds=[24, 25])
    alone = train(small_study, tmp_path / "alone", seeds=[25])
    name = "adapter_model.safetensors"
    assert len(together) == 4
    for mine, theirs in zip(together[2:], alone, strict=True):
        assert (mine / name).read_bytes() == (theirs / name).read_bytes()
    assert (together[0] / name).read_bytes() != (together[2] / name).read_bytes()


def test_a_condition_beside_another_gives_the_same_adapters_as_alone(small_study, tmp_path):
    splits = read_table(small_study.splits, SPLITS)
    some = tmp_path / "some.parquet"
    write_table(splits.assign(in_training=splits.index % 2 == 0), some, SPLITS)
    both = {
        "prompts": {"full": small_study.prompts, "some": small_study.prompts},
        "splits": {"full": small_study.splits, "some": some},
    }
    adapters = [(condition, 24, fold) for condition in both["splits"] for fold in (0, 1)]
    options = {"codebook": small_study.codebook, "language": "en", "chat": False, "training": TRAINING}
    options |= {"pace": {"cohort": "sequential"}, "code": "a", "threads": 1, "store": tmp_path / "store"}
    train_fold_adapters(
        base=small_study.base, **both, adapters=adapters, output=tmp_path / "both/list.json", **options
    )
    alone = train(small_study, tmp_path / "alone")
    name = "adapter_model.safetensors"
    for fold in (0, 1):
        together = tmp_path / f"both/full/seed-24/fold-{fold}"
        assert (together / name).read_bytes() == (alone[fold] / name).read_bytes()
        other = records([tmp_path / f"both/some/seed-24/fold-{fold}"])[0]
        assert other["n_rows"] == int(((splits.fold != fold) & (splits.index % 2 == 0)).sum())
    listed = json.loads((tmp_path / "both/list.json").read_text())
    assert [(one["sample"], one["seed"], one["fold"]) for one in listed] == adapters


def test_who_emptied_the_store_trains_a_further_seed_alone(small_study, tmp_path, caplog):
    caplog.set_level("INFO")
    first = train(small_study, tmp_path)
    before = [(adapter / "training.json").read_bytes() for adapter in first]
    shutil.rmtree(tmp_path / "store")
    # What is damaged is no adapter.
    (first[1] / "adapter_model.safetensors").write_bytes(b"cut off")
    caplog.clear()
    both = train(small_study, tmp_path, seeds=[24, 25])
    assert re.findall(r"full, (seed \d+, fold \d+): trained", caplog.text) == [
        *("seed 24, fold 1", "seed 25, fold 0", "seed 25, fold 1")
    ]
    assert (both[0] / "training.json").read_bytes() == before[0]
    assert len(list((tmp_path / "store/adapters").iterdir())) == 4
    # An adapter of other settings stands at the same place, and is not taken for these.
    shutil.rmtree(tmp_path / "store")
    caplog.clear()
    train(small_study, tmp_path, training={**TRAINING, "max_steps": 1})
    assert caplog.text.count(": trained, 1 steps") == 2
