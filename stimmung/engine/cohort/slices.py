"""Which rows of the running batch belong to which adapter, and where an adapter's texts lie in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

BASE_ONLY = -1  # rows that no adapter touches


@dataclass(frozen=True)
class Slice:
    """The rows ``start`` to ``stop`` of a batch, which belong to one adapter.

    The rest is what its dropout depends on, and nothing of it is another adapter's: ``dropout_key`` is a number for this adapter, step
    and pass; its rows are those from ``dropout_row`` on of the ``dropout_rows`` of its whole batch, in which the longest text, without
    what all share, has ``length`` tokens, and at most ``places`` tokens of a text are read.
    """

    adapter: int
    start: int
    stop: int
    dropout_key: int = 0
    dropout_row: int = 0
    dropout_rows: int = 0
    length: int = 0
    places: int = 0


@dataclass(frozen=True)
class Group:
    """Slices of equally many rows that belong to adapters one after another: one batched product serves them all."""

    slices: tuple[Slice, ...]
    device: torch.device

    @cached_property
    def adapters(self) -> slice:
        """Which adapters they are."""
        return slice(self.slices[0].adapter, self.slices[-1].adapter + 1)

    @cached_property
    def rows(self) -> slice:
        """Which rows of the batch they have."""
        return slice(self.slices[0].start, self.slices[-1].stop)

    @cached_property
    def keys(self) -> torch.Tensor:
        """What the hashes of dropout begin with: key and first row of each adapter, shape (adapters, 2), below 2^32.

        Brought to the device once, for all layers.
        """
        keys = torch.tensor([[one.dropout_key % 2**32, one.dropout_row] for one in self.slices])
        return keys.to(self.device)


@dataclass
class Layout:
    """Which rows of the running batch belong to which adapter; shared by all layers of a cohort, and set before each pass.

    A row is ``shared`` tokens, and then ``texts`` texts of equal width that all begin with them; usually none and one. A layer that
    reads another number than ``tokens`` reads the places where loss is, and none of the shared ones.
    """

    device: torch.device
    slices: Sequence[Slice] = ()
    dropout: bool = False
    shared: int = 0
    texts: int = 1
    tokens: int = 0
    uneven: Any = None  # what serves slices of unequal size at once (``uneven_slices.py``), of the last pass that had such
    _grouped: tuple[Sequence[Slice], list[Group]] = ((), [])

    @property
    def groups(self) -> list[Group]:
        """The slices of adapters, as few groups as possible; rows of the base alone are in none."""
        if self._grouped[0] is not self.slices:
            self._grouped = (self.slices, _grouped(self.slices, self.device))
        return self._grouped[1]


def _grouped(slices: Sequence[Slice], device: torch.device) -> list[Group]:
    found: list[list[Slice]] = []
    for one in slices:
        if one.adapter == BASE_ONLY:
            continue
        last = found[-1][-1] if found else None
        goes_on = last is not None and (last.adapter + 1, last.stop, last.stop - last.start) == (
            one.adapter,
            one.start,
            one.stop - one.start,
        )
        if goes_on:
            found[-1].append(one)
        else:
            found.append([one])
    return [Group(tuple(one), device) for one in found]
