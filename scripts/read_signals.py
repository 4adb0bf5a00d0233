"""Bring other weekly and daily series to the weeks of a panel."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from stimmung.study.panel_series import read_panel_signal
from stimmung.study.panels import Signal
from stimmung.vocabulary.moods_schemas import SIGNALS
from stimmung.vocabulary.parquet_tables import write_table
from stimmung.vocabulary.weeks import Weeks
from stimmung.workflow.run import run


def read_signals(*, signals: Mapping[str, Signal], weeks: Weeks, table: Path) -> None:
    """Write the signals table; ``signals`` are by name."""
    tables = [read_panel_signal(signal, name, weeks) for name, signal in signals.items()]
    write_table(pd.concat(tables, ignore_index=True), table, SIGNALS)


if __name__ == "__main__":
    run(read_signals, snakemake)
