"""Biases of an adapter's own, in a model that has some: Qwen2's queries, keys and values."""

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import Qwen2Config, Qwen2ForCausalLM

from stimmung.engine.base.base_model import Base, prepare_loaded
from stimmung.engine.cohort.adapter_files import load_adapter
from stimmung.engine.cohort.lora import attached
from stimmung.engine.cohort.slices import Slice
from stimmung.engine.cohort.train import train_adapters
from stimmung.store.paths import Store
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.training import Lora
from tests.unit.engine.conftest import VOCABULARY


def random_qwen():
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
    )
    model = Qwen2ForCausalLM(config)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.1)
    return model


@pytest.fixture
def qwen():
    model = random_qwen()
    prepare_loaded(model)
    return Base(model, None, "a-qwen", "digest")


@pytest.fixture
def with_bias(training):
    return training.model_copy(update={"bias": "lora_only", "target_modules": ("q_proj", "up_proj")})


def test_biases_of_the_target_modules_are_pefts(qwen, with_bias, tasks, tmp_path):
    store = Store(tmp_path)
    key = train_adapters(qwen, with_bias, tasks[:1], store, pace=Pace())[0]
    weights = load_adapter(store.adapter(key)).weights
    lora = LoraConfig(r=4, target_modules=["q_proj", "up_proj"], bias="lora_only", task_type="CAUSAL_LM")
    trainable = [n for n, p in get_peft_model(random_qwen(), lora).named_parameters() if p.requires_grad]
    assert (
        sum(name.endswith(".bias") for name in weights)
        == sum(name.endswith(".bias") for name in trainable)
        == 2
    )
    before = dict(random_qwen().named_parameters())
    assert all(
        (weights[name] - before[name]).abs().max() > 1e-4 for name in weights if name.endswith(".bias")
    )


def logits_with(qwen, lora, weights, ids):
    with attached(qwen, lora) as cohort, torch.no_grad():
        cohort.add(weights)
        cohort.layout.slices = [Slice(adapter=0, start=0, stop=1)]
        return qwen.model(ids).logits


def test_plain_peft_loads_the_biases_too(qwen, with_bias, tasks, tmp_path):
    store = Store(tmp_path)
    fast = with_bias.model_copy(
        update={"learning_rate": 0.05}
    )  # so that the biases move far enough to be missed
    key = train_adapters(qwen, fast, tasks[:1], store, pace=Pace())[0]
    weights = load_adapter(store.adapter(key)).weights
    ids = torch.tensor([[5, 6, 7, 8, 9]])
    theirs = PeftModel.from_pretrained(random_qwen(), store.adapter(key)).eval()(ids).logits
    assert torch.allclose(logits_with(qwen, fast, weights, ids), theirs, atol=1e-5)
    frozen = dict(random_qwen().named_parameters())
    unmoved = {name: frozen[name].data if name.endswith("bias") else weights[name] for name in weights}
    assert not torch.allclose(logits_with(qwen, fast, unmoved, ids), theirs, atol=1e-3)


def test_a_cohort_with_biases_equals_its_adapters_alone(qwen, with_bias, tasks, tmp_path):
    found = []
    for mode in ("stacked", "sequential"):
        store = Store(tmp_path / mode)
        keys = train_adapters(qwen, with_bias, tasks, store, pace=Pace(cohort=mode))
        found.append([load_adapter(store.adapter(key)).weights for key in keys])
    for together, alone in zip(*found, strict=True):
        assert max((together[name] - alone[name]).abs().max().item() for name in alone) <= 1e-5


def test_the_base_keeps_its_biases(qwen, with_bias, tasks, tmp_path):
    train_adapters(qwen, with_bias, tasks[:1], Store(tmp_path), pace=Pace())
    fresh = random_qwen().state_dict()
    assert all(torch.equal(tensor, fresh[name]) for name, tensor in qwen.model.state_dict().items())


def test_all_biases_must_be_of_target_modules(qwen):
    with (
        pytest.raises(InputError, match=r"bias: all .*k_proj"),
        attached(qwen, Lora(bias="all", target_modules=("q_proj",))),
    ):
        pass
    with attached(qwen, Lora(bias="all")) as cohort:
        assert sum(layer.tunes_bias for layer in cohort.layers.values()) == 2 * 3
