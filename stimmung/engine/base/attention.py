"""Attention as torch computes it, but in the last layer for those queries only that are read (see ``last_layer.py``).

In training on a CPU the same products are computed one by one, in pieces that skip what is masked: torch's kernel is slow there.
"""

import math
from typing import Any

import torch
from torch import nn
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask
from transformers.modeling_utils import AttentionInterface

NAME = "stimmung"
# Queries of a piece, whose keys end with its last query. Fewer skip more work but cost more calls (measured at 60 to 1000 tokens).
PIECE = 128


def use_own_attention(model: Any) -> None:
    """Let a model of transformers attend by ``attend``; one that cannot take another attention keeps its own."""
    if model.config._attn_implementation == "sdpa" and model._supports_attention_backend:
        model.set_attn_implementation(NAME)


def attend(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Attend as transformers' ``sdpa_attention_forward`` does, and return shape (rows, queries, heads, features).

    ``query`` has shape (rows, heads, queries, features), ``key`` and ``value`` (rows, key heads, keys, features); the last query is
    that of the last key. ``attention_mask``, shape (rows, 1, queries, keys), is True or 0 where a query sees a key; without it,
    a query sees no later key. One that ``shared_row_mask`` made says that texts share a row. If ``module`` has ``read_at``, shape
    (rows, places), only those queries are computed and other results are zero.
    """
    if (row := getattr(attention_mask, "shared_row", None)) is not None:
        shared, texts = row
        return _attend_in_shared_row(module, query, key, value, shared, texts, options), None
    places = getattr(module, "read_at", None)
    if places is not None and places.shape[1] < query.shape[2]:
        return _attend_at(module, query, key, value, attention_mask, places, options), None
    return _attend_all(module, query, key, value, attention_mask, options), None


def shared_row_mask(shared: int, texts: int) -> torch.Tensor:
    """Return what ``attend`` takes as the mask of rows of ``shared`` tokens and then ``texts`` texts, all equally wide.

    A token of a text sees the shared ones and those before it in its own text. The mask is empty: another attention fails with it.
    """
    mask = torch.empty(0, 0, 0, 0, dtype=torch.bool)
    mask.shared_row = (shared, texts)
    return mask


def _attend_all(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    options: dict[str, Any],
) -> torch.Tensor:
    if mask is None and _pays(query, options):
        return _in_pieces(query, key, value, options["scaling"]).transpose(1, 2)
    n_queries, n_keys = query.shape[2], key.shape[2]
    if mask is None and 1 < n_queries < n_keys:
        # Without a mask torch would count queries from the first key on.
        seen = torch.ones(n_queries, n_keys, dtype=torch.bool, device=query.device)
        mask = seen.tril(n_keys - n_queries)[None, None]
    result: torch.Tensor = sdpa_attention_forward(module, query, key, value, mask, **options)[0]
    return result


def _attend_in_shared_row(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    shared: int,
    texts: int,
    options: dict[str, Any],
) -> torch.Tensor:
    """Return what ``attend`` does: the shared tokens attend among themselves, each text as a row of its own behind them."""

    def own(x: torch.Tensor) -> torch.Tensor:
        return x[:, :, shared:].unflatten(2, (texts, -1)).transpose(1, 2).flatten(0, 1)

    def behind_shared(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x[:, :, :shared].repeat_interleave(texts, dim=0), own(x)], dim=2)

    beginning = slice(shared)
    first = _attend_all(
        module, query[:, :, beginning], key[:, :, beginning], value[:, :, beginning], None, options
    )
    rest = _attend_all(module, own(query), behind_shared(key), behind_shared(value), None, options)
    return torch.cat([first, rest.unflatten(0, (-1, texts)).flatten(1, 2)], dim=1)


def _attend_at(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    places: torch.Tensor,
    options: dict[str, Any],
) -> torch.Tensor:
    rows, heads, length, width = query.shape
    unclamped, places = places, places.clamp(max=length - 1)
    if mask is None:
        seen = torch.arange(key.shape[2], device=key.device) <= places[..., None] + key.shape[2] - length
        mask = seen[:, None]
    else:
        index = places[:, None, :, None].expand(-1, mask.shape[1], -1, mask.shape[-1])
        mask = mask.expand(rows, -1, -1, -1).gather(2, index)
    wanted = query.gather(2, places[:, None, :, None].expand(-1, heads, -1, width))
    found = sdpa_attention_forward(module, wanted, key, value, mask, **options)[0]
    # Queries beyond the end are written there and cut off, or they would count twice in the backward pass.
    whole = found.new_zeros(rows, length + places.shape[1], heads, found.shape[-1])
    return whole.scatter(1, unclamped[..., None, None].expand_as(found), found)[:, :length]


def _pays(query: torch.Tensor, options: dict[str, Any]) -> bool:
    """Whether to compute the products one by one: in training on a CPU, in bfloat16 or over more than one piece."""
    plain = options.get("dropout", 0.0) == 0 and options.get("softcap") is None
    plain = plain and options.get("scaling") is not None and options.get("position_bias") is None
    long = query.dtype == torch.bfloat16 or query.shape[2] > PIECE
    return plain and query.requires_grad and long and query.device.type == "cpu"


def _in_pieces(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scaling: float) -> torch.Tensor:
    """Return causal attention, shape (rows, heads, queries, features), one piece of queries after another.

    Heads that share a key head are laid end to end, so that keys and values need no copies.
    """
    rows, heads, length, _ = query.shape
    n_keys, before = key.shape[1], key.shape[2] - length
    group = heads // n_keys
    n_pieces = -(-length // PIECE)
    size = -(-length // n_pieces)
    results = []
    for start in range(0, length, size):
        stop = min(start + size, length)
        wanted = query[:, :, start:stop].reshape(rows * n_keys, group * (stop - start), -1)
        end = before + stop
        keys = key[:, :, :end].reshape(rows * n_keys, end, -1)
        values = value[:, :, :end].reshape(rows * n_keys, end, -1)
        hidden = torch.full((stop - start, end), -math.inf, dtype=query.dtype).triu(before + start + 1)
        bias = hidden.repeat(group, 1).expand(rows * n_keys, -1, -1)
        seen = torch.baddbmm(bias, wanted, keys.transpose(1, 2), alpha=scaling).softmax(-1)
        results.append(torch.bmm(seen, values).view(rows, heads, stop - start, -1))
    return torch.cat(results, dim=2)


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
