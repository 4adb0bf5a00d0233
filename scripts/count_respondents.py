"""Count a survey's tested respondents, and those whom each condition leaves to learn from."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stimmung.data.surveys.splits import count_splits
from stimmung.vocabulary.atomic_files import write_json
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.votes_schemas import SPLITS
from stimmung.workflow.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def count_respondents(*, splits: Sequence[Path], output: Path) -> None:
    """Write the counts of all conditions as JSON."""
    write_json(count_splits(read_table(path, SPLITS) for path in splits), output)


if __name__ == "__main__":
    with job(snakemake):
        count_respondents(
            splits=[Path(path) for path in snakemake.input.splits],
            output=Path(snakemake.output.counts),
        )
