"""What the results of a survey of groups are computed from and shown with."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from stimmung.report.result import Result, Tables
from stimmung.report.result_registry import DISTRIBUTIONS, load


@dataclass(frozen=True, kw_only=True)
class GroupData:
    """The predictions of all methods, and the shares that were observed."""

    predictions: pd.DataFrame
    shares: pd.DataFrame
    option_values: Mapping[
        str, Sequence[float] | None
    ]  # target to the numbers of its options, if they stand in an order
    seed: int  # of draws


@dataclass(frozen=True, kw_only=True)
class GroupTables(Tables):
    """The stored tables of one survey of groups."""

    @property
    def subjects(self) -> list[str]:
        """All methods."""
        return list(self["distributions"]["method"].unique())

    @property
    def folded(self) -> Collection[str]:
        """All items but the mean over them."""
        return list(self["distributions"]["item"].unique())[1:]


GroupResult = Result[GroupData, GroupTables]


def group_results() -> "list[GroupResult]":
    """Return the results of a survey of groups in the order of the report."""
    import stimmung.report.distributions  # whose modules import this one; the code digest follows it to all of them

    return load(stimmung.report.distributions.__name__, DISTRIBUTIONS)
