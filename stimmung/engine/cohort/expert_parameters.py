"""K LoRA adapters of a layer's experts, which transformers holds in one tensor for each of their products.

The frozen experts run once over the tokens of all adapters. Beside them each adapter adds its own low-rank product for its tokens, as
if each expert were W + scale * B A, which is how PEFT computes the same (``ParamWrapper``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers.integrations.moe import _grouped_linear

from stimmung.engine.cohort.expert_targets import shape_of, short_names
from stimmung.engine.cohort.slices import Group, Layout
from stimmung.engine.cohort.stacked import drawn, no_adapters, with_adapter
from stimmung.vocabulary.training import Lora

# What torch's kernel asks for: rows that begin at multiples of 16 bytes, and on CUDA fewer than 1024 groups of tokens at once.
RANK_MULTIPLE = 8
MOST_GROUPS = 1023


class CohortExperts(nn.Module):
    """The frozen experts of a layer and the K adapters of them.

    Of each tuned parameter an adapter has A, shape (K, experts * r, in), and B, shape (K, out, r * experts), laid out as in PEFT's
    files: the rows of A by expert and then by rank, the columns of B by rank and then by expert.
    """

    def __init__(self, base: nn.Module, parameters: Sequence[str], settings: Lora, layout: Layout) -> None:
        super().__init__()
        self.base: Any = base
        self.settings = settings
        self.layout = layout
        self.tuned = tuple(parameters)
        self.matrices_of = nn.ModuleDict()
        for name in parameters:
            n_experts, n_in, n_out = shape_of(base, name)
            one = nn.Module()
            one.lora_a = no_adapters(n_experts * settings.r, n_in, device=layout.device)
            one.lora_b = no_adapters(n_out, settings.r * n_experts, device=layout.device)
            self.matrices_of[name] = one

    @property
    def matrices(self) -> dict[str, nn.Parameter]:
        """What the adapters have of these experts, by PEFT's names."""
        return {
            f"{self._prefix(name)}{key}": getattr(self.matrices_of[name], key.lower())
            for name in self.tuned
            for key in ("lora_A", "lora_B")
        }

    def _prefix(self, parameter: str) -> str:
        # PEFT wraps the module once for each parameter: the first is innermost.
        return "base_layer." * (len(self.tuned) - 1 - self.tuned.index(parameter))

    def add(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Add an adapter by its matrices."""
        for name in self.tuned:
            one, prefix = self.matrices_of[name], self._prefix(name)
            one.lora_a = with_adapter(one.lora_a, weights[f"{prefix}lora_A"])
            one.lora_b = with_adapter(one.lora_b, weights[f"{prefix}lora_B"])

    def draw(self, generator: torch.Generator) -> dict[str, torch.Tensor]:
        """Draw an adapter's matrices as PEFT does."""
        weights: dict[str, torch.Tensor] = {}
        for name in self.tuned:
            n_experts, n_in, n_out = shape_of(self.base, name)
            found = drawn(n_experts * self.settings.r, n_in, n_out, generator)
            weights |= {f"{self._prefix(name)}{key}": one for key, one in found.items()}
        return weights

    def forward(self, x: torch.Tensor, experts: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return what the chosen experts make of each token, in the sum of their weights.

        ``x`` has shape (tokens, features), those of all rows of the batch one after another; ``experts``, the chosen ones, and
        ``weights`` have shape (tokens, chosen).
        """
        if not self.layout.groups:
            result: torch.Tensor = self.base(x, experts, weights)
            return result
        base, chosen = self.base, experts.shape[1]
        visits = _sorted_visits(experts.reshape(-1), base.num_experts)
        pieces = list(self._pieces(experts, visits))
        read = x[visits.order // chosen]
        inner = self._product("gate_up_proj" if base.has_gate else "up_proj", read, visits, pieces)
        inner = base._apply_gate(inner) if base.has_gate else base.act_fn(inner)
        found = self._product("down_proj", inner, visits, pieces)
        if base.has_post_expert_norm:
            found = base.post_expert_norm(found)
        found = found * weights.reshape(-1)[visits.order, None]
        return found[visits.places].view(*experts.shape, -1).sum(1).to(x.dtype)

    def _product(
        self, name: str, x: torch.Tensor, visits: "_Visits", pieces: Sequence["_Piece"]
    ) -> torch.Tensor:
        """Return ``(W + scale * B A) x`` of each visit with its expert and its adapter."""
        base = self.base
        weight = getattr(base, name).to(x.dtype)  # a shorter one where scores are computed in float32
        y: torch.Tensor = _Frozen.apply(x, weight, visits.ends, base.is_transposed)
        if base.has_bias:
            y = y + getattr(base, f"{name}_bias")[visits.experts].to(x.dtype)
        if name not in self.tuned:
            return y
        for piece in pieces:
            a, b = self._low_rank(name, piece.adapters, x.dtype)
            inner = _grouped_linear(x[piece.places], a, piece.ends)
            added = _grouped_linear(self.settings.scale * inner, b, piece.ends)
            y = _AddedAt.apply(y, piece.places, added)
        return y

    def _low_rank(self, name: str, k: slice, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
        """Return A, shape (adapters * experts, r, in), and B, shape (adapters * experts, out, r), of the adapters ``k``."""
        one, n_experts, rank = self.matrices_of[name], self.base.num_experts, self.settings.r
        a, b = one.lora_a[k].to(dtype), one.lora_b[k].to(dtype)
        a = a.view(-1, rank, a.shape[-1])
        b = b.view(*b.shape[:2], rank, n_experts).permute(0, 3, 1, 2).flatten(0, 1)
        more = -rank % RANK_MULTIPLE
        return functional.pad(a, (0, 0, 0, more)), functional.pad(b, (0, more)).contiguous()

    def _pieces(self, experts: torch.Tensor, visits: "_Visits") -> Iterator["_Piece"]:
        """Yield the visits of a few adapters at a time, sorted by adapter and then by expert."""
        n_rows, n_experts = self.layout.slices[-1].stop, self.base.num_experts
        per_row = experts.numel() // n_rows
        at_once = max(1, MOST_GROUPS // n_experts)
        for group in self.layout.groups:
            for first in range(0, len(group.slices), at_once):
                some = Group(group.slices[first : first + at_once], group.device)
                part = slice(some.rows.start * per_row, some.rows.stop * per_row)
                own = torch.arange(len(some.slices), device=experts.device) * n_experts
                found = (experts.reshape(-1)[part].view(len(own), -1) + own[:, None]).flatten()
                sorted_ = _sorted_visits(found, len(own) * n_experts)
                yield _Piece(some.adapters, visits.places[part][sorted_.order], sorted_.ends)


@dataclass(frozen=True)
class _Visits:
    """Visits of tokens to experts, sorted by expert.

    ``order`` is where each is in the order of tokens, ``places`` where each is in that of experts; ``experts`` are sorted, and
    ``ends`` is how many visits there are to an expert and those before it.
    """

    order: torch.Tensor
    places: torch.Tensor
    experts: torch.Tensor
    ends: torch.Tensor


@dataclass(frozen=True)
class _Piece:
    """Visits of some adapters' tokens: where they are in the order of experts, and where those to each expert of each end."""

    adapters: slice
    places: torch.Tensor
    ends: torch.Tensor


def _sorted_visits(experts: torch.Tensor, n_experts: int) -> _Visits:
    found, order = torch.sort(experts, stable=True)
    ends = torch.searchsorted(found, torch.arange(n_experts, device=experts.device), right=True)
    return _Visits(order, torch.argsort(order), found, ends.int())


class _Frozen(torch.autograd.Function):
    """The product of frozen experts and the gradient of their input; through autograd the weights would get one too."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weight: torch.Tensor, ends: torch.Tensor, is_transposed: bool
    ) -> torch.Tensor:
        ctx.weight, ctx.ends, ctx.is_transposed = weight, ends, is_transposed
        return _grouped_linear(x, weight, ends, is_transposed=is_transposed)

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        return (
            _grouped_linear(g.contiguous(), ctx.weight, ctx.ends, is_transposed=not ctx.is_transposed),
            None,
            None,
            None,
        )


class _AddedAt(torch.autograd.Function):
    """Rows added in place to those at ``places``; ``index_add`` of torch would keep them for the backward pass."""

    @staticmethod
    def forward(ctx: Any, y: torch.Tensor, places: torch.Tensor, added: torch.Tensor) -> torch.Tensor:
        ctx.places = places
        ctx.mark_dirty(y)
        return y.index_add_(0, places, added)

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        return g, None, g[ctx.places]


def peft_names(layers: Mapping[str, nn.Module], settings: Lora) -> list[str]:
    """Return the tuned parameters in the names of PEFT, which knows no word for all of them."""
    if settings.target_parameters != "all-experts":
        return sorted(settings.target_parameters)
    tuned = {name: one.tuned for name, one in layers.items() if isinstance(one, CohortExperts)}
    return short_names([f"{owner}.{one}" for owner, parameters in tuned.items() for one in parameters])
