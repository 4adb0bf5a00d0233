"""Bring other weekly and daily series to the weeks of a panel."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from stimmung.study.panel_series import read_panel_signal
from stimmung.study.panels import Signal
from stimmung.vocabulary.moods_schemas import SIGNALS
from stimmung.vocabulary.parquet_tables import write_table
from stimmung.vocabulary.weeks import Weeks
from stimmung.workflow.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def read_signals(*, signals: Mapping[str, Signal], weeks: Weeks, output: Path) -> None:
    """Write the signals table; ``signals`` are by name."""
    tables = [read_panel_signal(signal, name, weeks) for name, signal in signals.items()]
    write_table(pd.concat(tables, ignore_index=True), output, SIGNALS)


if __name__ == "__main__":
    with job(snakemake):
        read_signals(
            signals={name: Signal(**signal) for name, signal in snakemake.params.signals.items()},
            weeks=Weeks(**snakemake.params.weeks),
            output=Path(snakemake.output.signals),
        )
