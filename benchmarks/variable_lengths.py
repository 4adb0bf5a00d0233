"""Whether torch's attention for variable lengths beats padding: part of benchmarks/training.py.

The same passes of the frozen base, forwards and backwards, once as the engine makes them, rows padded on the right, and once with all
rows laid end to end under flex attention. What LoRA adds is left out: a stacked product of several adapters needs equal lengths
again. Flex attention has no backward pass on a CPU, and nested tensors no causal attention there, so a CPU only compares losses.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from warnings import filterwarnings

import torch
from measure import alternating, ratio
from torch.nn import functional
from torch.nn.attention.flex_attention import create_block_mask, flex_attention
from transformers.masking_utils import AttentionMaskInterface
from transformers.modeling_utils import AttentionInterface

from stimmung.engine.base.attention import NAME as PADDED
from stimmung.engine.base.base_model import Base
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.forward_backward import loss_per_token

PACKED = "packed"
COMPILED = torch.compile(flex_attention, dynamic=True)
Passes = Sequence[Sequence[TrainingRow]]
Loss = Callable[[Base, Sequence[TrainingRow]], torch.Tensor]


def variable_lengths(base: Base, passes: Passes, repetitions: int) -> dict[str, float | None]:
    """Return how many times as fast the passes are without padding, on a GPU, and how far the first one's losses are apart."""
    ways: dict[str, Loss] = {PADDED: loss_per_token, PACKED: packed_loss_per_token}
    found = {}
    for name, loss in ways.items():
        base.model.set_attn_implementation(name)
        with torch.no_grad():
            found[name] = loss(base, passes[0])
    result = {"max_abs_loss_difference": (found[PADDED] - found[PACKED]).abs().max().item(), "gain": None}
    if base.device.type == "cuda":
        settings = {name: partial(_prepared, base, passes, name, loss) for name, loss in ways.items()}
        costs = alternating(settings, repetitions)
        result["gain"] = ratio(costs[PADDED], costs[PACKED])
    base.model.set_attn_implementation(PADDED)
    return result


def packed_loss_per_token(base: Base, rows: Sequence[TrainingRow]) -> torch.Tensor:
    """Return what ``loss_per_token`` returns, computed without a padded token."""
    device = base.device
    lengths = torch.tensor([len(row.input_ids) - 1 for row in rows])
    starts = lengths.cumsum(0) - lengths
    ids = torch.tensor([token for row in rows for token in row.input_ids[:-1]])
    where = torch.cat(
        [
            start + torch.arange(row.loss_from - 1, len(row.input_ids) - 1)
            for row, start in zip(rows, starts, strict=True)
        ]
    )
    owner = torch.arange(len(rows)).repeat_interleave(lengths).to(device)
    positions = torch.arange(len(ids)) - starts.repeat_interleave(lengths)

    def sees(one: Any, head: Any, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        del one, head
        return (query >= key) & (owner[query] == owner[key])

    hidden = base.decoder(
        input_ids=ids[None].to(device),
        position_ids=positions[None].to(device),
        use_cache=False,
        block_mask=create_block_mask(sees, None, None, len(ids), len(ids), device=str(device)),
    ).last_hidden_state[0, where.to(device)]
    target = torch.tensor([token for row in rows for token in row.input_ids[row.loss_from :]])
    return functional.cross_entropy(base.logits(hidden), target.to(device), reduction="none")


def attend_packed(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    block_mask: Any,
    scaling: float,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Attend within each of the rows that lie end to end; query, key and value have shape (1, heads, tokens, features)."""
    del module, attention_mask, options
    flex = COMPILED if query.device.type == "cuda" else flex_attention
    found = flex(query, key, value, block_mask=block_mask, scale=scaling, enable_gqa=True)
    return found.transpose(1, 2), None


def _prepared(base: Base, passes: Passes, way: str, loss: Loss) -> Callable[[], None]:
    base.model.set_attn_implementation(way)

    def run() -> None:
        # So that gradients go back to the first layer, as they must for an adapter there.
        hook = base.model.get_input_embeddings().register_forward_hook(
            lambda *inputs_and_output: inputs_and_output[-1].requires_grad_()
        )
        for rows in passes:
            loss(base, rows).sum().backward()
        hook.remove()

    return run


# On a CPU it is meant to run as it is written.
filterwarnings("ignore", message="flex_attention called without")
AttentionInterface.register(PACKED, attend_packed)
AttentionMaskInterface.register(PACKED, lambda *_, **__: None)
