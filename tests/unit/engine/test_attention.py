import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention

from stimmung.engine.base.attention import NAME, PIECE, attend


def module(groups):
    one = torch.nn.Module()
    one.num_key_value_groups, one.is_causal = groups, True
    return one


def drawn(rows, heads, length, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    # As a model lays them: tokens before heads in memory.
    return torch.randn(rows, length, heads, 8, generator=generator).to(dtype).transpose(1, 2).requires_grad_()


def with_gradients(function, *tensors):
    result = function(*tensors)
    result.float().square().sum().backward()
    gradients = [one.grad for one in tensors]
    for one in tensors:
        one.grad = None
    return result.detach(), gradients


@settings(max_examples=20, deadline=None)
@given(rows=st.integers(1, 3), groups=st.sampled_from([1, 2, 4]), length=st.integers(2, 3 * PIECE))
def test_pieces_give_what_causal_attention_gives_and_its_gradients(rows, groups, length):
    query, key, value = (
        drawn(rows, 4, length),
        drawn(rows, 4 // groups, length, seed=1),
        drawn(rows, 4 // groups, length, seed=2),
    )
    ours, gradients = with_gradients(
        lambda q, k, v: attend(module(groups), q, k, v, None, scaling=0.3)[0].transpose(1, 2),
        query,
        key,
        value,
    )
    theirs, expected = with_gradients(
        lambda q, k, v: scaled_dot_product_attention(q, k, v, is_causal=True, scale=0.3, enable_gqa=True),
        query,
        key,
        value,
    )
    assert torch.allclose(ours, theirs, atol=1e-5)
    for one, other in zip(gradients, expected, strict=True):
        assert torch.allclose(one, other, atol=1e-4)


def test_in_bfloat16_the_error_is_that_of_the_number_format():
    tensors = [
        drawn(2, 4, 40, torch.bfloat16),
        drawn(2, 2, 40, torch.bfloat16, 1),
        drawn(2, 2, 40, torch.bfloat16, 2),
    ]
    ours = attend(module(2), *tensors, None, scaling=0.3)[0].transpose(1, 2)
    exact = scaled_dot_product_attention(
        *[one.float() for one in tensors], is_causal=True, scale=0.3, enable_gqa=True
    )
    assert (ours.float() - exact).abs().max() < 0.03


@pytest.mark.parametrize("n_before", [0, 5])
def test_only_the_queries_that_are_read_are_asked(n_before):
    """Also behind a prefix whose keys are there already."""
    query, key, value = drawn(2, 4, 6), drawn(2, 4, 6 + n_before, seed=1), drawn(2, 4, 6 + n_before, seed=2)
    visible = torch.ones(6, 6 + n_before, dtype=torch.bool).tril(n_before)[None, None]
    expected = scaled_dot_product_attention(query, key, value, attn_mask=visible, scale=0.3).transpose(1, 2)
    places = torch.tensor([[1, 2], [4, 5]])
    asked = module(1)
    asked.read_at = places
    for mask in (None, visible):
        found = attend(asked, query, key, value, mask, scaling=0.3)[0]
        for row, chosen in enumerate(places.tolist()):
            assert torch.allclose(found[row, chosen], expected[row, chosen], atol=1e-6)
            others = [place for place in range(6) if place not in chosen]
            assert not found[row, others].any()


def test_a_loaded_base_attends_by_it(base):
    assert base.model.config._attn_implementation == NAME
