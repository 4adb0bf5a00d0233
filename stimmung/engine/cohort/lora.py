"""K LoRA adapters on one resident base, which runs once over all rows: every linear layer applies adapter k to its rows."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers.conversion_mapping import _MODEL_TO_CONVERSION_PATTERN
from transformers.pytorch_utils import Conv1D

from stimmung.engine.base.base_model import Base
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.training import Lora

BASE_ONLY = -1  # rows that no adapter touches
# Where transformers keeps experts in one tensor, PEFT 0.21 takes these names of layers for the experts that they once were, also in
# blocks that are none (peft/utils/transformers_weight_conversion.py). It could not load adapters of such layers.
TAKEN_FOR_EXPERTS = {
    "mixtral": {"gate", "w1", "w2", "w3"},
    "qwen2_moe": {"gate", "gate_proj", "up_proj", "down_proj"},
}
DRAWS = 2**16  # possible values of the random number that decides an entry of a dropout mask


@dataclass(frozen=True)
class Slice:
    """The rows ``start`` to ``stop`` of a batch, which belong to one adapter.

    ``dropout_key`` is a number for this adapter, step and pass: masks drawn from it do not depend on other adapters. ``dropout_rows``
    and ``length`` are those of the adapter's whole batch, from which this slice begins at ``dropout_row``.
    """

    adapter: int
    start: int
    stop: int
    dropout_key: int = 0
    dropout_row: int = 0
    dropout_rows: int = 0
    length: int = 0


@dataclass
class Layout:
    """Which rows of the running batch belong to which adapter; shared by all layers of a cohort."""

    slices: Sequence[Slice] = ()
    dropout: bool = False

    @property
    def even(self) -> bool:
        """Whether all slices are adapters' and have equally many rows."""
        sizes = {one.stop - one.start for one in self.slices}
        return len(sizes) == 1 and all(one.adapter != BASE_ONLY for one in self.slices)


class CohortLinear(nn.Module):
    """A frozen linear layer and the K adapters of it."""

    def __init__(self, base: nn.Module, settings: Lora, layout: Layout, number: int) -> None:
        super().__init__()
        self.base = base
        self.settings = settings
        self.layout = layout
        self.number = number  # of this layer in the cohort: makes its dropout masks its own
        self.lora_a = nn.ParameterList()
        self.lora_b = nn.ParameterList()
        self.biases = nn.ParameterList()

    @property
    def tunes_bias(self) -> bool:
        """Whether each adapter has its own copy of this layer's bias."""
        return self.settings.bias != "none" and self.base.bias is not None

    @property
    def matrices(self) -> dict[str, nn.ParameterList]:
        """What each adapter has of this layer: A with shape (r, in), B with shape (out, r), maybe the bias."""
        named = {"lora_A": self.lora_a, "lora_B": self.lora_b}
        return {**named, "bias": self.biases} if self.tunes_bias else named

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``W x + scale * B_k A_k dropout(x)`` for rows of adapter k; ``x`` has shape (rows, tokens, features)."""
        slices = self.layout.slices
        if x.dim() == 2 and slices:  # OPT flattens rows and tokens before its feed-forward block
            return self.forward(x.view(slices[-1].stop, -1, x.shape[-1])).flatten(0, 1)
        y: torch.Tensor = self.base(x)
        if not slices:
            return y
        if self.layout.even:
            return self._together(x, y, slices)
        parts = [
            y[one.start : one.stop]
            if one.adapter == BASE_ONLY
            else self._together(x[one.start : one.stop], y[one.start : one.stop], [one])
            for one in slices
        ]
        return torch.cat(parts)

    def _together(self, x: torch.Tensor, y: torch.Tensor, slices: Sequence[Slice]) -> torch.Tensor:
        """Add the adapters' products to ``y`` for slices of equally many rows, in one batched product each."""
        scale = self.settings.scale
        if self.tunes_bias:
            shifts = torch.stack([self.biases[one.adapter] - self.base.bias.float() for one in slices])
            shifts = shifts.repeat_interleave(len(y) // len(slices), dim=0)
            y = y + shifts[:, None].to(y.dtype)
        if self.layout.dropout:
            pieces = x.split(len(x) // len(slices))
            dropped = [self._dropped(piece, one) for piece, one in zip(pieces, slices, strict=True)]
            x = dropped[0] if len(dropped) == 1 else torch.cat(dropped)  # which copies even one
            scale /= 1 - self._drop / DRAWS
        # The scale is applied to B, which is small, and the sum is part of the product: both save memory traffic on a CPU.
        a = [self.lora_a[one.adapter].to(x.dtype).T for one in slices]
        b = [(self.lora_b[one.adapter] * scale).to(x.dtype).T for one in slices]
        if len(slices) == 1:
            flat = torch.addmm(y.reshape(-1, y.shape[-1]), x.reshape(-1, x.shape[-1]) @ a[0], b[0])
            return flat.view(y.shape)
        inner = torch.bmm(x.reshape(len(slices), -1, x.shape[-1]), torch.stack(a))
        return torch.baddbmm(y.reshape(len(slices), -1, y.shape[-1]), inner, torch.stack(b)).view(y.shape)

    @property
    def _drop(self) -> int:
        """How many of the ``DRAWS`` values of a draw drop an entry."""
        return round(self.settings.lora_dropout * DRAWS)

    def _dropped(self, rows: torch.Tensor, one: Slice) -> torch.Tensor:
        """Put zeros where the adapter's own mask drops an entry; padding beyond the adapter's own length needs none.

        A draw of 64 bits gives four entries of the mask: otherwise drawing takes a fifth of the time on a CPU.
        """
        generator = torch.Generator(device=rows.device)
        generator.manual_seed((one.dropout_key * 10_007 + self.number) % 2**63)
        count = one.dropout_rows * one.length * rows.shape[-1]
        draws = torch.empty(-(-count // 4), device=rows.device, dtype=torch.int64)
        draws.random_(-(2**63), None, generator=generator)
        draws = draws.view(torch.int16)[:count].view(one.dropout_rows, one.length, -1)
        draws = draws[one.dropout_row : one.dropout_row + len(rows), : rows.shape[1]]
        # Compared straight into the rows' type: going through booleans takes four times as long on a CPU.
        kept = torch.ge(draws, self._drop - DRAWS // 2, out=rows.new_empty(draws.shape))
        if behind := rows.shape[1] - kept.shape[1]:
            kept = functional.pad(kept, (0, 0, 0, behind))
        return rows * kept


@dataclass
class Cohort:
    """The adapters that are attached to a base: its wrapped linear layers by name, in the model's order.

    ``layout`` is set before each forward pass.
    """

    base: Base
    settings: Lora
    layers: dict[str, CohortLinear]
    layout: Layout = field(default_factory=Layout)

    @property
    def size(self) -> int:
        """How many adapters there are."""
        return len(next(iter(self.layers.values())).lora_a)

    def parameters_of(self, adapter: int) -> dict[str, nn.Parameter]:
        """Return the weights of one adapter by name, A and B of each layer; A has shape (r, in), B (out, r)."""
        return {
            f"{name}.{key}": adapters[adapter]
            for name, layer in self.layers.items()
            for key, adapters in layer.matrices.items()
        }

    def add(self, weights: dict[str, torch.Tensor]) -> int:
        """Add an adapter with the given weights and return its number."""
        for name, layer in self.layers.items():
            for key, where in layer.matrices.items():
                tensor = weights[f"{name}.{key}"].to(device=self.base.device, dtype=torch.float32)
                where.append(nn.Parameter(tensor.clone()))
        return self.size - 1


@contextmanager
def attached(base: Base, settings: Lora) -> Iterator[Cohort]:
    """Attach an empty cohort to ``base`` and detach it at the end; the base's weights are never changed.

    Raises InputError if a target module is not in the model, or ``bias: all`` meets a bias outside the target modules.
    """
    layout = Layout()
    names = target_names(base.model, settings.target_modules)
    if settings.bias == "all":
        _check_biases(base.model, names)
    layers = {}
    for number, name in enumerate(names):
        layers[name] = CohortLinear(base.model.get_submodule(name), settings, layout, number)
        base.model.set_submodule(name, layers[name])
    try:
        yield Cohort(base, settings, layers, layout)
    finally:
        for name, layer in layers.items():
            base.model.set_submodule(name, layer.base)


def initial_weights(cohort: Cohort, seed: int) -> dict[str, torch.Tensor]:
    """Draw an adapter on the CPU as PEFT does: A from Kaiming-uniform with a = sqrt(5), B zero, so that it begins as the base."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, layer in cohort.layers.items():
        n_in, n_out = features(layer.base)
        bound = 1 / math.sqrt(n_in)  # Kaiming-uniform with a = sqrt(5) is uniform within 1 / sqrt(fan in)
        a = torch.empty(cohort.settings.r, n_in).uniform_(-bound, bound, generator=generator)
        weights[f"{name}.lora_A"] = a
        weights[f"{name}.lora_B"] = torch.zeros(n_out, cohort.settings.r)
        if layer.tunes_bias:
            weights[f"{name}.bias"] = layer.base.bias.detach().float().cpu().clone()
    return weights


def features(layer: Any) -> tuple[int, int]:
    """Return how many features a linear layer reads and writes, also where its weight is packed or transposed, as in GPT-2."""
    if isinstance(layer, Conv1D):
        return layer.nx, layer.nf
    return layer.in_features, layer.out_features


def target_names(model: Any, target_modules: str | Sequence[str]) -> list[str]:
    """Return the full names of the linear layers that get an adapter, in the model's order.

    Experts are no linear layers, but parameters of three dimensions: no adapter reaches them. Raises InputError if a name matches no
    linear layer that PEFT could load an adapter of, or the model has none.
    """
    kind = model.config.model_type
    taken = TAKEN_FOR_EXPERTS.get({**_MODEL_TO_CONVERSION_PATTERN, "mixtral": "mixtral"}.get(kind, ""), set())
    head = model.get_output_embeddings()
    linear = {
        name: name.rsplit(".", 1)[-1]
        for name, module in model.named_modules()
        if (
            isinstance(module, Conv1D) or (hasattr(module, "in_features") and hasattr(module, "out_features"))
        )
        and module is not head
    }
    if not linear:
        kinds = sorted({type(module).__name__ for module in model.modules() if hasattr(module, "weight")})
        raise InputError(
            f"the {model.config.model_type} model has no linear layer that can be tuned, only {', '.join(kinds)}",
            "Use a model of another architecture.",
        )
    if target_modules == "all-linear":
        return [name for name, last in linear.items() if last not in taken]
    if meant := [one for one in target_modules if one in taken]:
        raise InputError(
            f"target_modules: PEFT takes '{meant[0]}' of a {kind} model for a part of its experts, which cannot be tuned",
            "Leave it out, or set `target_modules: all-linear`.",
        )
    available = set(linear.values())
    if unknown := [one for one in target_modules if one not in available]:
        hint = f"It has: {', '.join(sorted(available))}."
        raise InputError(f"target_modules: the model has no linear layer '{unknown[0]}'", hint)
    return [name for name, last in linear.items() if last in target_modules]


def _check_biases(model: Any, names: Sequence[str]) -> None:
    biases = {name.removesuffix(".bias") for name, _ in model.named_parameters() if name.endswith(".bias")}
    if outside := sorted(biases - set(names)):
        raise InputError(
            f"bias: all would tune the bias of '{outside[0]}', which is not a target module",
            "Set `target_modules: all-linear`, or `bias: lora_only`; biases of norms cannot be tuned here.",
        )
