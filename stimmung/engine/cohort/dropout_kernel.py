"""Dropout by hashing as one kernel for CUDA; ``dropout.hashes`` says the same in torch's operations."""

import torch
import triton  # type: ignore[import-not-found]
from triton import language as tl

BLOCK = 1024


@triton.jit
def _mixed(x):  # type: ignore[no-untyped-def]
    x = (x ^ (x >> 16)) * tl.full([], 0x7FEB352D, tl.uint32)
    x = (x ^ (x >> 15)) * tl.full([], 0x846CA68B, tl.uint32)
    return x ^ (x >> 16)


# Not specialised for the number of a layer: it would be compiled again, and a 1 becomes a constant that has no type.
@triton.jit(do_not_specialize=["layer"])  # type: ignore[untyped-decorator]
def _drop(x, out, keys, layer, n, shared, text, threshold, block: tl.constexpr):  # type: ignore[no-untyped-def]
    golden = tl.full([], 0x9E3779B9, tl.uint32)
    adapter = tl.program_id(1)
    place = tl.program_id(0) * block + tl.arange(0, block)
    own = place - shared
    of_text = own >= 0
    row = tl.where(of_text, 1 + own // text + tl.load(keys + 2 * adapter + 1).to(tl.int32), 0).to(tl.uint32)
    inside = tl.where(of_text, own % text, place).to(tl.uint32)
    seed = _mixed(tl.load(keys + 2 * adapter).to(tl.uint32) + layer.to(tl.uint32) * golden)
    number = _mixed(inside ^ _mixed(seed + row * golden))
    where = adapter.to(tl.int64) * n + place
    value = tl.load(x + where, mask=place < n)
    tl.store(out + where, tl.where(number.to(tl.int64) < threshold, 0.0, value), mask=place < n)


def drop_hashed(
    x: torch.Tensor, out: torch.Tensor, keys: torch.Tensor, layer: int, shared: int, text: int, threshold: int
) -> None:
    """Write ``x``, shape (adapters, tokens, features), into ``out`` with zeros where the hash is below ``threshold``.

    Both are contiguous and may be the same; an adapter has fewer than 2^31 entries.
    """
    n = x[0].numel()
    _drop[(triton.cdiv(n, BLOCK), len(x))](x, out, keys, layer, n, shared, text, threshold, block=BLOCK)
