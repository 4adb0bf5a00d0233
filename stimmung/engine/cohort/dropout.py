"""Dropout that is drawn again from a seed wherever it is needed, the same for an adapter whatever stands beside it in the batch.

A CPU draws the places of the dropped entries only, a twentieth of all where dropout is .05. CUDA hashes the place of every entry,
forwards and backwards, so that neither a mask nor a second copy of the input is kept.
"""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import torch

from stimmung.engine.cohort.slices import Group

logger = logging.getLogger(__name__)

drop_hashed: Callable[..., None] | None
try:
    from stimmung.engine.cohort.dropout_kernel import drop_hashed
except ImportError:  # no Triton: torch's own operations give the same numbers, more slowly
    drop_hashed = None

# Shifts and factors of a 32-bit hash of low bias (Wellons 2018, "Prospecting for hash functions", lowbias32).
MIX = ((16, 0x7FEB352D), (15, 0x846CA68B))
LAST_SHIFT = 16
GOLDEN = 0x9E3779B9  # 2^32 / golden ratio: spreads neighbouring numbers
BITS = 0xFFFFFFFF


@dataclass(frozen=True)
class Dropout:
    """The dropped entries of what one layer reads for the adapters of a group, shape (adapters, tokens, features).

    An adapter's tokens are ``shared`` ones, and then ``texts`` texts of ``width`` tokens each. They are those that carry loss only, if
    ``at_places``.
    """

    group: Group
    layer: int
    share: float
    shared: int
    texts: int
    width: int
    at_places: bool
    features: int

    def of(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``x`` with zeros for dropped entries."""
        if is_hashed(x):
            return self._hashed(x.contiguous(), torch.empty_like(x, memory_format=torch.contiguous_format))
        return self.of_(x.clone(memory_format=torch.contiguous_format))

    def of_(self, x: torch.Tensor) -> torch.Tensor:
        """Put zeros into ``x``, which is contiguous, for dropped entries."""
        if is_hashed(x):
            return self._hashed(x, x)
        x.view(-1).index_fill_(0, self.positions.to(x.device), 0)
        return x

    @cached_property
    def positions(self) -> torch.Tensor:
        """The places of dropped entries in the flattened input; a few are there twice.

        As many are drawn for each text, with replacement, as leave an entry out with the wanted probability: m draws of n do with
        1 - (1 - 1/n)^m. An adapter's own texts may be shorter than ``width``: what follows is padding, and needs no dropout.
        """
        drawn = []
        size = (self.shared + self.texts * self.width) * self.features
        starts = torch.arange(self.texts)[:, None] * (self.width * self.features)
        for number, one in enumerate(self.group.slices):
            generator = torch.Generator().manual_seed((one.dropout_key * 10_007 + self.layer) % 2**63)
            start = number * size
            if self.shared:
                drawn.append(self._drawn(1, self.shared, generator)[0] + start)
                start += self.shared * self.features
            own = one.places if self.at_places else one.length
            found = self._drawn(one.dropout_rows, own, generator)
            found = found[one.dropout_row : one.dropout_row + self.texts]
            placed = found + (starts + start)
            drawn.append(placed[found < self.width * self.features] if own > self.width else placed.flatten())
        return drawn[0] if len(drawn) == 1 else torch.cat(drawn)

    def _drawn(self, texts: int, tokens: int, generator: torch.Generator) -> torch.Tensor:
        n = tokens * self.features
        wanted = round(math.log1p(-self.share) / math.log1p(-1 / n))
        return torch.empty(texts, wanted, dtype=torch.int64).random_(0, n, generator=generator)

    def _hashed(self, x: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        keys = self.group.keys
        sizes = (self.shared * self.features, self.width * self.features)
        threshold = round(self.share * 2**32)
        if drop_hashed is not None and _runs(drop_hashed, x.device):
            drop_hashed(x, out, keys, self.layer, *sizes, threshold)
            return out
        dropped = hashes(keys, self.layer, x[0].numel(), *sizes) < threshold
        return out.copy_(x.masked_fill(dropped.view(x.shape), 0))


def is_hashed(x: torch.Tensor) -> bool:
    """Whether dropped entries of ``x`` are found by hashing, which costs nothing to do again, and not by drawing."""
    return bool(x.device.type == "cuda")


@cache
def _runs(kernel: Callable[..., None], device: torch.device) -> bool:
    """Whether a device runs the kernel: Triton builds it there, with a C compiler that a cluster's node may lack."""
    x, keys = torch.zeros(1, 1, 1, device=device), torch.zeros(1, 2, dtype=torch.int64, device=device)
    try:
        kernel(x, x, keys, 0, 0, 1, 0)
    except torch.cuda.OutOfMemoryError:
        raise
    except Exception as error:  # of Triton, of a compiler, of the driver
        why = str(error).strip().splitlines() or [type(error).__name__]
        logger.warning("dropout does without its own kernel, more slowly: %s", why[0])
        return False
    return True


def hashes(keys: torch.Tensor, layer: int, n: int, shared: int, text: int) -> torch.Tensor:
    """Return a number below 2^32 for each of ``n`` entries of each adapter, shape (adapters, n), as the kernel does.

    ``keys`` are a group's. The first ``shared`` entries are of no text; each text has ``text`` of them.
    """
    place = torch.arange(n, device=keys.device)
    own = place - shared
    of_text = own >= 0
    row = torch.where(of_text, 1 + own // text + keys[:, 1:], 0)
    inside = torch.where(of_text, own % text, place)
    seeds = _mixed((keys[:, :1] + layer * GOLDEN) & BITS)
    return _mixed(inside ^ _mixed((seeds + row * GOLDEN) & BITS))


def _mixed(x: torch.Tensor) -> torch.Tensor:
    for shift, factor in MIX:
        x = ((x ^ (x >> shift)) * factor) & BITS
    return x ^ (x >> LAST_SHIFT)
