"""Which parameters of a model hold experts, what a user calls them, and whether adapters of them can be trained."""

import re
from collections.abc import Sequence
from typing import Any

from torch.nn.modules.conv import _ConvNd

from stimmung.vocabulary.errors import InputError


def shape_of(experts: Any, parameter: str) -> tuple[int, int, int]:
    """Return how many experts a parameter holds, and how many features each reads and writes."""
    n_experts, one, other = getattr(experts, parameter).shape
    return (n_experts, one, other) if experts.is_transposed else (n_experts, other, one)


def expert_parameters(model: Any) -> list[str]:
    """Return the full names of the parameters that hold the experts of a layer in three dimensions, in the model's order."""
    return [
        f"{owner}.{name}"
        for owner, module in model.named_modules()
        if not isinstance(module, _ConvNd)
        for name, one in module.named_parameters(recurse=False)
        if one.ndim == 3
    ]


def short_names(parameters: Sequence[str]) -> list[str]:
    """Return what parameters are called within their layer, each name once: such as mlp.experts.down_proj."""
    return sorted({re.split(r"\.\d+\.", name)[-1] for name in parameters})


def target_experts(model: Any, target_parameters: str | Sequence[str]) -> dict[str, list[str]]:
    """Return the modules that hold experts which get an adapter, by full name, and which of their parameters, in the model's order.

    Raises InputError if a name matches no expert parameter, or these experts are none that can be tuned here.
    """
    if not target_parameters:
        return {}
    present, kind = expert_parameters(model), model.config.model_type
    wanted = [""] if target_parameters == "all-experts" else [f".{name}" for name in target_parameters]
    for name in wanted:
        if not any(f".{one}".endswith(name) for one in present):
            hint = (
                f"It has: {', '.join(short_names(present))}." if present else "Leave it out for this model."
            )
            raise InputError(
                f"target_parameters: the {kind} model has no {f'expert parameter {name[1:]!r}' if present else 'experts'}",
                hint,
            )
    found: dict[str, list[str]] = {}
    for one in present:
        if any(f".{one}".endswith(name) for name in wanted):
            owner, _, parameter = one.rpartition(".")
            found.setdefault(owner, []).append(parameter)
    for owner, parameters in found.items():
        if not _can_be_tuned(model.get_submodule(owner), parameters):
            raise InputError(
                f"target_parameters: the experts of the {kind} model are computed in a way of their own, which cannot be tuned here",
                "Leave target_parameters out: adapters of all linear layers can be trained.",
            )
    return found


def tunable_experts(model: Any) -> list[str]:
    """Return what a user may name as ``target_parameters`` of a model; nothing if some of its experts cannot be tuned."""
    try:
        found = target_experts(model, "all-experts")
    except InputError:
        return []
    return short_names([f"{owner}.{one}" for owner, parameters in found.items() for one in parameters])


def _can_be_tuned(experts: Any, parameters: Sequence[str]) -> bool:
    """Whether experts are computed as transformers' own ``grouped_mm_experts_forward`` does it, which classes declare."""
    declared = all(
        hasattr(experts, name) for name in ("has_gate", "has_bias", "is_transposed", "_apply_gate")
    )
    return declared and set(parameters) <= {"gate_up_proj" if experts.has_gate else "up_proj", "down_proj"}
