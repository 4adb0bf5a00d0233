"""Compare predicted with observed shares of groups: as a stored table, as tables for papers and programs, and as a figure."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from stimmung.report.group_results import GroupData, GroupTables, group_results
from stimmung.report.result import compute_results, plot_results, read_results, tabulate_results
from stimmung.vocabulary.group_schemas import GROUP_PREDICTIONS, GROUP_SHARES
from stimmung.vocabulary.parquet_tables import read_table, read_tables
from stimmung.workflow.run import run


def compare_groups(
    *,
    predictions: list[Path],
    shares: Path,
    results: list[Path],
    tables: list[Path],
    figures: list[Path],
    option_values: Mapping[str, Sequence[float] | None],
    seed: int,
    simulated: bool,
) -> None:
    """Write the results, tables and figures named in the registry; ``option_values`` are the numbers of each
    target's options, if they stand in an order."""
    registered = group_results()
    data = GroupData(
        predictions=read_tables(predictions, GROUP_PREDICTIONS),
        shares=read_table(shares, GROUP_SHARES),
        option_values=option_values,
        seed=seed,
    )
    compute_results(registered, data, results)
    mark = "simulated" if simulated else None
    stored = GroupTables(frames=read_results(registered, results), mark=mark)
    tabulate_results(registered, stored, tables)
    plot_results(registered, stored, figures)


if __name__ == "__main__":
    run(compare_groups, snakemake)
