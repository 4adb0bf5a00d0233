"""Turn the answers of each week's adapters into a weekly series for each answer option."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd

from stimmung.evaluation.series.affect import aggregate_answers as aggregate
from stimmung.vocabulary.moods_schemas import AFFECT, ANSWERS
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.workflow.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def aggregate_answers(
    *, answers: list[Path], scale: Literal["min-max", "none"], rolling_weeks: int, output: Path
) -> None:
    """Write the affect table: raw probabilities with their range, and the series scaled as published."""
    asked = pd.concat([read_table(path, ANSWERS) for path in answers], ignore_index=True)
    write_table(aggregate(asked, scale=scale, rolling_weeks=rolling_weeks), output, AFFECT)


if __name__ == "__main__":
    with job(snakemake):
        aggregate_answers(
            answers=[Path(path) for path in snakemake.input.answers],
            scale=snakemake.params.scale,
            rolling_weeks=snakemake.params.rolling_weeks,
            output=Path(snakemake.output.affect),
        )
