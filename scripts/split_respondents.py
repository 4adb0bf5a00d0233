"""Say for one condition who is tested in which fold and who may be trained on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stimmung.data.surveys.splits import split_condition
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import RESPONDENTS, SPLITS
from stimmung.workflow.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def split_respondents(
    *,
    respondents: Path,
    target: str,
    condition: str,
    exclude: Mapping[str, Sequence[str]],
    keep: Mapping[str, Sequence[str]],
    share: float | None,
    folds: int,
    seed: int,
    complete: Sequence[str] = (),
    same_size_as: Mapping[str, Any] | None = None,
    output: Path,
) -> None:
    """Write the splits table of one condition."""
    splits = split_condition(
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
    write_table(splits, output, SPLITS)


if __name__ == "__main__":
    with job(snakemake):
        split_respondents(
            respondents=Path(snakemake.input.respondents),
            target=snakemake.params.target,
            condition=snakemake.params.condition,
            exclude=snakemake.params.exclude,
            keep=snakemake.params.keep,
            complete=snakemake.params.complete,
            share=snakemake.params.share,
            same_size_as=snakemake.params.same_size_as,
            folds=snakemake.params.folds,
            seed=snakemake.params.seed,
            output=Path(snakemake.output.splits),
        )
