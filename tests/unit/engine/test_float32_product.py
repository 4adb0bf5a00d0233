"""Products of float32 by products of bfloat16: as a GPU has them, here on a CPU."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stimmung.engine.base import float32_product
from stimmung.engine.base.base_model import Base, prepare_loaded
from stimmung.engine.base.float32_product import float32_linear, split, summed_products
from stimmung.engine.scoring import proof
from stimmung.engine.scoring.proof import prove_scores
from stimmung.engine.scoring.score import score_options
from tests.unit.engine.families import CONFIGS, random_model
from tests.unit.engine.test_proof import source
from tests.unit.engine.test_score import prompts

# Two numbers of bfloat16 have 16 bits and two signs.
ROUNDING = 2**-17


@pytest.fixture
def split_products(monkeypatch):
    """Let this CPU multiply as a GPU does."""
    for module in (float32_product, proof):
        monkeypatch.setattr(module, "has_split_products", lambda _, dtype: dtype == torch.bfloat16)


@given(arrays(np.float32, 20, elements=st.floats(-(2**100), 2**100, width=32, allow_subnormal=False)))
def test_the_parts_of_a_number_sum_to_it(numbers):
    x = torch.from_numpy(numbers)
    parts = split(x)
    assert {one.dtype for one in parts} == {torch.bfloat16}
    total = sum(one.double() for one in parts)
    # Below bfloat16's smallest normal number nothing is left to be split.
    assert (
        (total - x.double()).abs() <= ROUNDING * x.double().abs() + torch.finfo(torch.bfloat16).tiny
    ).all()


def test_a_product_is_nearly_that_of_float32_and_far_better_than_one_of_bfloat16():
    generator = torch.Generator().manual_seed(0)
    x, weight = (torch.randn(n, 512, generator=generator) for n in (40, 30))
    weight = weight.bfloat16()
    right = x.double() @ weight.double().T
    ours, plain, rounded = (
        (found.double() - right).abs().max().item()
        for found in (summed_products(x, weight), x @ weight.float().T, (x.bfloat16() @ weight.T).float())
    )
    assert plain < ours < rounded / 200


@pytest.mark.usefixtures("split_products")
@pytest.mark.parametrize("exact", [False, True])
def test_shapes_and_biases_are_those_of_a_linear_layer(exact):
    x, weight, bias = torch.randn(2, 3, 16), torch.randn(5, 16).bfloat16(), torch.randn(5).bfloat16()
    expected = torch.nn.functional.linear(x, weight.float(), bias.float())
    found = float32_linear(x, weight, bias, exact=exact)
    assert torch.equal(found, expected) if exact else torch.allclose(found, expected, atol=1e-4)


@pytest.mark.usefixtures("split_products")
def test_scores_by_split_products_are_those_of_float32_and_exact_ones_are_not_split(monkeypatch):
    model = random_model(CONFIGS["Llama"]()).bfloat16()
    prepare_loaded(model)
    base = Base(model, None, "short", "")
    ours, exact = (
        np.array(score_options(base, prompts(6, 0), exact_products=wanted)) for wanted in (False, True)
    )
    monkeypatch.undo()
    plain = np.array(score_options(base, prompts(6, 0)))
    assert 0 < np.abs(ours - plain).max() < 1e-3
    assert np.array_equal(exact, plain)


@pytest.mark.usefixtures("split_products")
def test_the_noise_that_is_told_is_that_of_the_products_of_this_device(tmp_path, monkeypatch):
    folder = source(tmp_path / "source", "Llama", torch.bfloat16)
    fine = prove_scores(folder)
    monkeypatch.setattr(float32_product, "PARTS", 1)
    coarse = prove_scores(folder)
    assert fine["noise_nats"] < 1e-3 < coarse["noise_nats"]
    # The proof itself, of the passes, has exact products.
    assert fine["largest_difference"] == coarse["largest_difference"] < 1e-5
