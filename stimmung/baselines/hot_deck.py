"""Hot deck: an absent answer is that of a donor who gave the same answers to some chosen items."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from stimmung.baselines.design import ABSENT, MAX_STEPS

N_BANDS = 5  # of a quantity, such as age: bands with as many donors each; a choice


def hot_deck_shares(
    donors: pd.DataFrame, recipients: pd.DataFrame, cells: Sequence[str], target: str, options: Sequence[str]
) -> npt.NDArray[np.float64]:
    """Return the share of each option among the donors of each recipient's cell, shape (n_recipients, options).

    A draw from these shares is a draw of a donor; with donors that are a bootstrap sample it is the approximate Bayesian bootstrap,
    which is proper (Rubin and Schenker 1986). A cell is the answers to all items of ``cells``, a quantity in ``N_BANDS`` bands;
    that an answer is missing counts as one. Where it has no donor, the last item is left out, and so on to all donors.
    """
    keys, asked = _keys(donors, donors, cells), _keys(donors, recipients, cells)
    chosen = pd.get_dummies(pd.Categorical(donors[target], list(options))).to_numpy(dtype=float)
    result = np.full((len(recipients), len(options)), np.nan)
    for n_items in range(len(cells), -1, -1):
        names = cells[:n_items]
        known = [tuple(row) for row in keys[list(names)].to_numpy(dtype=object)]
        shares = pd.DataFrame(chosen).groupby(pd.Index(known, tupleize_cols=False)).mean()
        of = dict(zip(shares.index, shares.to_numpy(), strict=True))
        for place in np.flatnonzero(np.isnan(result[:, 0])):
            key = tuple(asked[list(names)].iloc[place])
            if key in of:
                result[place] = of[key]
    return result


def _keys(donors: pd.DataFrame, rows: pd.DataFrame, cells: Sequence[str]) -> pd.DataFrame:
    """Return the answers that make cells, as text."""
    columns: dict[str, pd.Series[Any]] = {}
    for item in cells:
        known, answers = donors[item], rows[item]
        if not isinstance(known.dtype, pd.CategoricalDtype) and known.nunique() > MAX_STEPS:
            edges = np.unique(known.quantile(np.arange(1, N_BANDS) / N_BANDS))
            bands = pd.Series(np.searchsorted(edges, answers, side="right"), rows.index)
            answers = bands.where(answers.notna())
        columns[item] = answers.astype(object).where(answers.notna(), ABSENT).astype(str)
    return pd.DataFrame(columns, index=rows.index)
