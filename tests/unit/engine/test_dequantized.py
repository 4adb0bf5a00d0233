"""A weight that is held gives the numbers of one that is dequantised each time, and is held only where memory is plenty."""

from types import SimpleNamespace

import pytest
import torch
from bitsandbytes.nn import Linear4bit
from torch import nn

from stimmung.engine.base.dequantized import DequantizedLinear, hold_dequantized


class Model(nn.Module):
    """Two layers, as transformers loads them in 4 bits."""

    is_loaded_in_4bit = True
    dtype = torch.float32
    device = torch.device("cpu")

    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(four_bit(bias=True), four_bit(bias=False))

    def forward(self, x):
        return self.inner(x)


def four_bit(bias):
    torch.manual_seed(1)
    layer = Linear4bit(64, 64, bias=bias, quant_type="nf4", compute_dtype=torch.float32)
    layer.load_state_dict(nn.Linear(64, 64, bias=bias).state_dict())
    return layer.to("cpu")


def test_held_weights_give_the_same_numbers_to_the_last_bit():
    model, x = Model(), torch.randn(3, 64)
    before = model(x)
    assert hold_dequantized(model)
    assert [type(layer) for layer in model.inner] == [DequantizedLinear, DequantizedLinear]
    assert torch.equal(model(x), before)
    assert not any(
        weight.requires_grad for name, weight in model.named_parameters() if name.endswith("weight")
    )


@pytest.mark.parametrize(
    ("budget_mb", "held"), [(2 * 64 * 64 * 4 / 2**20, True), (2 * 64 * 64 * 4 / 2**20 - 1e-6, False)]
)
def test_all_are_held_or_none(budget_mb, held):
    model = Model()
    assert hold_dequantized(model, budget_mb) == held
    assert {isinstance(layer, DequantizedLinear) for layer in model.inner} == {held}


def test_a_model_in_full_precision_is_left_alone():
    assert not hold_dequantized(SimpleNamespace(is_loaded_in_4bit=False))
