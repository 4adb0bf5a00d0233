"""Write the tables of one panel for a paper (LaTeX) and for a program (CSV)."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stimmung.report.moods_tables import confirmations_table, correlations_table, recovery_table
from stimmung.report.tables import to_csv, to_latex
from stimmung.vocabulary.atomic_files import write_whole
from stimmung.vocabulary.moods_schemas import CCF, CONFIRMATIONS, RECOVERY
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.workflow.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def tabulate_moods(
    *,
    ccf: Path,
    confirmations: Path,
    recovery: Path,
    rolling_weeks: int,
    constructed: str | None,
    tables: Mapping[str, Path],
) -> None:
    """Write correlations, confirmations and recovery, to ``tables['correlations_csv']`` and so on.

    A CSV holds all numbers as they are, that of the correlations at every lag; a LaTeX table rounds them for
    readers. ``constructed`` is 'simulated', 'constructed' or nothing, and is shown in each.
    """
    correlated = read_table(ccf, CCF)
    confirmed = read_table(confirmations, CONFIRMATIONS)
    recovered = read_table(recovery, RECOVERY)
    for name, frame, for_readers in (
        ("correlations", correlated, correlations_table(correlated, rolling_weeks, constructed)),
        ("confirmations", confirmed, confirmations_table(confirmed, constructed)),
        ("recovery", recovered, recovery_table(recovered, constructed)),
    ):
        marked = frame.assign(data=constructed) if constructed else frame
        write_whole(tables[f"{name}_csv"], to_csv(marked, simulated=False))
        write_whole(tables[f"{name}_tex"], to_latex(for_readers, f"tab:{name}"))


if __name__ == "__main__":
    with job(snakemake):
        tabulate_moods(
            ccf=Path(snakemake.input.ccf),
            confirmations=Path(snakemake.input.confirmations),
            recovery=Path(snakemake.input.recovery),
            rolling_weeks=snakemake.params.rolling_weeks,
            constructed=snakemake.params.constructed,
            tables={name: Path(path) for name, path in snakemake.output.items()},
        )
