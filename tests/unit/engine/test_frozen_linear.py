"""A frozen layer of a known kind gives here what it gives by itself, forwards and backwards; any other is left to itself."""

import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from stimmung.engine.base.dequantized import DequantizedLinear
from stimmung.engine.base.frozen_linear import is_known, known_gradient, known_product
from tests.unit.engine.test_dequantized import four_bit


def conv():
    layer = Conv1D(48, 64)
    nn.init.normal_(layer.bias)
    return layer


LAYERS = {
    "linear": lambda: nn.Linear(64, 48),
    "linear without bias": lambda: nn.Linear(64, 48, bias=False),
    "transposed, of GPT-2": conv,
    "4 bits": lambda: four_bit(bias=True),
    "4 bits, dequantised": lambda: DequantizedLinear(four_bit(bias=True)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_product_and_gradient_are_the_layer_s_own(name):
    torch.manual_seed(0)
    layer = LAYERS[name]().requires_grad_(False).eval()
    x = torch.randn(3, 5, 64, requires_grad=True)
    assert is_known(layer, x.dtype)
    y = layer(x)
    g = torch.randn_like(y)
    y.backward(g)
    assert torch.allclose(known_product(layer, x.detach()), y, atol=1e-6)
    assert torch.allclose(known_gradient(layer, g), x.grad, atol=1e-6)


class Scaled(nn.Linear):
    """A layer that does more than its kind."""

    def forward(self, x):
        return 2 * super().forward(x)


def test_a_layer_that_does_more_is_not_taken_for_a_plain_one():
    assert not is_known(Scaled(4, 4), torch.float32)
    assert not is_known(nn.Linear(4, 4), torch.bfloat16), "its own types would have to be converted"
    hooked = nn.Linear(4, 4)
    hooked.register_forward_hook(lambda *given: given[-1] * 2)
    assert not is_known(hooked, torch.float32)
    replaced = nn.Linear(4, 4)
    replaced.forward = lambda x: x
    assert not is_known(replaced, torch.float32)
