"""What a study cost: the hours of its jobs by rule, from benchmark files, and the GPUs they ran on."""

import csv
import json
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from stimmung.baselines.registry import UNASKED_BASELINES, WAVE_BASELINES
from stimmung.report.page import Part, Shown, Text
from stimmung.report.tables import Cell, Group, Table
from stimmung.vocabulary.view import IN_PATHS

# The rules that run a language model, on a GPU if there is one.
MODEL_RULES = (
    *("build_tiny", "prepare_model", "train_fold_adapters", "train_week_adapters"),
    *("score_respondents", "score_questions", "train_imputation_adapters", "draw_from_adapters"),
    *("train_group_adapters", "score_groups"),
)
ON_CPU, BUILT_IN = "cpu", "built-in"
# What stands in the paths of benchmark files and is no name of the config: seeds, weeks, formats of figures.
NO_NAME = re.compile(r"seed-\d+|\d{4}-\d{2}-\d{2}|svg|pdf|png")


def names_of(config: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return the surveys, panels and models of a run, each with the other names in the paths of its jobs' benchmark files.

    A job with any other name belongs to another study in the same folder, or to an earlier config.
    """
    run = config.get("run", {})
    names: dict[str, set[str]] = {}
    for section in ("surveys", "panels"):
        for name in run.get(section, []):
            branch = config[section][name]
            imputing = (branch.get("impute") or {}).get("arms", [])
            parts = {part for arm in [*branch["arms"], *imputing] for part in arm.split("/")}
            names[name] = parts | set(branch.get("conditions", {})) | set(branch.get("predictions", {}))
            names[name] |= {*WAVE_BASELINES, *UNASKED_BASELINES}
            if targets := branch.get("targets"):
                # An option of a select-all item is named behind it: media.radio.
                groups = {one.rpartition(".")[0] for one in targets if "." in one}
                names[name] |= {IN_PATHS.strip("/"), *targets, *groups}
    used = {part for parts in names.values() for part in parts}
    models = {name: model for name, model in config.get("models", {}).items() if name in used}
    # A model that the workflow builds itself is built under this name.
    built = ["tiny"] if any(model["source"] == BUILT_IN for model in models.values()) else []
    return names | {name: set() for name in (*models, *built)}


def costs_of(
    benchmarks: Path, names: Mapping[str, Collection[str]], devices: Iterable[str]
) -> dict[str, Any]:
    """Return jobs, hours and memory (MB) by rule, from benchmark files ``{rule}/{survey, panel or model}/….tsv``.

    ``names`` is what :func:`names_of` returns. ``devices`` are those that adapters were trained on; all but a CPU are GPUs.
    """
    gpus = sorted(set(devices) - {ON_CPU})
    rules = {}
    for folder in sorted(path for path in benchmarks.glob("*") if path.is_dir()):
        files = [file for file in sorted(folder.rglob("*.tsv")) if _belongs(file.relative_to(folder), names)]
        jobs = [_job(file) for file in files]
        if jobs:
            hours = round(sum(job["s"] for job in jobs) / 3600, 5)
            rules[folder.name] = {
                "jobs": len(jobs),
                "wall_hours": hours,
                "cpu_hours": round(sum(job["cpu_time"] for job in jobs) / 3600, 5),
                "gpu_hours": hours if gpus and folder.name in MODEL_RULES else 0.0,
                "peak_memory_mb": round(max(job["max_rss"] for job in jobs)),
            }
    return {"gpus": gpus, "rules": rules}


def devices_of(records: Iterable[Path]) -> set[str]:
    """Return the devices that the training.json files of adapters name."""
    return {json.loads(path.read_text(encoding="utf-8")).get("device", ON_CPU) for path in records}


def costs_part(costs: Mapping[str, Any]) -> Part:
    """Return the part of the report that shows what ``costs_of`` returned."""
    kinds = ("wall_hours", "cpu_hours", "gpu_hours")
    rules = costs["rules"]
    total = {kind: sum(one[kind] for one in rules.values()) for kind in ("jobs", *kinds)}
    # In hours, a study that takes minutes would be a column of zeros.
    unit, in_unit = ("minutes", 60) if total["wall_hours"] < 1 else ("hours", 1)
    rows = []
    for rule, one in (*rules.items(), ("total", total)):
        memory = f"{one['peak_memory_mb']:,}" if "peak_memory_mb" in one else ""
        numbers = [str(one["jobs"]), *(f"{one[kind] * in_unit:.2f}" for kind in kinds), memory]
        rows.append([Cell(text) for text in (rule, *numbers)])
    columns = ["rule", "jobs", f"wall {unit}", f"CPU {unit}", f"GPU {unit}", "peak memory, MB"]
    table = Table("What the study cost, by rule.", columns, [Group("", rows)])
    told = (
        "The jobs whose results are shown here, each counted once, without attempts that failed or were killed. Adapters and "
        "predictions that another study had left in the store cost only the time to read them. "
        + (f"GPUs: {', '.join(costs['gpus'])}." if costs["gpus"] else "No GPU was used.")
    )
    return Part("What it cost", [Text(told), Shown(table)])


def _belongs(file: Path, names: Mapping[str, Collection[str]]) -> bool:
    branch, *parts = file.with_suffix("").parts
    return branch in names and all(part in names[branch] or NO_NAME.fullmatch(part) for part in parts)


def _job(file: Path) -> dict[str, float]:
    with file.open(encoding="utf-8", newline="") as lines:
        job = list(csv.DictReader(lines, delimiter="\t"))[-1]
    # Snakemake writes '-' or 'NA' for what it could not measure in a very short job.
    known = {name: job.get(name) or "-" for name in ("s", "cpu_time", "max_rss")}
    return {name: 0.0 if text in ("-", "NA") else float(text) for name, text in known.items()}
