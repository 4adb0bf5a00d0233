"""Products of float32 activations with bfloat16 weights on a GPU, at nearly the speed of bfloat16.

A number of float32 is split into two of bfloat16, of eight bits each, and their products, which are exact in float32, are summed there
(Henry, Tang & Heinecke 2019, "Leveraging the bfloat16 artificial intelligence datatype for higher-precision computations"). On an
H200, scores by a model of eight billion random weights then differ from those by products of float32 by 6e-4 nats at most, in less
than a third of the time; those of bfloat16 by .25. A third part changes nothing: as much is lost where the GPU sums (BENCHMARKS.md).
"""

import torch
from torch.nn import functional

PARTS = 2
AMPERE = (8, 0)  # the first GPUs that multiply bfloat16 themselves


def float32_linear(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, *, exact: bool = False
) -> torch.Tensor:
    """Return ``W x + b`` in float32, shape (..., out), for ``x`` of float32, shape (..., in), without gradient.

    ``weight``, shape (out, in), and ``bias`` are of any type. Products are those of float32 if they are to be ``exact``, or where
    nothing is gained by others.
    """
    bias = None if bias is None else bias.float()
    if exact or not has_split_products(x.device, weight.dtype):
        return functional.linear(x, weight.float(), bias)
    y = summed_products(x.reshape(-1, x.shape[-1]), weight)
    if bias is not None:
        y += bias
    return y.view(*x.shape[:-1], len(weight))


def has_split_products(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether products with weights of this type are split on a device."""
    if device.type != "cuda" or dtype != torch.bfloat16:
        return False
    return bool(torch.cuda.get_device_capability(device) >= AMPERE)


def summed_products(rows: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return ``rows`` of float32, shape (n, in), times the transposed ``weight`` of bfloat16, shape (out, in), in float32."""
    first, *others = (_product(part, weight) for part in split(rows))
    for product in others:
        first += product
    return first


def split(x: torch.Tensor) -> list[torch.Tensor]:
    """Return tensors of bfloat16 whose sum is ``x``, but for what the last one rounds; the smallest comes first."""
    parts: list[torch.Tensor] = []
    for _ in range(PARTS):
        parts.append(x.bfloat16())
        x = x - parts[-1]
    return parts[::-1]


def _product(part: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    if part.device.type == "cuda":
        return torch.mm(part, weight.T, out_dtype=torch.float32)
    return torch.mm(part.float(), weight.T.float())
