"""Put what was run, and what came out of it, on one HTML page that opens from disk."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from stimmung.report.moods_section import MoodsResults, moods_section
from stimmung.report.page import render_page
from stimmung.report.run_section import rerun_section, run_section, simulated_notice, tiny_notice
from stimmung.report.votes_parts import VotesResults
from stimmung.report.votes_section import votes_section
from stimmung.study.panels import Panel
from stimmung.vocabulary.atomic_files import write_whole
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import AFFECT, CCF, CONFIRMATIONS, RECOVERY
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


def render_report(
    *,
    title: str,
    run: Path,
    surveys: Mapping[str, Mapping[str, Path]],
    panels: Mapping[str, Mapping[str, Path]] | None = None,
    output: Path,
) -> None:
    """Write the page.

    Parameters
    ----------
    title
        Its heading.
    run
        results/run.yaml.
    surveys
        For each survey the files of its results by name: fold_metrics.parquet, f1_by_class.svg, f1.csv and
        so on.
    panels
        The same for each panel: affect.parquet, series.svg, correlations.csv and so on.
    output
        The page.
    """
    record = read_run(run)
    sections = [
        *(
            votes_section(name, record, read_votes(name, files, record, output.parent))
            for name, files in surveys.items()
        ),
        *(
            moods_section(name, record, read_moods(name, files, record, output.parent))
            for name, files in (panels or {}).items()
        ),
        run_section(record),
        rerun_section(record),
    ]
    notices = [*tiny_notice(record), *simulated_notice(record)]
    write_whole(output, render_page(title, subtitle(record), notices, sections))


def read_run(path: Path) -> dict[str, Any]:
    """Read run.yaml."""
    try:
        return dict(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise InputError(
            f"{path} is not a readable record of a run", "Delete it and run snakemake again."
        ) from error


def read_votes(
    name: str, files: Mapping[str, Path], run: Mapping[str, Any], page_folder: Path
) -> VotesResults:
    """Read one survey's tables; figures and downloads stay files."""
    return VotesResults(
        fold_metrics=read_table(files["fold_metrics.parquet"], FOLD_METRICS),
        metrics=read_table(files["metrics.parquet"], METRICS),
        comparisons=read_table(files["comparisons.parquet"], COMPARISONS),
        shares=read_table(files["shares.parquet"], SHARES),
        absent=read_table(files["absent.parquet"], ABSENT),
        effective=read_table(files["effective.parquet"], EFFECTIVE),
        subgroups=read_table(files["subgroup_metrics.parquet"], SUBGROUPS),
        figures=figures_among(files),
        files=downloads_among(files, page_folder),
        conditions=run["config"]["surveys"][name]["conditions"],
        simulated=bool(run["surveys"][name].get("simulated")),
    )


def read_moods(
    name: str, files: Mapping[str, Path], run: Mapping[str, Any], page_folder: Path
) -> MoodsResults:
    """Read one panel's tables; figures and downloads stay files."""
    panel = Panel.model_validate(run["config"]["panels"][name])
    return MoodsResults(
        affect=read_table(files["affect.parquet"], AFFECT),
        ccf=read_table(files["ccf.parquet"], CCF),
        confirmations=read_table(files["confirmations.parquet"], CONFIRMATIONS),
        recovery=read_table(files["recovery.parquet"], RECOVERY),
        figures=figures_among(files),
        files=downloads_among(files, page_folder),
        weeks=panel.weeks.labels(),
        constructed=panel.constructed,
        mixed=panel.mix is not None,
    )


def figures_among(files: Mapping[str, Path]) -> dict[str, Path]:
    """Return the SVG figures by name."""
    return {path.stem: path for path in files.values() if path.suffix == ".svg"}


def downloads_among(files: Mapping[str, Path], page_folder: Path) -> dict[str, list[str]]:
    """Return the tables for papers and programs by name, relative to the page."""
    downloads: dict[str, list[str]] = {}
    for path in files.values():
        if path.suffix in (".csv", ".tex"):
            downloads.setdefault(path.stem, []).append(Path(os.path.relpath(path, page_folder)).as_posix())
    return downloads


def subtitle(run: Mapping[str, Any]) -> str:
    """Return when and with which code the run was made."""
    git, version = run["git"], run["software"]["stimmung"]
    parts = [f"Stimmung {version}"]
    if git["revision"]:
        parts.append(
            f"revision {git['revision'][:12]}" + (" with uncommitted changes" if git["dirty"] else "")
        )
    return ", ".join([*parts, str(run["date"] or git["date"] or "")]).rstrip(", ")


def by_folder(paths: Iterable[str], parent: str) -> dict[str, dict[str, Path]]:
    """Sort files below ``parent`` by its folders: results/surveys/NAME/metrics.parquet belongs to NAME."""
    sorted_files: dict[str, dict[str, Path]] = {}
    for path in map(Path, paths):
        name = path.parts[path.parts.index(parent) + 1]
        sorted_files.setdefault(name, {})[path.name] = path
    return sorted_files


if __name__ == "__main__":
    with job(snakemake):
        render_report(
            title=snakemake.params.title,
            run=Path(snakemake.input.run),
            surveys=by_folder(snakemake.input.surveys, "surveys"),
            panels=by_folder(snakemake.input.panels, "panels"),
            output=Path(snakemake.output.report),
        )
