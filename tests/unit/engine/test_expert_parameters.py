"""Adapters of experts against plain PEFT's, on tiny random mixtures of experts in float32."""

import json

import numpy as np
import pytest
import torch
import transformers as hf
from peft import LoraConfig, PeftModel, get_peft_model
from pydantic import ValidationError

from stimmung.engine.base.base_model import Base, prepare_loaded
from stimmung.engine.cohort import expert_parameters
from stimmung.engine.cohort.adapter_files import PEFT_PREFIX, load_adapter
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.expert_targets import target_experts
from stimmung.engine.cohort.forward_backward import Part, checkpointed_activations, forward_backward
from stimmung.engine.cohort.lora import attached, initial_weights
from stimmung.engine.cohort.train import train_adapters
from stimmung.engine.cohort.training_config import Task
from stimmung.engine.scoring.prompt_batches import Prompt
from stimmung.engine.scoring.proof import plain_scores
from stimmung.engine.scoring.score import score_with_adapters
from stimmung.store.paths import CONFIG, RECORD, Store
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.training import Lora, Training
from tests.unit.engine.families import CONFIGS, NO_HEAD_DIM, SHAPE, random_model

MIXTURES = {
    "Qwen3-MoE": CONFIGS["Qwen3-MoE"],
    "gpt-oss": CONFIGS["gpt-oss, window 20"],  # weights transposed, with biases and a gate of its own
    "Granite hybrid": CONFIGS["Granite hybrid"],
    "OLMoE": lambda: hf.OlmoeConfig(**NO_HEAD_DIM, num_experts=4, num_experts_per_tok=2),
    "Mixtral": lambda: hf.MixtralConfig(**NO_HEAD_DIM, num_local_experts=4, num_experts_per_tok=2),
}
TRAINING = Training(
    r=3,
    lora_alpha=6,
    target_parameters="all-experts",
    learning_rate=1e-2,
    lr_scheduler_type="constant",
    warmup_ratio=0,
    num_train_epochs=None,
    max_steps=3,
    max_grad_norm=0,
    per_device_train_batch_size=4,
)


def loaded(name, dtype=torch.float32):
    model = random_model(MIXTURES[name]()).to(dtype)
    prepare_loaded(model)
    return Base(model, None, "a-mixture", "digest")


def rows(seed, count=4, low=10, high=30):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(low, high, count).tolist()
    return [TrainingRow(tuple(rng.integers(20, 100, length).tolist()), length - 2) for length in lengths]


def asked(adapter=-1):
    """Prompts that begin alike, with options of one to three tokens."""
    rng = np.random.default_rng(1)
    shared = rng.integers(20, 100, 12).tolist()
    options = ((7, 8), (7, 9, 10), (11,))
    return [
        Prompt((*shared, *rng.integers(20, 100, 5 + more).tolist()), options, adapter) for more in range(3)
    ]


def drawn(cohort, seed):
    """An adapter of which no matrix is zero."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.empty_like(one).normal_(std=0.2, generator=generator) if name.endswith("lora_B") else one
        for name, one in initial_weights(cohort, seed).items()
    }


def with_peft(name, settings, weights):
    """The model with PEFT's own adapter, and its trainable parameters under our names."""
    linear = ["q_proj", "k_proj", "v_proj", "o_proj", "in_proj", "out_proj", "input_linear", "output_linear"]
    parameters = ["experts.gate_up_proj", "experts.down_proj"]
    lora = LoraConfig(
        r=settings.r, lora_alpha=settings.lora_alpha, target_modules=linear, target_parameters=parameters
    )
    model = get_peft_model(random_model(MIXTURES[name]()), lora).eval()
    named = {
        one.removeprefix(PEFT_PREFIX).replace(".default.weight", ""): parameter
        for one, parameter in model.named_parameters()
        if "lora_" in one
    }
    assert named.keys() == weights.keys()
    for one, parameter in named.items():
        parameter.data.copy_(weights[one])
    return model, named


def peft_loss(model, some):
    """Return the mean loss over the tokens that carry it, each row by itself."""
    n_tokens = sum(row.n_loss_tokens for row in some)
    losses = []
    for row in some:
        labels = torch.full((1, len(row.input_ids)), -100)
        labels[0, row.loss_from :] = torch.tensor(row.input_ids[row.loss_from :])
        loss = model(input_ids=torch.tensor([row.input_ids]), labels=labels).loss
        losses.append(loss * row.n_loss_tokens / n_tokens)
    return sum(losses)


def largest(found, expected):
    return float(np.abs(np.array(found) - np.array(expected)).max())


@pytest.mark.parametrize("name", MIXTURES)
def test_loss_and_gradients_of_each_adapter_of_a_cohort_are_those_of_peft_alone(name, monkeypatch):
    if name == "OLMoE":
        monkeypatch.setattr(expert_parameters, "MOST_GROUPS", 4)  # one adapter at a time
    base = loaded(name)
    batches = [rows(0), rows(1, 2), rows(2, 2)]
    with attached(base, TRAINING) as cohort:
        weights = [drawn(cohort, seed) for seed in range(3)]
        for one in weights:
            cohort.add(one)
        cohort.allocate_gradients()
        parts = [
            Part(k, batch, sum(row.n_loss_tokens for row in batch), 0) for k, batch in enumerate(batches)
        ]
        with checkpointed_activations(base, name == "Mixtral"):
            losses = forward_backward(cohort, parts, 1)
        found = [{key: one.grad for key, one in cohort.parameters_of(k).items()} for k in range(3)]
    for k, batch in enumerate(batches):
        model, named = with_peft(name, TRAINING, weights[k])
        loss = peft_loss(model, batch)
        loss.backward()
        assert losses[k].item() == pytest.approx(loss.item(), abs=1e-5)
        for key, one in named.items():
            assert torch.allclose(found[k][key], one.grad, rtol=1e-4, atol=1e-5), key
        assert any(one.grad.abs().max() > 1e-3 for key, one in named.items() if "experts" in key)


def test_steps_of_adamw_on_experts_are_those_of_peft(tmp_path):
    base = loaded("Qwen3-MoE")
    store, some = Store(tmp_path), rows(0)
    with attached(base, TRAINING) as cohort:
        model, named = with_peft("Qwen3-MoE", TRAINING, initial_weights(cohort, 5))
    (key,) = train_adapters(base, TRAINING, [Task("adapter", some, 5)], store, pace=Pace())
    optimizer = torch.optim.AdamW(named.values(), lr=TRAINING.learning_rate, weight_decay=0.0)
    losses = []
    for _ in range(3):
        loss = peft_loss(model, some)
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
        optimizer.zero_grad()
    assert json.loads((store.adapter(key) / RECORD).read_text())["losses"] == pytest.approx(losses, abs=1e-5)
    # AdamW moves a weight by the rate however small its gradient is, so that rounding moves some as well.
    difference = torch.cat(
        [
            (one.detach() - named[name]).abs().flatten()
            for name, one in load_adapter(store.adapter(key)).weights.items()
        ]
    )
    assert difference.quantile(0.999) < 1e-5 and difference.max() < 1e-3


@pytest.mark.parametrize(
    ("name", "dtype", "changes"),
    [
        ("Qwen3-MoE", torch.float32, {}),
        ("Granite hybrid", torch.float32, {"target_parameters": ("experts.down_proj",), "use_rslora": True}),
        ("gpt-oss", torch.bfloat16, {"target_modules": ()}),
    ],
)
def test_plain_peft_reads_an_adapter_of_experts_and_scores_as_we_do(name, dtype, changes, tmp_path):
    def plain_model():
        return random_model(MIXTURES[name]()).to(dtype).float()

    base = loaded(name, dtype)
    training, store = TRAINING.model_copy(update=changes), Store(tmp_path)
    tasks = [Task(f"adapter {seed}", rows(seed), seed) for seed in range(2)]
    adapters = [store.adapter(key) for key in train_adapters(base, training, tasks, store, pace=Pace())]
    asked_of_each = [*asked(0), *asked(), *asked(1)]
    found = np.array(score_with_adapters(base, asked_of_each, adapters, "exact", 16384)).reshape(3, 3, -1)
    with torch.inference_mode():
        plain = plain_scores(plain_model(), asked())
        first, second = (
            plain_scores(PeftModel.from_pretrained(plain_model(), one).eval(), asked()) for one in adapters
        )
    assert largest(found, [first, plain, second]) < 1e-5
    assert largest(first, plain) > 1e-2 and largest(first, second) > 1e-2


def test_adapters_that_tune_no_experts_keep_their_keys_and_files(tmp_path):
    assert "target_parameters" not in Training().model_dump_json()
    assert Lora.model_validate(Lora(target_parameters=("a", "b")).model_dump()).target_parameters == (
        "a",
        "b",
    )
    base, store = loaded("OLMoE"), Store(tmp_path)
    training = TRAINING.model_copy(update={"target_parameters": (), "max_steps": 1})
    (key,) = train_adapters(base, training, [Task("adapter", rows(0), 0)], store, pace=Pace())
    assert "target_parameters" not in json.loads((store.adapter(key) / CONFIG).read_text())
    assert load_adapter(store.adapter(key)).settings.target_parameters == ()
    experts = TRAINING.model_copy(update={"max_steps": 1})
    assert train_adapters(base, experts, [Task("adapter", rows(0), 0)], store, pace=Pace()) != [key]


def test_what_is_no_expert_that_can_be_tuned_is_refused_in_one_line():
    base = loaded("gpt-oss")
    assert list(target_experts(base.model, ("layers.1.mlp.experts.down_proj",)).items()) == [
        ("model.layers.1.mlp.experts", ["down_proj"])
    ]
    for unknown in ("experts.up_proj", "down_proj_bias", "wn_proj"):
        with pytest.raises(InputError, match=f"gpt_oss model has no expert parameter '{unknown}'") as error:
            target_experts(base.model, ("down_proj", unknown))
        assert error.value.hint == "It has: mlp.experts.down_proj, mlp.experts.gate_up_proj."
    with pytest.raises(InputError, match="llama model has no experts"):
        target_experts(random_model(hf.LlamaConfig(**SHAPE)), "all-experts")
    llama4 = random_model(
        hf.Llama4TextConfig(
            **SHAPE, intermediate_size_mlp=64, num_local_experts=4, num_experts_per_tok=1, interleave_moe_layer_step=1
        )
    )  # fmt: skip
    with pytest.raises(InputError, match="llama4_text model are computed in a way of their own"):
        target_experts(llama4, "all-experts")
    with pytest.raises(ValidationError, match="no dropout for target_parameters: set lora_dropout to 0"):
        Lora(target_parameters="all-experts", lora_dropout=0.1)
    with pytest.raises(ValidationError, match="nothing would be tuned"):
        Lora(target_modules=())
