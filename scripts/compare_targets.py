"""Set all targets of a survey side by side, as a table for a paper (LaTeX) and for a program (CSV, parquet)."""

from pathlib import Path

from stimmung.evaluation.votes.target_summary import summarize_targets
from stimmung.report.tables import to_csv, to_latex
from stimmung.report.targets_section import targets_table
from stimmung.vocabulary.atomic_files import write_atomic
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import METRICS, TARGETS
from stimmung.workflow.run import run


def compare_targets(
    *, metrics: list[Path], results: Path, csv: Path, latex: Path, targets: list[str], simulated: bool
) -> None:
    """Write the table of all ``targets``, whose METRICS tables are ``metrics``, in their order."""
    mark = "simulated" if simulated else None
    tables = [read_table(path, METRICS) for path in metrics]
    summary = summarize_targets(dict(zip(targets, tables, strict=True)))
    write_table(summary, results, TARGETS)
    write_atomic(csv, to_csv(summary, mark))
    write_atomic(latex, to_latex(targets_table(summary).marked(mark), "tab:targets"))


if __name__ == "__main__":
    run(compare_targets, snakemake)
