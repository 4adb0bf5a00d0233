"""Record what a run was made of: config, code, software, data and models. The report shows it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from stimmung.report.costs import costs_of, devices_of
from stimmung.report.provenance import git_state, software
from stimmung.vocabulary.atomic_files import digest_of_file, write_whole
from stimmung.vocabulary.errors import InputError
from stimmung.workflow.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def record_run(
    *,
    config: Mapping[str, Any],
    provenance: list[Path],
    models: list[Path],
    panels: Sequence[Path] = (),
    inputs: Sequence[Path] = (),
    benchmarks: Path | None = None,
    adapters: Sequence[Path] = (),
    date: str | None = None,
    root: Path = Path(),
    output: Path,
) -> None:
    """Write one YAML file.

    The files are results/surveys/{survey}/provenance.json, results/models/{model}/model.json and
    results/panels/{panel}/reading.json, the report of the reader: the folder is the name. ``inputs`` are other files
    of the user's, whose digests are recorded. ``benchmarks`` holds Snakemake's benchmark files, and ``adapters`` are
    the folders whose training.json say what they were trained on: what the study cost, which no two runs share.
    Without a ``date`` only the commit's is recorded, and all but the costs is the same in the same run.
    """
    names = (
        {path.parent.name for path in (*provenance, *panels, *models)}
        | set(config.get("run", {}).get("panels", []))
        | {"tiny"}
    )
    record = {
        "date": date,
        "git": git_state(root),
        "software": software(),
        "surveys": {path.parent.name: read_json(path) for path in provenance},
        "panels": {path.parent.name: read_json(path) for path in panels},
        "models": {path.parent.name: read_json(path) for path in models},
        "inputs": {str(path): digest_of_file(path) for path in inputs},
        "costs": costs_of(
            benchmarks or root / "benchmarks",
            names,
            devices_of(record for folder in adapters for record in sorted(folder.rglob("training.json"))),
        ),
        "config": dict(config),
    }
    write_whole(output, yaml.safe_dump(record, sort_keys=False, allow_unicode=True, width=110))


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} is not a readable JSON file", "Delete it and run snakemake again."
        ) from error


if __name__ == "__main__":
    with job(snakemake):
        record_run(
            config=snakemake.params.config,
            provenance=[Path(path) for path in snakemake.input.provenance],
            models=[Path(path) for path in snakemake.input.models],
            panels=[Path(path) for path in snakemake.input.panels],
            inputs=[Path(path) for path in snakemake.input.files],
            benchmarks=Path("benchmarks"),
            adapters=[Path(folder) for folder in snakemake.params.adapters],
            date=snakemake.params.get("date"),
            output=Path(snakemake.output.run),
        )
