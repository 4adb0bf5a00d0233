"""The reckoning on real models, with a card that is played by a number of free bytes."""

import json
import logging

import pytest
from transformers import GPT2Config, GPT2LMHeadModel, MixtralConfig, MixtralForCausalLM

from stimmung.engine.base.base_model import load_base
from stimmung.engine.base.dequantized import packed_layers
from stimmung.engine.base.memory_reckoning import KERNELS_BYTES, USABLE_SHARE, Plan, adapter_bytes, pass_bytes
from stimmung.engine.base.preparing import quantize_base
from stimmung.engine.cohort import memory_plan
from stimmung.engine.cohort.lora import attached
from stimmung.engine.cohort.memory_plan import load_base_for_training, plan_memory, sizes_of, sizes_of_files
from stimmung.engine.cohort.train import train_adapters
from stimmung.store.paths import Store
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.pace import Pace
from tests.unit.engine.test_train import largest_difference, records, trained


@pytest.fixture(scope="module")
def prepared(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("memory") / "base"
    described = quantize_base(str(source), None, "nf4", "bfloat16", folder)
    (folder / "model.json").write_text(json.dumps(described))
    return folder


@pytest.fixture
def card(monkeypatch):
    """Return a function that gives the device so many free bytes."""
    return lambda free: monkeypatch.setattr(memory_plan, "free_bytes", lambda _: free)


def test_a_cpu_takes_a_few_adapters_at_once_or_what_the_user_wants(base, training, tasks):
    def at_once(wanted, stacked=True):
        return plan_memory(base, training, tasks, pace=Pace(adapters_at_once=wanted), stacked=stacked)

    assert at_once("auto") == Plan(8, 1, False)
    assert at_once(3) == Plan(3, 1, False)
    assert at_once("auto", stacked=False) == Plan(1, 1, False)


def test_the_base_is_held_only_after_the_adapters_have_their_room(prepared, training, tasks, card, caplog):
    caplog.set_level(logging.INFO)
    base = load_base(prepared, dequantized_mb=0)
    sizes = sizes_of(base.model, training, 0)
    longest = max(len(row.input_ids) for task in tasks for row in task.rows)
    needed = 3 * adapter_bytes(sizes, training) + pass_bytes(sizes, training, 3 * 4, longest, 2)
    enough = (needed + sizes.held_bytes + KERNELS_BYTES) / USABLE_SHARE
    for free, held in ((enough - 100, False), (enough + 100, True)):
        card(round(free))
        found = plan_memory(base, training, tasks, pace=Pace(), stacked=True)
        assert found == Plan(3, 1, held)
        assert bool(packed_layers(base.model)) == (not held)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2 and "base held dequantised" in lines[1] and "3 adapters at once" in lines[1]


@pytest.mark.parametrize("optim", ["adamw_torch", "paged_adamw_8bit"])
def test_what_cannot_fit_is_refused_before_anything_is_loaded(prepared, training, card, monkeypatch, optim):
    def loads(*_, **__):
        raise AssertionError("the base was loaded")

    monkeypatch.setattr(memory_plan, "load_base", loads)
    sizes = sizes_of_files(prepared, training)
    card(sizes.base_bytes)
    with pytest.raises(InputError, match=r"base and one adapter of rank 4 need at least .* GB of GPU memory"):
        load_base_for_training(prepared, training.model_copy(update={"optim": optim}))
    card(sizes.base_bytes + 16 * sizes.adapter_weights)
    with pytest.raises(AssertionError, match="was loaded"):
        load_base_for_training(prepared, training)


def test_sizes_from_files_are_those_of_the_loaded_model(prepared, training):
    loaded = load_base(prepared, dequantized_mb=0)
    with attached(loaded, training) as cohort:
        weights = sum(
            training.r * (layer.base.in_features + layer.base.out_features)
            for layer in cohort.layers.values()
        )
    ours, theirs = sizes_of_files(prepared, training), sizes_of(loaded.model, training, 0)
    assert ours.adapter_weights == theirs.adapter_weights == weights
    assert (ours.four_bit, theirs.four_bit) == (True, True)
    assert ours.base_bytes == (prepared / "model.safetensors").stat().st_size
    assert (ours.n_layers, ours.hidden, ours.intermediate) == (2, 64, 128)
    n_packed = sum(one.in_features * one.out_features for one in packed_layers(loaded.model).values())
    assert theirs.held_bytes == 2 * n_packed - n_packed // 2


def test_sizes_of_other_architectures(training):
    gpt2 = GPT2LMHeadModel(GPT2Config(vocab_size=64, n_embd=32, n_layer=2, n_head=2, n_positions=64))
    found = sizes_of(gpt2, training, 0)
    assert (found.n_layers, found.hidden, found.intermediate, found.itemsize) == (2, 32, 128, 4)
    mixtral = MixtralForCausalLM(
        MixtralConfig(
            vocab_size=64,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
            num_local_experts=4,
            num_experts_per_tok=2,
        )
    )
    assert sizes_of(mixtral, training, 0).intermediate == 96, "a token visits two experts"
    experts = training.model_copy(update={"target_modules": (), "target_parameters": "all-experts"})
    found = sizes_of(mixtral, experts, 0)
    assert found.expert_inputs == 2 * (32 + 48) and found.adapter_weights == experts.r * 4 * (
        32 + 96 + 48 + 32
    )


@pytest.mark.slow
def test_training_begins_with_the_passes_that_were_reckoned(base, training, tasks, tmp_path, monkeypatch):
    monkeypatch.setattr("stimmung.engine.cohort.train.plan_memory", lambda *_, **__: Plan(2, 4))
    found = trained(base, training, tasks, tmp_path / "a", Pace(cohort="stacked"))
    assert {record["passes_per_batch"] for record in records(tmp_path / "a")} == {4}
    assert {record["cohort_size"] for record in records(tmp_path / "a")} == {1, 2}
    monkeypatch.undo()
    expected = trained(base, training, tasks, tmp_path / "b", Pace(cohort="stacked"))
    assert largest_difference(found, expected) < 1e-5


def test_nothing_is_reckoned_if_nothing_is_to_be_trained(base, training, tasks, tmp_path, monkeypatch):
    monkeypatch.setattr(Store, "has", lambda *_: True)
    monkeypatch.setattr("stimmung.engine.cohort.train.plan_memory", lambda *_, **__: pytest.fail("reckoned"))
    assert len(train_adapters(base, training, tasks, Store(tmp_path), pace=Pace())) == 3
