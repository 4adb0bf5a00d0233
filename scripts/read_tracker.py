"""Read the surveys that a panel's questions are compared with into one table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from stimmung.study.panel_series import read_panel_tracker
from stimmung.study.panels import Tracker
from stimmung.vocabulary.moods_schemas import TRACKER
from stimmung.vocabulary.parquet_tables import write_table
from stimmung.vocabulary.weeks import Weeks
from stimmung.workflow.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def read_tracker(
    *, trackers: Mapping[str, Tracker], options: Mapping[str, Sequence[str]], weeks: Weeks, output: Path
) -> None:
    """Write the tracker table; ``trackers`` and ``options`` are by question."""
    tables = [
        read_panel_tracker(tracker, question, options[question], weeks)
        for question, tracker in trackers.items()
    ]
    write_table(pd.concat(tables, ignore_index=True), output, TRACKER)


if __name__ == "__main__":
    with job(snakemake):
        read_tracker(
            trackers={name: Tracker(**tracker) for name, tracker in snakemake.params.trackers.items()},
            options=snakemake.params.options,
            weeks=Weeks(**snakemake.params.weeks),
            output=Path(snakemake.output.tracker),
        )
