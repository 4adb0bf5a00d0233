"""Turn the answers of each week's adapters into a weekly series for each answer option."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from stimmung.evaluation.series import affect as weekly
from stimmung.vocabulary.errors import warn
from stimmung.vocabulary.moods_schemas import AFFECT, ANSWERS, WORDINGS
from stimmung.vocabulary.parquet_tables import empty_table, read_tables, write_table
from stimmung.vocabulary.questions import WordingWeights
from stimmung.workflow.run import run

logger = logging.getLogger(__name__)


def aggregate_answers(
    *,
    answers: list[Path],
    affect: Path,
    wordings: Path,
    scale: Literal["min-max", "none"],
    rolling_weeks: int,
    weigh: WordingWeights,
    select_all: Sequence[str] = (),
) -> None:
    """Write the affect table, raw probabilities with their range and the series scaled as published, and the series by wording.

    ``select_all`` are the questions whose options are each asked for by themselves. Both are empty for a panel that asks no language
    model.
    """
    if not answers:
        write_table(empty_table(AFFECT), affect, AFFECT)
        write_table(empty_table(WORDINGS), wordings, WORDINGS)
        return
    asked = read_tables(answers, ANSWERS)
    how: dict[str, Any] = {
        "scale": scale,
        "rolling_weeks": rolling_weeks,
        "wordings": weigh,
        "select_all": select_all,
    }
    series = weekly.aggregate_answers(asked, **how)
    by_wording = weekly.wording_series(asked, weigh)
    for line in weekly.small_masses(by_wording[by_wording["week"] != ""]):
        warn(logger, line)
    write_table(series, affect, AFFECT)
    write_table(by_wording, wordings, WORDINGS)


if __name__ == "__main__":
    run(aggregate_answers, snakemake)
