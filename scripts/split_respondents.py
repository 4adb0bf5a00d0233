"""Say for one condition who is tested in which fold and who may be trained on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stimmung.data.surveys.splits import split_condition
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import RESPONDENTS, SPLITS
from stimmung.workflow.run import run


def split_respondents(
    *,
    respondents: Path,
    splits: Path,
    target: str,
    condition: str,
    exclude: Mapping[str, Sequence[str]],
    keep: Mapping[str, Sequence[str]],
    complete: Sequence[str],
    share: float | None,
    same_size_as: Mapping[str, Any] | None,
    folds: int,
    seed: int,
) -> None:
    """Write the splits table of one condition."""
    table = split_condition(
        read_table(respondents, RESPONDENTS),
        target,
        condition,
        exclude=exclude,
        keep=keep,
        complete=complete,
        share=share,
        same_size_as=same_size_as,
        n_folds=folds,
        seed=seed,
    )
    write_table(table, splits, SPLITS)


if __name__ == "__main__":
    run(split_respondents, snakemake)
