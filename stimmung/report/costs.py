"""What a study cost: the hours of its jobs by rule, from benchmark files, and the GPUs they ran on."""

import csv
import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from stimmung.report.page import Part, Shown, Text
from stimmung.report.tables import Cell, Group, Table

# The rules that run a language model, on a GPU if there is one.
MODEL_RULES = (
    "build_tiny",
    "prepare_model",
    "train_fold_adapters",
    "train_fold_classifiers",
    "train_week_adapters",
    "score_respondents",
    "classify_respondents",
    "score_questions",
)
ON_CPU = "cpu"


def costs_of(benchmarks: Path, names: Collection[str], devices: Iterable[str]) -> dict[str, Any]:
    """Return jobs, hours and memory by rule.

    Parameters
    ----------
    benchmarks
        The folder of the benchmark files, ``{rule}/{survey, panel or model}/….tsv``.
    names
        The surveys, panels and models of this run; files of others, from another study in the same folder, do not count.
    devices
        The names of the devices that adapters were trained on; what is not a CPU is a GPU.
    """
    gpus = sorted(set(devices) - {ON_CPU})
    rules = {}
    for folder in sorted(path for path in benchmarks.glob("*") if path.is_dir()):
        # An empty one is what Snakemake leaves of a model that it took from the between-workflow cache.
        files = [file for file in sorted(folder.rglob("*.tsv")) if file.stat().st_size]
        jobs = [_job(file) for file in files if _name(file, folder) in names]
        if jobs:
            hours = sum(float(job["s"]) for job in jobs) / 3600
            rules[folder.name] = {
                "jobs": len(jobs),
                "wall_hours": round(hours, 5),
                "cpu_hours": round(sum(_number(job.get("cpu_time")) for job in jobs) / 3600, 5),
                "gpu_hours": round(hours, 5) if gpus and folder.name in MODEL_RULES else 0.0,
                "peak_memory_mb": round(max(_number(job.get("max_rss")) for job in jobs)),
            }
    return {"gpus": gpus, "rules": rules}


def devices_of(records: Iterable[Path]) -> set[str]:
    """Return the devices that the training.json files of adapters name."""
    return {json.loads(path.read_text(encoding="utf-8")).get("device", ON_CPU) for path in records}


def costs_part(costs: Mapping[str, Any]) -> Part:
    """Return the part of the report that shows what ``costs_of`` returned."""
    kinds = ("wall_hours", "cpu_hours", "gpu_hours")
    total = {kind: sum(one[kind] for one in costs["rules"].values()) for kind in ("jobs", *kinds)}
    # In hours, a study that takes minutes would be a column of zeros.
    unit, in_unit = ("minutes", 60) if total["wall_hours"] < 1 else ("hours", 1)
    rows = [
        [
            Cell(rule),
            Cell(str(one["jobs"])),
            *(Cell(f"{one[kind] * in_unit:.2f}") for kind in kinds),
            Cell(f"{one['peak_memory_mb']:,}"),
        ]
        for rule, one in costs["rules"].items()
    ]
    rows.append(
        [
            Cell("total"),
            Cell(str(total["jobs"])),
            *(Cell(f"{total[kind] * in_unit:.2f}") for kind in kinds),
            Cell(""),
        ]
    )
    columns = ["rule", "jobs", f"wall {unit}", f"CPU {unit}", f"GPU {unit}", "peak memory, MB"]
    table = Table("What the study cost, by rule.", columns, [Group("", rows)])
    told = (
        "The jobs whose results stand here, each counted once: attempts that failed or were killed are not among them, nor is what "
        "another study of the group had made. "
        + (f"GPUs: {', '.join(costs['gpus'])}." if costs["gpus"] else "No GPU was used.")
    )
    return Part("What it cost", [Text(told), Shown(table)])


def _name(file: Path, folder: Path) -> str:
    return Path(file.relative_to(folder).parts[0]).stem


def _job(file: Path) -> dict[str, str]:
    with file.open(encoding="utf-8", newline="") as lines:
        return dict(list(csv.DictReader(lines, delimiter="\t"))[-1])


def _number(text: str | None) -> float:
    # Snakemake writes '-' or 'NA' for what it could not measure in a very short job.
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
