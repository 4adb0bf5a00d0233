"""Root-mean-square norms of a frozen model, with a backward pass in closed form.

A norm (Zhang & Sennrich 2019) is replaced only where it computes ``w * x / sqrt(mean(x^2) + eps)`` in float32, as Llama's and those
of many relatives do: it is asked, and must give the same bits. In float32 torch's own function gives them too, forwards and backwards,
by one kernel on CUDA. In 16 bits it does not: it multiplies by ``w`` before it rounds, transformers after. So there it norms a float32
copy without ``w``, which is made again in the backward pass: by one kernel on CUDA, on a CPU by the operations that it consists of,
with the gradient in closed form.
"""

import inspect
from typing import Any

import torch
from torch import nn
from torch.nn import functional


def use_own_norms(model: Any) -> None:
    """Replace the norms of a frozen model that are standard ones; others stay as they are."""
    for name, module in list(model.named_modules()):
        if type(module).__name__.endswith("RMSNorm") and _is_standard(module):
            model.set_submodule(name, StandardNorm(module))


class StandardNorm(nn.Module):
    """``w * x / sqrt(mean(x^2) + eps)``, the mean over the last dimension."""

    def __init__(self, replaced: Any) -> None:
        super().__init__()
        self.weight = replaced.weight
        self.eps = _eps(replaced) or 0.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the normed ``x``, in its type and shape."""
        if x.dtype == self.weight.dtype == torch.float32:
            return functional.rms_norm(x, self.weight.shape, self.weight, self.eps)
        if x.requires_grad and torch.is_grad_enabled():
            return _Normed.apply(x, self.weight, self.eps)
        return _normed(x, self.weight, self.eps)[0]


class _Normed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
        y, scale = _normed(x, weight, eps)
        ctx.save_for_backward(x, weight, scale)
        ctx.eps = eps
        return y

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        x, weight, scale = ctx.saved_tensors
        if scale is None:
            with torch.enable_grad():
                wide = x.detach().float().requires_grad_()
                normed = functional.rms_norm(wide, weight.shape, None, ctx.eps)
            return torch.autograd.grad(normed, wide, (g * weight).float())[0].to(x.dtype), None, None
        of_normed, normed = g.float() * weight.float(), x.float() * scale
        along = (of_normed * normed).mean(-1, keepdim=True)
        return of_normed.addcmul_(normed, along, value=-1).mul_(scale).to(x.dtype), None, None


def is_fused(x: torch.Tensor) -> bool:
    """Whether torch norms a tensor of float32 in one kernel."""
    return bool(x.device.type == "cuda")


def _normed(x: torch.Tensor, weight: torch.Tensor, eps: float) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return what transformers' norms do, rounding where they do, and, unless it was fused, the scale of each row in float32."""
    wide = x.float()
    if is_fused(x):
        return weight * functional.rms_norm(wide, weight.shape, None, eps).to(x.dtype), None
    scale = torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)
    return weight * (wide * scale).to(x.dtype), scale


def _is_standard(module: Any) -> bool:
    """Whether a norm gives the bits that ``StandardNorm`` gives, and takes nothing but ``x``: a gate would be lost."""
    weight, eps = getattr(module, "weight", None), _eps(module)
    takes_x_only = len(inspect.signature(type(module).forward).parameters) == 2
    touched = "forward" in vars(module) or module._forward_hooks or module._forward_pre_hooks
    if weight is None or weight.dim() != 1 or weight.requires_grad or not eps or not takes_x_only or touched:
        return False
    x = torch.randn(4, len(weight), generator=torch.Generator().manual_seed(0)).to(weight)
    with torch.no_grad():
        wide = x.float()
        plain = weight * (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)).to(x.dtype)
        return bool(torch.equal(module(x), plain))


def _eps(module: Any) -> float | None:
    return getattr(module, "variance_epsilon", getattr(module, "eps", None))
