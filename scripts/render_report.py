"""Put what was run, and what came out of it, on one HTML page that opens from disk."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from stimmung.report.group_results import GroupTables, group_results
from stimmung.report.groups_section import groups_section
from stimmung.report.moods_section import moods_section
from stimmung.report.options_table import options_table
from stimmung.report.page import Part, Section, Shown, render_page
from stimmung.report.panel_results import PanelTables, moods_results
from stimmung.report.result import read_results
from stimmung.report.run_section import notices, rerun_section, run_section
from stimmung.report.survey_results import SurveyTables, votes_results
from stimmung.report.targets_section import targets_section
from stimmung.report.votes_section import votes_section
from stimmung.study.panels import Panel
from stimmung.vocabulary.atomic_files import write_atomic
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import AFFECT, WORDINGS
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.view import IN_PATHS, parent_of
from stimmung.vocabulary.votes_schemas import METRICS, TARGETS
from stimmung.workflow.run import run


def render_report(*, run: Path, surveys: list[Path], panels: list[Path], report: Path, title: str) -> None:
    """Write the page from results/run.yaml and the files of all results: parquet, svg, csv and tex.

    Those of surveys are below ``surveys/NAME``, of one of several targets below ``surveys/NAME/targets/ITEM``, and those of panels
    below ``panels/NAME``.
    """
    record = read_run(run)
    sections = survey_sections(record, by_folder(surveys, "surveys"), report.parent)
    sections += [
        moods_section(name, record, panel_tables(name, record, files), *shown(files, report.parent))
        for name, files in by_folder(panels, "panels").items()
    ]
    sections += [run_section(record), rerun_section(record)]
    write_atomic(report, render_page(title, subtitle(record), notices(record), sections))


def read_run(path: Path) -> dict[str, Any]:
    """Read run.yaml."""
    try:
        return dict(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise InputError(
            f"{path} is not a readable record of a run", "Delete it and run snakemake again."
        ) from error


def survey_sections(run: Mapping[str, Any], files: Mapping[str, list[Path]], folder: Path) -> list[Section]:
    """Return the chapters of surveys by name; of one with several targets, first that about all of them."""
    sections = []
    for parent in dict.fromkeys(map(parent_of, files)):
        for name in sorted((one for one in files if parent_of(one) == parent), key=lambda one: one != parent):
            figures, downloads = shown(files[name], folder)
            if any(path.name == "distributions.parquet" for path in files[name]):
                mark = "simulated" if run["surveys"][name].get("simulated") else None
                frames = read_results(group_results(), of_type(files[name], ".parquet"))
                tables_of_groups = GroupTables(frames=frames, mark=mark)
                sections.append(groups_section(name, run, tables_of_groups, figures, downloads))
                continue
            if name != parent or not any(path.name == "targets.parquet" for path in files[name]):
                tables = survey_tables(name, run, files[name])
                sections.append(votes_section(name, run, tables, figures, downloads))
                continue
            mark = "simulated" if run["surveys"][name].get("simulated") else None
            (path,) = [one for one in files[name] if one.name == "targets.parquet"]
            section = targets_section(name, run, read_table(path, TARGETS), mark, downloads["targets"])
            of_items = select_all_parts(files[name], mark, folder)
            sections.append(replace(section, parts=[*section.parts, *of_items]))
    return sections


def select_all_parts(files: Sequence[Path], mark: str | None, folder: Path) -> list[Part]:
    """Return a part about each select-all target of a survey, from its METRICS table ``select_all/ITEM/metrics.parquet``."""
    parts = []
    for path in files:
        if path.parts[-3] == "select_all" and path.name == "metrics.parquet":
            item, own = path.parent.name, [one for one in files if one.parent == path.parent]
            table = options_table(item, read_table(path, METRICS)).marked(mark)
            parts.append(Part(f"All options of {item}", [Shown(table, shown(own, folder)[1]["metrics"])]))
    return parts


def survey_tables(name: str, run: Mapping[str, Any], files: Sequence[Path]) -> SurveyTables:
    """Read the stored tables of one survey."""
    return SurveyTables(
        frames=read_results(votes_results(), of_type(files, ".parquet")),
        mark="simulated" if run["surveys"][parent_of(name)].get("simulated") else None,
        conditions=run["config"]["surveys"][parent_of(name)]["conditions"],
    )


def panel_tables(name: str, run: Mapping[str, Any], files: Sequence[Path]) -> PanelTables:
    """Read the stored tables of one panel."""
    panel = Panel.model_validate(run["config"]["panels"][name])
    return PanelTables(
        frames=read_results(moods_results(), of_type(files, ".parquet"), affect=AFFECT, wordings=WORDINGS),
        mark=panel.constructed,
        rolling_weeks=panel.series.rolling_weeks,
        scale=panel.series.scale,
        weeks=panel.weeks.labels(),
        mixed=panel.mix is not None,
    )


def shown(files: Sequence[Path], folder: Path) -> tuple[dict[str, Path], dict[str, list[str]]]:
    """Return SVG figures by name, and the tables for download by name, relative to the page's folder."""
    downloads: dict[str, list[str]] = {}
    for path in of_type(files, ".csv", ".tex"):
        downloads.setdefault(path.stem, []).append(Path(os.path.relpath(path, folder)).as_posix())
    return {path.stem: path for path in of_type(files, ".svg")}, downloads


def of_type(files: Sequence[Path], *suffixes: str) -> list[Path]:
    """Return the files with one of the suffixes."""
    return [path for path in files if path.suffix in suffixes]


def subtitle(run: Mapping[str, Any]) -> str:
    """Return which version and revision of the code the run was made with, and when that was committed."""
    git = run["git"]
    parts = [f"Stimmung {run['software']['stimmung']}"]
    if git["revision"]:
        changed = " with uncommitted changes" if git["dirty"] else ""
        parts += [f"revision {git['revision'][:12]}{changed}", str(git["date"] or "")]
    return ", ".join(filter(None, parts))


def by_folder(paths: Iterable[Path], parent: str) -> dict[str, list[Path]]:
    """Sort files below ``parent`` by its folders.

    results/surveys/NAME/metrics.parquet belongs to NAME, results/surveys/NAME/targets/ITEM/metrics.parquet to NAME/targets/ITEM.
    """
    sorted_files: dict[str, list[Path]] = {}
    for path in paths:
        name, *below = path.parts[path.parts.index(parent) + 1 :]
        if len(below) > 2 and below[0] == IN_PATHS.strip("/"):
            name += IN_PATHS + below[1]
        sorted_files.setdefault(name, []).append(path)
    return sorted_files


if __name__ == "__main__":
    run(render_report, snakemake)
