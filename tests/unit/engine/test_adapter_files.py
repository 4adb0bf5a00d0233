import json

import pytest
import torch

from stimmung.engine.cohort import adapter_files
from stimmung.engine.cohort.adapter_files import load_adapter, save_adapter
from stimmung.engine.cohort.lora import attached, initial_weights
from stimmung.store.paths import CONFIG, FILES, RECORD, WEIGHTS
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.training import Lora


@pytest.fixture
def cohort(base, training):
    with attached(base, training) as cohort:
        yield cohort


@pytest.fixture
def weights(cohort):
    return initial_weights(cohort, 5)


@pytest.fixture
def stored(tmp_path, cohort, weights):
    save_adapter(tmp_path / "adapter", weights, cohort, {"name": "fold 0"})
    return tmp_path / "adapter"


def test_what_is_saved_is_what_is_read(stored, weights, training):
    adapter = load_adapter(stored)
    assert adapter.weights.keys() == weights.keys()
    assert all(torch.equal(adapter.weights[name], weights[name]) for name in weights)
    read, asked = adapter.settings, training
    assert (read.r, read.lora_alpha, read.lora_dropout, read.use_rslora) == (
        asked.r,
        asked.lora_alpha,
        asked.lora_dropout,
        asked.use_rslora,
    )
    assert json.loads((stored / RECORD).read_text()) == {"name": "fold 0"}


@pytest.mark.parametrize("fails_at", ["save_file", "_peft_config"])
def test_an_adapter_appears_whole_or_not_at_all(tmp_path, cohort, weights, monkeypatch, fails_at):
    def full_disk(*_, **__):
        raise OSError("no space left on device")

    monkeypatch.setattr(adapter_files, fails_at, full_disk)
    with pytest.raises(OSError, match="no space"):
        save_adapter(tmp_path / "adapter", weights, cohort, {})
    assert list(tmp_path.iterdir()) == []


def test_an_adapter_that_is_there_is_left_as_it_is(stored, cohort, weights):
    before = {name: (stored / name).read_bytes() for name in FILES}
    save_adapter(stored, {name: one + 1 for name, one in weights.items()}, cohort, {"name": "another"})
    assert {name: (stored / name).read_bytes() for name in FILES} == before


def test_the_same_adapter_gives_the_same_bytes(tmp_path, stored, cohort, weights):
    save_adapter(tmp_path / "again", weights, cohort, {"name": "fold 0"})
    assert all((tmp_path / "again" / name).read_bytes() == (stored / name).read_bytes() for name in FILES)


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG])
@pytest.mark.parametrize("damage", ["cut", "absent", "noise"])
def test_a_damaged_adapter_is_refused_in_one_line(stored, name, damage):
    path = stored / name
    content = path.read_bytes()
    path.unlink()
    if damage != "absent":
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"\x00" * 50)
    with pytest.raises(InputError, match="no readable adapter"):
        load_adapter(stored)


def test_a_config_without_a_rank_is_refused(stored):
    (stored / CONFIG).write_text("{}")
    with pytest.raises(InputError, match="no readable adapter"):
        load_adapter(stored)


def test_peft_reads_the_settings_that_it_would_have_written(base, tmp_path):
    from peft import LoraConfig

    settings = Lora(r=3, lora_alpha=5, lora_dropout=0.1, use_rslora=True, target_modules=("q_proj", "v_proj"))
    with attached(base, settings) as cohort:
        save_adapter(tmp_path / "adapter", initial_weights(cohort, 0), cohort, {})
    expected = LoraConfig(
        task_type="CAUSAL_LM",
        base_model_name_or_path="a-base",
        inference_mode=True,
        r=3,
        lora_alpha=5,
        lora_dropout=0.1,
        use_rslora=True,
        target_modules=["q_proj", "v_proj"],
    ).to_dict()
    # PEFT's own note of its version; ours are in results/run.yaml.
    read = LoraConfig.from_pretrained(tmp_path / "adapter").to_dict()
    assert {**read, "peft_version": None} == {**expected, "peft_version": None}


def test_a_want_of_memory_is_not_taken_for_damage(stored, monkeypatch):
    def want(*_):
        raise MemoryError

    monkeypatch.setattr(adapter_files, "load_file", want)
    with pytest.raises(MemoryError):
        load_adapter(stored)
