"""Slices of unequal size: each times its adapter's matrices, in one grouped product for all instead of some for each group.

As where one adapter of a cohort is at the short last batch of an epoch. On CUDA only, where kernels are dear to start, and in
bfloat16, which is what torch's kernel reads there; whether a device has it is tried on a small product. Elsewhere groups are read one
by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch.nn import functional

from stimmung.engine.cohort.dropout import Dropout, is_hashed
from stimmung.engine.cohort.slices import Group, Layout

# The kernel reads rows that are multiples of 16 bytes: 8 numbers of bfloat16.
ALIGNED = 8


@dataclass(frozen=True)
class UnevenSlices:
    """All slices of a pass: their groups, shape (slices,) their adapters, and the number of rows at the end of each."""

    groups: Sequence[Group]
    adapters: torch.Tensor
    ends: torch.Tensor

    def dropped(self, x: torch.Tensor, dropouts: Sequence[Dropout | None]) -> torch.Tensor:
        """Return ``x`` with zeros for dropped entries."""
        return x if dropouts[0] is None else self.drop_(x.clone(), dropouts)

    def drop_(self, x: torch.Tensor, dropouts: Sequence[Dropout | None]) -> torch.Tensor:
        """Put zeros into ``x`` for dropped entries."""
        for group, dropout in zip(self.groups, dropouts, strict=True):
            if dropout is not None:
                dropout.of_(x[group.rows].view(len(group.slices), -1, x.shape[-1]))
        return x


def uneven_slices(layout: Layout, x: torch.Tensor, sizes: Sequence[int]) -> UnevenSlices | None:
    """Return the slices of a pass over ``x`` if one grouped product serves them and groups do not; ``sizes`` are a layer's."""
    groups = layout.groups
    if len(groups) < 2 or not has_grouped_products(x.device, x.dtype) or any(n % ALIGNED for n in sizes):
        return None
    ends = [one.stop for group in groups for one in group.slices]
    if [0, *ends[:-1]] != [one.start for group in groups for one in group.slices] or ends[-1] != len(x):
        return None
    found: UnevenSlices | None = layout.uneven
    if found is None or found.groups is not groups:  # once for all layers of a pass
        adapters = torch.tensor([one.adapter for group in groups for one in group.slices])
        of_rows = torch.tensor(ends, dtype=torch.int32)
        found = UnevenSlices(groups, adapters.to(x.device), of_rows.to(x.device))
        layout.uneven = found
    return found


@cache
def has_grouped_products(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether a device multiplies groups in one kernel, and both kinds of product are right: tried on small ones."""
    if device.type != "cuda" or dtype != torch.bfloat16:
        return False
    return gives_grouped_products(device, dtype)


def gives_grouped_products(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether ``grouped_mm`` gives on a device what products one by one give."""
    x = torch.arange(24 * ALIGNED, device=device).view(24, ALIGNED).remainder(7).to(dtype)
    weights = (
        torch.arange(2 * ALIGNED * ALIGNED, device=device).view(2, ALIGNED, ALIGNED).remainder(5).to(dtype)
    )
    ends = torch.tensor([8, 24], dtype=torch.int32, device=device)
    try:
        found = functional.grouped_mm(x, weights.transpose(1, 2), offs=ends)
        outer = functional.grouped_mm(x.t(), found, offs=ends)
    except (AttributeError, RuntimeError):
        return False
    pieces = (slice(0, 8), slice(8, 24))
    expected = torch.cat([x[one] @ weights[n].t() for n, one in enumerate(pieces)])
    outers = torch.stack([x[one].float().t() @ expected[one].float() for one in pieces])
    return bool(torch.equal(found, expected) and torch.allclose(outer.float(), outers, rtol=1e-2))


def add_uneven_products(layer: Any, slices: UnevenSlices, x: torch.Tensor, y: torch.Tensor) -> list[Any]:
    """Do what ``CohortLinear.add_products`` does, to a contiguous ``y``; return what the backward pass needs of all groups."""
    x = x.contiguous()
    dropouts = [layer.dropout_of(group, x.shape[1], x.shape[-1]) for group in slices.groups]
    dropped = slices.dropped(x, dropouts)
    down, up = (one.data[slices.adapters].to(x.dtype) for one in (layer.lora_a, layer.lora_b))
    ends = slices.ends * x.shape[1]
    inner = functional.grouped_mm(dropped.flatten(0, 1), down.transpose(1, 2), offs=ends)
    out = y.flatten(0, 1)
    out.add_(functional.grouped_mm(inner, up.transpose(1, 2), offs=ends), alpha=layer.scale)
    return [x if is_hashed(x) else dropped, inner, down, up, dropouts]


def add_uneven_gradients(
    layer: Any,
    slices: UnevenSlices,
    g: torch.Tensor,
    kept: Sequence[torch.Tensor],
    dropouts: Sequence[Dropout | None],
    scale: float,
    of_x: torch.Tensor | None,
) -> None:
    """Add the gradients of the adapters to ``grad`` of their stacked parameters, and those through them to ``of_x``.

    ``g``, contiguous, is the gradient of the layer's output.
    """
    read, inner, down, up = kept
    dropped = slices.dropped(read, dropouts) if is_hashed(read) else read
    ends, flat = slices.ends * g.shape[1], g.flatten(0, 1)
    of_inner = functional.grouped_mm(flat, up, offs=ends)
    for total, one, other in (
        (layer.lora_b.grad, flat, inner),
        (layer.lora_a.grad, of_inner, dropped.flatten(0, 1)),
    ):
        product = functional.grouped_mm(one.t(), other, offs=ends)
        total.index_add_(0, slices.adapters, product.to(total.dtype), alpha=scale)
    if of_x is not None:
        through = functional.grouped_mm(of_inner, down, offs=ends).view(of_x.shape)
        of_x.add_(slices.drop_(through, dropouts), alpha=scale)
