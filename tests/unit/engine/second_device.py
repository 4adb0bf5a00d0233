"""A device of tensors that really compute, and that no tensor of the CPU can meet unnoticed: what a GPU would say.

Tensors that are elsewhere call themselves `meta`, hold their numbers on the CPU, and refuse every operation with a tensor that was not
brought to them, as CUDA does. Numbers of no dimension may mix, and indices of the CPU may index, also as with CUDA.
"""

from contextlib import contextmanager

import torch
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

NAME = "meta"
MOVES = {torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default, torch.ops.aten.to.device}
INDEXES = {
    torch.ops.aten.index.Tensor,
    torch.ops.aten.index_put.default,
    torch.ops.aten.index_put_.default,
    torch.ops.aten._index_put_impl_.default,
}


class Elsewhere(torch.Tensor):
    """A tensor on the second device."""

    @staticmethod
    def __new__(cls, real):
        return torch.Tensor._make_wrapper_subclass(
            cls,
            real.size(),
            strides=real.stride(),
            storage_offset=real.storage_offset(),
            dtype=real.dtype,
            device=NAME,
        )

    def __init__(self, real):
        self.held = real

    def __repr__(self):
        return f"Elsewhere({self.held})"

    @classmethod
    def __torch_dispatch__(cls, operation, types, arguments=(), options=None):
        return _run(operation, arguments, options or {})


class MixedDevicesError(RuntimeError):
    """An operation had tensors of both devices."""


class _Dispatch(TorchDispatchMode):
    def __torch_dispatch__(self, operation, types, arguments=(), options=None):
        return _run(operation, arguments, options or {})


class _Functions(TorchFunctionMode):
    def __torch_function__(self, function, types, arguments=(), options=None):
        options = dict(options or {})
        if function is torch.Tensor.tolist and isinstance(arguments[0], Elsewhere):
            return arguments[0].held.tolist()
        # torch leaves the numbers out where it is asked for a tensor of the device `meta`, and makes one of a list of indices.
        if function in (torch.Tensor.__getitem__, torch.Tensor.__setitem__):
            arguments = (
                arguments[0],
                pytree.tree_map(_index, arguments[1], is_leaf=_is_list),
                *arguments[2:],
            )
        if function is torch.tensor and torch.device(options.get("device") or "cpu").type == NAME:
            return function(*arguments, **{**options, "device": "cpu"}).to(NAME)
        return function(*arguments, **options)


def _is_list(index):
    return isinstance(index, list)


def _index(index):
    return torch.tensor(index) if _is_list(index) else index


@contextmanager
def second_device():
    """Within, `.to("meta")` and `device="meta"` give tensors of the second device."""
    with _Functions(), _Dispatch():
        yield


def move(module):
    """Bring a module's parameters and buffers to the second device."""
    for one in module.modules():
        for name, parameter in one._parameters.items():
            if parameter is not None:
                moved = Elsewhere(parameter.data)
                one._parameters[name] = torch.nn.Parameter(moved, requires_grad=parameter.requires_grad)
        for name, buffer in one._buffers.items():
            if buffer is not None:
                one._buffers[name] = Elsewhere(buffer)
    return module


def _run(operation, arguments, options):
    leaves = pytree.arg_tree_leaves(*arguments, **options)
    there = any(isinstance(leaf, Elsewhere) for leaf in leaves)
    here = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor) and not isinstance(leaf, Elsewhere)]
    if there and operation not in MOVES and operation not in INDEXES and any(one.dim() for one in here):
        raise MixedDevicesError(f"{operation}: shapes {[tuple(one.shape) for one in here]} are on the CPU")
    asked = [leaf for leaf in leaves if isinstance(leaf, torch.device)]
    stays = asked[0].type == NAME if asked else there
    bare, named = pytree.tree_map_only(Elsewhere, lambda one: one.held, (arguments, options))
    bare, named = pytree.tree_map_only(torch.device, lambda _: torch.device("cpu"), (bare, named))
    found = operation(*bare, **named)
    if not stays:
        return found
    if "out" in options:
        return options["out"]
    first = operation._schema.arguments[0].alias_info if operation._schema.arguments else None
    if first is not None and first.is_write:
        return arguments[0]
    return pytree.tree_map_only(torch.Tensor, Elsewhere, found)
