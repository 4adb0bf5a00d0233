"""Turn the answers of each week's adapters into a weekly series for each answer option."""

from pathlib import Path
from typing import Literal

import pandas as pd

from stimmung.evaluation.series import affect as weekly
from stimmung.vocabulary.moods_schemas import AFFECT, ANSWERS
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.workflow.run import run


def aggregate_answers(
    *, answers: list[Path], affect: Path, scale: Literal["min-max", "none"], rolling_weeks: int
) -> None:
    """Write the affect table: raw probabilities with their range, and the series scaled as published."""
    asked = pd.concat([read_table(path, ANSWERS) for path in answers], ignore_index=True)
    write_table(weekly.aggregate_answers(asked, scale=scale, rolling_weeks=rolling_weeks), affect, AFFECT)


if __name__ == "__main__":
    run(aggregate_answers, snakemake)
