"""Write the tables of one survey for a paper (LaTeX) and for a program (CSV)."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stimmung.evaluation.votes.comparisons import compare_conditions
from stimmung.report.conditions import left_out
from stimmung.report.tables import to_csv, to_latex
from stimmung.report.votes_more_tables import absent_table, effective_table, subgroups_table
from stimmung.report.votes_tables import (
    comparisons_table,
    f1_table,
    left_out_table,
    metrics_table,
    shares_table,
)
from stimmung.vocabulary.atomic_files import write_whole
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.votes_schemas import (
    ABSENT,
    COMPARISONS,
    EFFECTIVE,
    FOLD_METRICS,
    METRICS,
    SHARES,
    SUBGROUPS,
)
from stimmung.workflow.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def tabulate_votes(
    *,
    fold_metrics: Path,
    metrics: Path,
    comparisons: Path,
    shares: Path,
    absent: Path,
    effective: Path,
    subgroup_metrics: Path,
    conditions: Mapping[str, Mapping[str, Any]],
    simulated: bool,
    tables: Mapping[str, Path],
) -> None:
    """Write each table of ``tables``: f1 to ``tables['f1_csv']`` and ``tables['f1_tex']``, and so on.

    A CSV holds the numbers as they are, a LaTeX table rounds them for readers.
    """
    means = read_table(metrics, METRICS)
    changes = compare_conditions(read_table(fold_metrics, FOLD_METRICS), left_out(conditions))
    for name, frame, for_readers in (
        ("f1", means[means["metric"].isin(("f1", "macro_f1"))], f1_table),
        ("metrics", means, metrics_table),
        ("shares", read_table(shares, SHARES), shares_table),
        ("comparisons", read_table(comparisons, COMPARISONS), comparisons_table),
        ("left_out", changes, left_out_table),
        ("absent", read_table(absent, ABSENT), absent_table),
        ("effective", read_table(effective, EFFECTIVE), effective_table),
        ("subgroups", read_table(subgroup_metrics, SUBGROUPS), partial(subgroups_table, conditions)),
    ):
        write_whole(tables[f"{name}_csv"], to_csv(frame, simulated))
        write_whole(tables[f"{name}_tex"], to_latex(for_readers(frame, simulated), f"tab:{name}"))


if __name__ == "__main__":
    with job(snakemake):
        tabulate_votes(
            fold_metrics=Path(snakemake.input.fold_metrics),
            metrics=Path(snakemake.input.metrics),
            comparisons=Path(snakemake.input.comparisons),
            shares=Path(snakemake.input.shares),
            absent=Path(snakemake.input.absent),
            effective=Path(snakemake.input.effective),
            subgroup_metrics=Path(snakemake.input.subgroup_metrics),
            conditions=snakemake.params.conditions,
            simulated=snakemake.params.simulated,
            tables={name: Path(path) for name, path in snakemake.output.items()},
        )
