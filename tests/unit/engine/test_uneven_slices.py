import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from stimmung.engine.base.base_model import Base, prepare_loaded
from stimmung.engine.cohort import uneven_slices as uneven
from stimmung.engine.cohort.forward_backward import Part, forward_backward
from stimmung.engine.cohort.lora import attached
from stimmung.vocabulary.training import Training
from tests.unit.engine.conftest import VOCABULARY, rows

CPU = torch.device("cpu")


def gradients(dtype, r=8):
    """Losses and gradients of four adapters, of which the third and the fourth have fewer rows."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, dtype=dtype,
    )  # fmt: skip
    model = LlamaForCausalLM(config).to(dtype)
    prepare_loaded(model)
    with attached(Base(model, None, "", ""), Training(r=r, lora_dropout=0.2)) as cohort:
        for seed in range(5):
            generator = torch.Generator().manual_seed(seed)
            drawn = {
                f"{name}.{key}": torch.randn(one.shape[1:], generator=generator) * 0.1
                for name, layer in cohort.layers.items()
                for key, one in layer.matrices.items()
            }
            cohort.add(drawn)
        cohort.allocate_gradients()
        parts = [
            Part(adapter, rows(n, adapter), 2 * n, 7 + adapter)
            for adapter, n in ((0, 3), (1, 3), (2, 1), (4, 2))
        ]
        losses = forward_backward(cohort, parts, 1)
        found = [
            layer.matrices[key].grad.clone()
            for layer in cohort.layers.values()
            for key in ("lora_A", "lora_B")
        ]
    return losses, found


@pytest.fixture
def calls(monkeypatch):
    """Let a CPU take grouped products, and count them."""
    counted, real = [], torch.nn.functional.grouped_mm
    monkeypatch.setattr(uneven, "has_grouped_products", lambda *_: True)
    monkeypatch.setattr(torch.nn.functional, "grouped_mm", lambda *a, **k: counted.append(1) or real(*a, **k))
    return counted


def error(found, true):
    return max(((one - other).norm() / other.norm()).item() for one, other in zip(found, true, strict=True))


def test_grouped_products_give_the_losses_and_gradients_of_one_group_after_another(calls, request):
    losses, grouped = gradients(torch.float32)
    n_layers = 2 * 7
    assert n_layers * 5 < len(calls) <= n_layers * 6, (
        "two forwards, and four backwards where the input needs a gradient"
    )
    _, rounded = gradients(torch.bfloat16)
    request.getfixturevalue("monkeypatch").undo()
    expected_losses, expected = gradients(torch.float32)
    assert torch.allclose(losses, expected_losses, atol=1e-5)
    assert error(grouped, expected) < 1e-5
    assert error(rounded, expected) < 1.2 * error(gradients(torch.bfloat16)[1], expected)
    assert not any(one[3].any() for one in grouped), "an adapter that has no rows"


def test_ranks_that_the_kernel_cannot_read_are_left_to_groups(calls):
    gradients(torch.bfloat16, r=4)
    assert not calls


def test_a_device_is_asked_once_and_a_cpu_is_not_one_of_them():
    assert uneven.gives_grouped_products(CPU, torch.bfloat16), (
        "torch has them on a CPU too, but they gain nothing"
    )
    assert not uneven.has_grouped_products(CPU, torch.bfloat16)


def test_a_device_without_them_or_with_wrong_ones_reads_groups_one_by_one(monkeypatch):
    monkeypatch.setattr(torch.nn.functional, "grouped_mm", lambda x, w, **_: x @ w[0])
    assert not uneven.gives_grouped_products(CPU, torch.bfloat16)
    monkeypatch.delattr(torch.nn.functional, "grouped_mm")
    assert not uneven.gives_grouped_products(CPU, torch.bfloat16)
