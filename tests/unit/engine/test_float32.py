"""Scores do not depend on the type that weights are held in, beyond the weights' own rounding."""

import copy

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, GPT2Config, GPT2LMHeadModel

from stimmung.engine.base.base_model import Base, prepare_loaded
from stimmung.engine.scoring.float32 import in_float32
from stimmung.engine.scoring.score import score_options
from tests.unit.engine.conftest import VOCABULARY, random_llama
from tests.unit.engine.families import CONFIGS, random_model
from tests.unit.engine.test_score import one_forward_per_option, prompts


def llama():
    model = random_llama()
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def gpt2():
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=VOCABULARY, n_embd=64, n_layer=2, n_head=4, n_positions=256)
    return GPT2LMHeadModel(config).eval()


def mixture():
    return random_model(CONFIGS["Qwen3-MoE"]())


def transposed_mixture():
    return random_model(CONFIGS["gpt-oss, window 512"]())


@pytest.mark.parametrize(
    ("make", "dtype"),
    [
        *((make, dtype) for make in (llama, gpt2) for dtype in (torch.bfloat16, torch.float16)),
        (mixture, torch.bfloat16),
        (transposed_mixture, torch.bfloat16),
    ],
)
def test_scores_of_short_weights_are_those_of_the_same_weights_in_float32(make, dtype):
    short = make().to(dtype)
    with torch.inference_mode():
        ids = torch.tensor([[3, 4, 5]])
        before = short(ids).logits
        expected = np.array(
            [one_forward_per_option(copy.deepcopy(short).float(), prompt) for prompt in prompts(6, 0)]
        )
        rounded = np.array([one_forward_per_option(short, prompt) for prompt in prompts(6, 0)])
    prepare_loaded(short)
    found = np.array(score_options(Base(short, None, "short", ""), prompts(6, 0)))
    noise, left = np.abs(rounded - expected).max(), np.abs(found - expected).max()
    assert left < 1e-4 and left < noise / 20
    # What is trained next finds the model as it was.
    assert {parameter.dtype for parameter in short.parameters()} == {dtype}
    with torch.inference_mode():
        assert torch.equal(short(ids).logits, before)


def test_experts_are_in_float32_only_while_they_run():
    model = mixture().to(torch.bfloat16)
    experts = [one for one in model.modules() if hasattr(one, "gate_up_proj")]
    held = []
    for one in experts:
        one.act_fn.register_forward_hook(
            lambda *_: held.append([each.gate_up_proj.dtype for each in experts])
        )
    with in_float32(model), torch.inference_mode():
        assert model(torch.tensor([[3, 4, 5]])).logits.dtype == torch.float32
    running, waiting = torch.float32, torch.bfloat16
    assert held[0] == [running, waiting] and held[-1] == [waiting, running]


@pytest.mark.parametrize("held_mb", [0, 100])
def test_4_bit_weights_are_multiplied_in_float32(tmp_path, held_mb):
    llama().to(torch.bfloat16).save_pretrained(tmp_path)
    config = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    model = AutoModelForCausalLM.from_pretrained(
        tmp_path, quantization_config=config, dtype=torch.bfloat16, device_map="cpu"
    )
    plain = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    from bitsandbytes.functional import dequantize_4bit

    for name, module in model.named_modules():
        if hasattr(module, "compute_dtype"):
            weight = dequantize_4bit(module.weight.data, module.weight.quant_state).float()
            plain.get_submodule(name).weight.data = weight.view(plain.get_submodule(name).weight.shape)
    prepare_loaded(model, held_mb)
    found = np.array(score_options(Base(model, None, "nf4", ""), prompts(6, 0)))
    with torch.inference_mode():
        expected = np.array([one_forward_per_option(plain, prompt) for prompt in prompts(6, 0)])
    assert np.abs(found - expected).max() < 1e-4


def test_a_float32_model_is_left_as_it_is():
    model = llama()
    forwards = {name: module.forward for name, module in model.named_modules()}
    with in_float32(model):
        assert all(module.forward == forwards[name] for name, module in model.named_modules())
        assert not any(module._forward_hooks for module in model.modules())
