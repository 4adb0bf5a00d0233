"""Small tables of posts and survey for the tests of weekly series."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.signal import lfilter


def week_labels(weeks: int, first: str = "2019-11-07") -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in pd.date_range(first, periods=weeks, freq="7D")]


def posts_table(
    values: np.ndarray, options: Sequence[str], weeks: Sequence[str], model: str = "tiny/weekly"
) -> pd.DataFrame:
    """Return (options, weeks) values as a table of posts' series."""
    return _long(values, options, weeks, "value").assign(model=model)


def survey_table(values: np.ndarray, options: Sequence[str], weeks: Sequence[str]) -> pd.DataFrame:
    """Return (options, weeks) values as a table of the survey's series."""
    return _long(values, options, weeks, "share")


def _long(values: np.ndarray, options: Sequence[str], weeks: Sequence[str], column: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "week": np.tile(weeks, len(options)),
            "question": "mood",
            "option": np.repeat(options, len(weeks)),
            column: np.asarray(values, dtype=float).ravel(),
        }
    )


def autoregression(
    coefficients: Sequence[float], shape: tuple[int, ...], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return stationary Gaussian series of ``shape``, weeks last, and their innovations."""
    innovations = np.random.default_rng(seed).standard_normal((*shape[:-1], shape[-1] + 200))
    series = lfilter([1.0], [1.0, *(-one for one in coefficients)], innovations, axis=-1)
    return series[..., 200:], innovations[..., 200:]
