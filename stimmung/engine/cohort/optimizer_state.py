"""The moments of an optimizer: allocated before the first step, flattened for a checkpoint, and put back."""

from typing import Any

import torch


def allocate_state(optimizer: torch.optim.Optimizer) -> None:
    """Make the state that AdamW, of torch or of bitsandbytes, makes in its first step, parameter by parameter.

    In that step memory could run out between two parameters: half of the adapter would have done the step, and do it again.
    """
    for group_number, group in enumerate(optimizer.param_groups):
        for place, parameter in enumerate(group["params"]):
            if hasattr(optimizer, "init_state"):
                optimizer.init_state(group, parameter, group_number, place)
                continue
            counted_on_device = group["fused"] or group["capturable"]
            optimizer.state[parameter] = {
                "step": torch.zeros((), device=parameter.device if counted_on_device else "cpu"),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Flatten an optimizer's state to named tensors, by the number of the parameter."""
    # Not by state_dict: bitsandbytes hides its tensors there in a dictionary for FSDP. Its qmaps are constants, shared by all.
    return {
        f"{number}.{key}": torch.as_tensor(value)
        for number, parameter in enumerate(_parameters(optimizer))
        for key, value in optimizer.state[parameter].items()
        if not key.startswith("qmap")
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, flat: dict[str, torch.Tensor]) -> None:
    """Put back what ``optimizer_tensors`` returned, into the buffers that the optimizer allocates: paged ones stay paged."""
    if flat and not optimizer.state:
        allocate_state(optimizer)
    parameters = _parameters(optimizer)
    for name, tensor in flat.items():
        number, key = name.split(".", 1)
        state = optimizer.state[parameters[int(number)]]
        if isinstance(state[key], torch.Tensor):
            state[key].copy_(tensor)
        else:
            state[key] = tensor.item()


def _parameters(optimizer: torch.optim.Optimizer) -> list[Any]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
