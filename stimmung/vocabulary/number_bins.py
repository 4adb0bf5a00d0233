"""The answers of a numeric item that is predicted: its values, if they are few, or bins of them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

MAX_BINS = 100  # answers that a width may make; a choice, far above what a prompt should offer
MAX_VALUES = 21  # as many as a scale from 0 to 20, or from -10 to 10, has; a choice


class NumberBin(NamedTuple):
    """One answer: the numbers from ``low`` to ``high``, and the number that it counts as."""

    low: float
    high: float
    value: float

    @property
    def is_one_number(self) -> bool:
        """Whether the answer is a single number."""
        return self.low == self.high


def number_bins(
    range_: tuple[float, float] | None, bins: float | Sequence[float] | None, decimals: int | None = None
) -> list[NumberBin]:
    """Return the answers of a numeric item, lowest first.

    Parameters
    ----------
    range_
        Its lowest and highest value.
    bins
        A width, of bins from the lowest value on, the last of which may be narrower; of whole numbers, a single one that would be
        left over belongs to the last bin, as 100 to that from 90 on. Or the lowest number of each bin. None: each whole number of the
        range is an answer.
    decimals
        Digits after the point; with any, bins are not taken for whole numbers.

    Returns
    -------
    list of NumberBin
        Of whole numbers, a bin ends one below the next; else where the next begins, which that one owns. The value is the midpoint.

    Raises
    ------
    ValueError
        If there is no range, values are too many or no whole numbers, or bins do not rise from the lowest value within the range.
    """
    if range_ is None:
        raise ValueError("needs a `range`, its lowest and highest value")
    low, high = map(float, range_)
    whole = low.is_integer() and high.is_integer() and not decimals
    if bins is None:
        n = int(high - low) + 1
        if not whole or n > MAX_VALUES:
            has = f"{n} values" if whole else "numbers that are not whole"
            raise ValueError(
                f"has {has} from {low:g} to {high:g}, more than {MAX_VALUES} answers; give it `bins`"
            )
        return [NumberBin(low + step, low + step, low + step) for step in range(n)]
    lows = _of_width(low, high, bins, whole) if isinstance(bins, int | float) and bins > 0 else bins
    if isinstance(lows, int | float) or len(lows) < 2:
        raise ValueError(f"bins: {bins} makes less than two of the range from {low:g} to {high:g}")
    if any(one >= other for one, other in pairwise(lows)):
        raise ValueError(f"bins: {', '.join(f'{one:g}' for one in lows)} do not rise")
    if lows[0] != low or lows[-1] > high:
        raise ValueError(
            f"bins: the first begins at {lows[0]:g} and the last at {lows[-1]:g}, the range at {low:g} and ends at {high:g}; "
            "name the lowest number of each bin, that of the range first"
        )
    whole = whole and all(float(one).is_integer() for one in lows)
    highs = [one - 1 if whole else one for one in lows[1:]] + [high]
    return [NumberBin(float(a), float(b), (a + b) / 2) for a, b in zip(lows, highs, strict=True)]


def _of_width(low: float, high: float, width: float, whole: bool) -> list[float]:
    """Return the lowest number of each bin of a width; a single whole number left over joins the last one."""
    n = int(np.ceil(round((high - low) / width, 9)))
    if n > MAX_BINS:
        raise ValueError(
            f"bins: {width:g} makes {n} of the range from {low:g} to {high:g}, more than {MAX_BINS}"
        )
    lows = [low + step * width for step in range(n)]
    return [*lows, high] if whole and width == 1 else lows


def bin_of(numbers: ArrayLike, bins: Sequence[NumberBin]) -> NDArray[np.intp]:
    """Return the place of the bin of each number, shape (n,); -1 for NaN, and for a number between answers that are single numbers.

    Numbers must lie within the range of the bins.
    """
    values = np.asarray(numbers, dtype=float)
    places = np.searchsorted([one.low for one in bins], values, side="right") - 1
    outside = np.isnan(values)
    if all(one.is_one_number for one in bins):
        outside |= values != np.array([one.value for one in bins])[places]
    return np.where(outside, -1, places)
