import pytest
import torch
from torch import nn
from transformers.models.gemma.modeling_gemma import GemmaRMSNorm
from transformers.models.llama.modeling_llama import LlamaRMSNorm
from transformers.models.qwen3_next.modeling_qwen3_next import Qwen3NextRMSNormGated

from stimmung.engine.base.norms import StandardNorm, use_own_norms


def norms(kind, dtype=torch.float32, features=48):
    """A model of one norm, and the same again with our own in its place."""
    torch.manual_seed(0)
    models = []
    norm = kind(features)
    norm.weight.data += 0.3 * torch.randn(features)
    for _ in range(2):
        again = kind(features)
        again.load_state_dict(norm.state_dict())
        models.append(nn.Sequential(again).to(dtype).requires_grad_(False))
    use_own_norms(models[1])
    return models


def read(model, x, g):
    x = x.clone().requires_grad_()
    y = model(x)
    y.backward(g)
    return y.detach(), x.grad


def inputs(dtype, scale=3.0):
    return [
        scale * torch.randn(2, 5, 48, generator=torch.Generator().manual_seed(n)).to(dtype) for n in (1, 2)
    ]


def test_in_float32_output_and_gradient_are_transformers_to_the_last_bit():
    theirs, ours = norms(LlamaRMSNorm)
    assert isinstance(ours[0], StandardNorm)
    for one, other in zip(
        read(theirs, *inputs(torch.float32)), read(ours, *inputs(torch.float32)), strict=True
    ):
        assert torch.equal(one, other)


def test_in_16_bits_the_output_is_the_same_and_the_gradient_nearer_to_the_true_one():
    theirs, ours = norms(LlamaRMSNorm, torch.bfloat16)
    found, expected = read(ours, *inputs(torch.bfloat16)), read(theirs, *inputs(torch.bfloat16))
    assert torch.equal(found[0], expected[0])
    true = read(theirs.float(), *(one.float() for one in inputs(torch.bfloat16)))[1]
    errors = [(one.float() - true).abs().mean() for one in (found[1], expected[1])]
    assert errors[0] <= errors[1]
    with torch.no_grad():
        assert torch.equal(ours(inputs(torch.bfloat16)[0]), expected[0])


def test_as_on_cuda_output_and_gradient_in_16_bits_are_transformers_but_for_the_sums_of_its_kernel(
    monkeypatch,
):
    theirs, ours = norms(LlamaRMSNorm, torch.bfloat16)
    monkeypatch.setattr("stimmung.engine.base.norms.is_fused", lambda _: True)
    for one, other in zip(
        read(ours, *inputs(torch.bfloat16)), read(theirs, *inputs(torch.bfloat16)), strict=True
    ):
        assert torch.equal(one, other), "on a CPU torch's function sums as transformers does"


def test_torchs_fused_norm_rounds_elsewhere_in_16_bits():
    """So it is not used there. If this fails, it can be."""
    theirs, _ = norms(LlamaRMSNorm, torch.bfloat16)
    x = inputs(torch.bfloat16)[0]
    fused = nn.functional.rms_norm(x, (48,), theirs[0].weight, theirs[0].variance_epsilon)
    assert not torch.equal(fused, theirs(x))


@pytest.mark.parametrize("kind", [GemmaRMSNorm, Qwen3NextRMSNormGated])
def test_a_norm_that_computes_something_else_or_reads_a_gate_is_left_alone(kind):
    theirs, ours = norms(kind)
    assert type(ours[0]) is type(theirs[0])


def test_a_norm_whose_weight_has_another_type_gives_what_transformers_does():
    theirs, ours = norms(LlamaRMSNorm)
    x = inputs(torch.bfloat16)[0]
    assert torch.equal(theirs(x), ours(x))
    assert ours(x).dtype == theirs(x).dtype
