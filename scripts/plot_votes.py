"""Draw the figures of one survey, from its tables. The suffix of a path is the format: svg, pdf or png.

A figure that a study has no conditions for is written all the same, and says so.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stimmung.evaluation.votes.comparisons import compare_conditions
from stimmung.report.absent import plot_absent
from stimmung.report.by_option import plot_f1_by_class, plot_shares, plot_subgroups
from stimmung.report.conditions import left_out as conditions_left_out
from stimmung.report.effective import plot_effective
from stimmung.report.learning_curve import plot_learning_curve
from stimmung.report.leaving_out import plot_left_out
from stimmung.report.reliability import plot_reliability
from stimmung.report.style import figure_style, save_figure
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.votes_schemas import (
    ABSENT,
    EFFECTIVE,
    FOLD_METRICS,
    METRICS,
    RELIABILITY,
    SHARES,
    SUBGROUPS,
)
from stimmung.workflow.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def plot_votes(
    *,
    fold_metrics: Path,
    metrics: Path,
    shares: Path,
    reliability: Path,
    absent: Path,
    effective: Path,
    subgroup_metrics: Path,
    conditions: Mapping[str, Mapping[str, Any]],
    simulated: bool,
    figures: Mapping[str, Path],
) -> None:
    """Write each figure to its path in ``figures``."""
    folds = read_table(fold_metrics, FOLD_METRICS)
    means = read_table(metrics, METRICS)
    predicted = read_table(shares, SHARES)
    bins = read_table(reliability, RELIABILITY)
    methods = list(means["method"].unique())
    with figure_style():
        drawn = {
            "f1_by_class": plot_f1_by_class(means, conditions),
            "shares": plot_shares(predicted, conditions),
            "learning_curve": plot_learning_curve(means, conditions),
            "left_out": plot_left_out(compare_conditions(folds, conditions_left_out(conditions)), methods),
            "absent": plot_absent(read_table(absent, ABSENT), methods),
            "effective": plot_effective(read_table(effective, EFFECTIVE), methods),
            "subgroups": plot_subgroups(read_table(subgroup_metrics, SUBGROUPS), conditions),
            "reliability": plot_reliability(bins, means, conditions),
        }
        for name, figure in drawn.items():
            save_figure(figure, figures[name], simulated)


if __name__ == "__main__":
    with job(snakemake):
        plot_votes(
            fold_metrics=Path(snakemake.input.fold_metrics),
            metrics=Path(snakemake.input.metrics),
            shares=Path(snakemake.input.shares),
            reliability=Path(snakemake.input.reliability),
            absent=Path(snakemake.input.absent),
            effective=Path(snakemake.input.effective),
            subgroup_metrics=Path(snakemake.input.subgroup_metrics),
            conditions=snakemake.params.conditions,
            simulated=snakemake.params.simulated,
            figures={name: Path(path) for name, path in snakemake.output.items()},
        )
