"""Record what a run was made of: config, code, software, data and models. The report shows it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from stimmung.report.costs import costs_of, devices_of, names_of
from stimmung.report.provenance import software
from stimmung.vocabulary.atomic_files import digest_of_file, write_atomic
from stimmung.vocabulary.errors import InputError
from stimmung.workflow.run import run


def record_run(
    *,
    provenance: list[Path],
    panels: list[Path],
    models: list[Path],
    files: list[Path],
    run: Path,
    config: Mapping[str, Any],
    git: Mapping[str, Any],
    benchmarks: Path,
    adapters: list[Path],
) -> None:
    """Write one YAML file, in which all but the costs is the same in the same run.

    Records of surveys (``provenance``), panels (reading.json) and models are known by the name of their folder; of the user's other
    ``files``, digests are recorded. ``git`` is commit, date and whether files differ from it. What the study cost follows from the
    folder of Snakemake's ``benchmarks`` and from ``adapters``, folders whose training.json name the device.
    """
    trained = (record for folder in adapters for record in sorted(folder.rglob("training.json")))
    record = {
        "git": dict(git),
        "software": software(),
        "surveys": {path.parent.name: read_json(path) for path in provenance},
        "panels": {path.parent.name: read_json(path) for path in panels},
        "models": {path.parent.name: read_json(path) for path in models},
        "inputs": {str(path): digest_of_file(path) for path in files},
        "costs": costs_of(benchmarks, names_of(config), devices_of(trained)),
        "config": dict(config),
    }
    write_atomic(run, yaml.safe_dump(record, sort_keys=False, allow_unicode=True, width=110))


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} is not a readable JSON file", "Delete it and run snakemake again."
        ) from error


if __name__ == "__main__":
    run(record_run, snakemake)
