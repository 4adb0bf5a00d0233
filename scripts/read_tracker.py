"""Read the weekly surveys that a panel's questions are compared with into one table."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from stimmung.study.panel_series import read_panel_tracker
from stimmung.study.panels import Tracker
from stimmung.vocabulary.moods_schemas import TRACKER
from stimmung.vocabulary.parquet_tables import write_table
from stimmung.vocabulary.weeks import Weeks
from stimmung.workflow.run import run


def read_tracker(
    *, trackers: Mapping[str, Tracker], options: Mapping[str, Sequence[str]], weeks: Weeks, tracker: Path
) -> None:
    """Write the tracker table; ``trackers`` and ``options`` are by question."""
    tables = [
        read_panel_tracker(one, question, options[question], weeks) for question, one in trackers.items()
    ]
    write_table(pd.concat(tables, ignore_index=True), tracker, TRACKER)


if __name__ == "__main__":
    run(read_tracker, snakemake)
