"""K LoRA adapters on one resident base, which runs once over all rows: every linear layer applies adapter k to its rows."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from transformers.conversion_mapping import _MODEL_TO_CONVERSION_PATTERN
from transformers.pytorch_utils import Conv1D

from stimmung.engine.base.base_model import Base
from stimmung.engine.base.frozen_linear import is_known, known_gradient, known_product
from stimmung.engine.cohort.dropout import Dropout, is_hashed
from stimmung.engine.cohort.expert_parameters import CohortExperts
from stimmung.engine.cohort.expert_targets import target_experts
from stimmung.engine.cohort.slices import Group, Layout
from stimmung.engine.cohort.stacked import drawn, no_adapters, with_adapter
from stimmung.engine.cohort.uneven_slices import add_uneven_gradients, add_uneven_products, uneven_slices
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.training import Lora

# Where transformers keeps experts in one tensor, PEFT 0.21 takes these names of layers for the experts that they once were, also in
# blocks that are none (peft/utils/transformers_weight_conversion.py). It could not load adapters of such layers.
TAKEN_FOR_EXPERTS = {
    "mixtral": {"gate", "w1", "w2", "w3"},
    "qwen2_moe": {"gate", "gate_proj", "up_proj", "down_proj"},
}


class CohortLinear(nn.Module):
    """A frozen linear layer and the K adapters of it: A with shape (K, r, in), B with shape (K, out, r), maybe biases (K, out)."""

    def __init__(self, base: nn.Module, settings: Lora, layout: Layout, number: int) -> None:
        super().__init__()
        self.base = base
        self.settings = settings
        self.layout = layout
        self.number = number  # of this layer in the cohort: makes its dropout masks its own
        n_in, n_out = features(base)
        self.lora_a = no_adapters(settings.r, n_in, device=layout.device)
        self.lora_b = no_adapters(n_out, settings.r, device=layout.device)
        self.biases = no_adapters(n_out, device=layout.device) if self.tunes_bias else None

    @property
    def tunes_bias(self) -> bool:
        """Whether each adapter has its own copy of this layer's bias."""
        return self.settings.bias != "none" and self.base.bias is not None

    @property
    def matrices(self) -> dict[str, nn.Parameter]:
        """What the adapters have of this layer, by PEFT's names."""
        named = {"lora_A": self.lora_a, "lora_B": self.lora_b}
        return named if self.biases is None else {**named, "bias": self.biases}

    def add(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Add an adapter by its matrices."""
        self.lora_a = with_adapter(self.lora_a, weights["lora_A"])
        self.lora_b = with_adapter(self.lora_b, weights["lora_B"])
        if self.biases is not None:
            self.biases = with_adapter(self.biases, weights["bias"])

    def draw(self, generator: torch.Generator) -> dict[str, torch.Tensor]:
        """Draw an adapter's matrices as PEFT does."""
        n_in, n_out = features(self.base)
        weights = drawn(self.settings.r, n_in, n_out, generator)
        if self.tunes_bias:
            weights["bias"] = self.base.bias.detach().float().cpu().clone()
        return weights

    def allocate_gradients(self) -> None:
        """Make the gradients, of zeros, unless there are some."""
        for stacked in self.matrices.values():
            if stacked.grad is None:
                stacked.grad = torch.zeros_like(stacked)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``W x + scale * B_k A_k dropout(x)`` for rows of adapter k; ``x`` has shape (rows, tokens, features)."""
        slices = self.layout.slices
        if x.dim() == 2 and slices:  # OPT flattens rows and tokens before its feed-forward block
            return self.forward(x.view(slices[-1].stop, -1, x.shape[-1])).flatten(0, 1)
        if not self.layout.groups:
            return self.base(x)
        if not torch.is_grad_enabled():
            return self.add_products(x, self.base(x))[0]
        y = None if is_known(self.base, x.dtype) else self.base(x)
        return _Adapted.apply(x, y, self, *self.matrices.values())

    def add_products(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, list[Any]]:
        """Add to ``y``, the base's product, those of the adapters, and return it with what the backward pass needs.

        That is for each group: what the adapters read, A times that, A, B, and its dropout.
        """
        kept: list[Any] = []
        x, y = x.contiguous(), y.contiguous()
        hashed, scale, lora_a, lora_b = is_hashed(x), self.scale, self.lora_a.data, self.lora_b.data
        for group in self.layout.groups:
            k = group.adapters
            read, out = _stacked(x, group), _stacked(y, group)
            dropout = self.dropout_of(group, x.shape[1], x.shape[-1])
            dropped = read if dropout is None else dropout.of(read)
            down, up = lora_a[k].to(x.dtype), lora_b[k].to(x.dtype)
            inner = torch.bmm(dropped, down.transpose(1, 2))
            out.baddbmm_(inner, up.transpose(1, 2), alpha=scale)
            if self.biases is not None:
                out += (self.biases.data[k] - self.base.bias.float()).to(y.dtype)[:, None]
            kept += [read if dropout is None or hashed else dropped, inner, down, up, dropout]
        return y, kept

    @property
    def sizes(self) -> tuple[int, int, int]:
        """The rank of the adapters, and how many features the layer reads and writes."""
        return self.lora_a.shape[1], self.lora_a.shape[2], self.lora_b.shape[1]

    @property
    def scale(self) -> float:
        """The factor of the adapters' products; with dropout, also for what was dropped."""
        return self.settings.scale / (1 - self.settings.lora_dropout if self.layout.dropout else 1)

    def dropout_of(self, group: Group, n_tokens: int, n_features: int) -> Dropout | None:
        """Return the dropout of this layer's input for a group, in rows of ``n_tokens`` tokens; None where there is none."""
        layout = self.layout
        if not layout.dropout:
            return None
        at_places = n_tokens != layout.tokens
        shared = 0 if at_places else layout.shared
        return Dropout(
            group,
            self.number,
            self.settings.lora_dropout,
            shared,
            texts=(group.slices[0].stop - group.slices[0].start) * layout.texts,
            width=(n_tokens - shared) // layout.texts,
            at_places=at_places,
            features=n_features,
        )


class _Adapted(torch.autograd.Function):
    """A frozen linear layer plus the adapters' products, forwards and backwards, a few batched products for each group.

    Gradients of the adapters are added to ``grad`` of their stacked parameters at once: through autograd each would be a copy.
    """

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, y: torch.Tensor | None, layer: CohortLinear, *parameters: torch.Tensor
    ) -> torch.Tensor:
        del parameters  # so that the result needs a gradient, also where ``x`` needs none
        ctx.layer, ctx.groups, ctx.scale = layer, layer.layout.groups, layer.scale
        ctx.base_is_known = y is None
        y = known_product(layer.base, x) if y is None else y.clone()
        ctx.uneven = None if layer.biases is not None else uneven_slices(layer.layout, x, layer.sizes)
        if ctx.uneven is None:
            y, kept = layer.add_products(x, y)
        else:
            y = y.contiguous()
            kept = add_uneven_products(layer, ctx.uneven, x, y)
        ctx.dropouts = kept[4::5]
        ctx.save_for_backward(*(one for place, one in enumerate(kept) if place % 5 < 4))
        return y

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        layer, scale, saved = ctx.layer, ctx.scale, ctx.saved_tensors
        g = g.contiguous()
        of_x = None
        if ctx.needs_input_grad[0]:
            n_in = saved[0].shape[-1]
            of_x = known_gradient(layer.base, g) if ctx.base_is_known else g.new_zeros(*g.shape[:-1], n_in)
        if layer.lora_a.grad is None:
            layer.allocate_gradients()
        if ctx.uneven is not None:
            add_uneven_gradients(layer, ctx.uneven, g, saved, ctx.dropouts[0], scale, of_x)
            return of_x, None if ctx.base_is_known else g, *(None for _ in ctx.needs_input_grad[2:])
        of_a, of_b = layer.lora_a.grad, layer.lora_b.grad
        for number, (group, dropout) in enumerate(zip(ctx.groups, ctx.dropouts, strict=True)):
            read, inner, down, up = saved[4 * number : 4 * number + 4]
            dropped = dropout.of(read) if dropout is not None and is_hashed(read) else read
            k, out = group.adapters, _stacked(g, group)
            of_inner = torch.bmm(out, up)
            _add_product(of_b[k], out.transpose(1, 2), inner, scale)
            _add_product(of_a[k], of_inner.transpose(1, 2), dropped, scale)
            if layer.biases is not None:
                layer.biases.grad[k] += out.sum(1, dtype=torch.float32)
            if of_x is None:
                continue
            if dropout is None:
                _stacked(of_x, group).baddbmm_(of_inner, down, alpha=scale)
            else:
                _stacked(of_x, group).add_(dropout.of_(torch.bmm(of_inner, down)), alpha=scale)
        return of_x, None if ctx.base_is_known else g, *(None for _ in ctx.needs_input_grad[2:])


def _stacked(x: torch.Tensor, group: Group) -> torch.Tensor:
    """Return a view of a group's rows, one long row for each adapter: shape (adapters, tokens, features)."""
    return x[group.rows].view(len(group.slices), -1, x.shape[-1])


def _add_product(total: torch.Tensor, one: torch.Tensor, other: torch.Tensor, scale: float) -> None:
    """Add ``scale`` times a batched product to a float32 tensor, to which a product of bfloat16 cannot be added on the way."""
    if one.dtype == total.dtype:
        total.baddbmm_(one, other, alpha=scale)
    else:
        total.add_(torch.bmm(one, other), alpha=scale)


@dataclass
class Cohort:
    """The adapters that are attached to a base: its wrapped linear layers by name, in the model's order, and then its experts.

    ``layout`` is set before each forward pass.
    """

    base: Base
    settings: Lora
    layers: dict[str, CohortLinear | CohortExperts]
    layout: Layout
    _views: dict[int, dict[str, nn.Parameter]] = field(default_factory=dict)
    _gradients: torch.Tensor | None = None

    @property
    def size(self) -> int:
        """How many adapters there are."""
        return len(next(iter(next(iter(self.layers.values())).matrices.values())))

    def parameters_of(self, adapter: int) -> dict[str, nn.Parameter]:
        """Return the weights of one adapter by name, A and B of each layer; A has shape (r, in), B (out, r).

        They and their gradients are views of the stacked ones: what is done to one is done to the other, until the next ``add``.
        """
        if adapter not in self._views:
            self._views[adapter] = {
                f"{name}.{key}": _view(stacked, adapter)
                for name, layer in self.layers.items()
                for key, stacked in layer.matrices.items()
            }
        return self._views[adapter]

    def add(self, weights: dict[str, torch.Tensor]) -> int:
        """Add an adapter with the given weights and return its number."""
        self._views.clear()
        for name, layer in self.layers.items():
            layer.add({key: weights[f"{name}.{key}"] for key in layer.matrices})
        return self.size - 1

    def allocate_gradients(self) -> None:
        """Make the gradients of all adapters, of zeros, before views of them are taken."""
        stacked = [one for layer in self.layers.values() for one in layer.matrices.values()]
        self._views.clear()
        self._gradients = torch.zeros(sum(one.numel() for one in stacked), device=self.base.device)
        pieces = self._gradients.split([one.numel() for one in stacked])
        for one, piece in zip(stacked, pieces, strict=True):
            one.grad = piece.view(one.shape)

    def zero_gradients(self) -> None:
        """Set the gradients of all adapters to zero, in one kernel."""
        if self._gradients is not None:
            self._gradients.zero_()


@contextmanager
def attached(base: Base, settings: Lora) -> Iterator[Cohort]:
    """Attach an empty cohort to ``base`` and detach it at the end; the base's weights are never changed.

    Raises InputError if a target module or parameter is not in the model or cannot be tuned, or ``bias: all`` meets a bias outside
    the target modules.
    """
    layout = Layout(base.device)
    names = target_names(base.model, settings.target_modules)
    if settings.bias == "all":
        _check_biases(base.model, names)
    tuned = target_experts(base.model, settings.target_parameters)
    layers: dict[str, CohortLinear | CohortExperts] = {
        name: CohortLinear(base.model.get_submodule(name), settings, layout, number)
        for number, name in enumerate(names)
    }
    for name, parameters in tuned.items():
        layers[name] = CohortExperts(base.model.get_submodule(name), parameters, settings, layout)
    for name, layer in layers.items():
        base.model.set_submodule(name, layer)
    try:
        yield Cohort(base, settings, layers, layout)
    finally:
        for name, layer in layers.items():
            base.model.set_submodule(name, layer.base)


def initial_weights(cohort: Cohort, seed: int) -> dict[str, torch.Tensor]:
    """Draw an adapter on the CPU as PEFT does: A from Kaiming-uniform with a = sqrt(5), B zero, so that it begins as the base."""
    generator = torch.Generator().manual_seed(seed)
    return {
        f"{name}.{key}": one
        for name, layer in cohort.layers.items()
        for key, one in layer.draw(generator).items()
    }


def _view(stacked: nn.Parameter, adapter: int) -> nn.Parameter:
    view = nn.Parameter(stacked.data[adapter])
    view.grad = None if stacked.grad is None else stacked.grad[adapter]
    return view


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
