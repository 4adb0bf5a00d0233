"""How long Snakemake plans a large study: time and memory of a dry run of the demo's survey with many models and seeds."""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from stimmung.vocabulary.atomic_files import write_json

ROOT = Path(__file__).parent.parent
GOAL_SECONDS, GOAL_MB = 30, 1000
# The fewer models share a seed's baselines, the more jobs so many adapters take.
N_MODELS = {"four models": 4, "one model": 1}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--adapters", type=int, default=10_000)
    parser.add_argument("--output", type=Path, default=ROOT / "results/benchmarks")
    options = parser.parse_args()
    study = yaml.safe_load((ROOT / "config.yaml").read_text())
    a_seed = study["folds"] * len(study["surveys"]["anes1996"]["conditions"])
    content: dict[str, object] = {"goal": {"seconds": GOAL_SECONDS, "peak_mb": GOAL_MB}}
    for name, n_models in N_MODELS.items():
        models = {f"model-{number}": study["models"]["tiny"] for number in range(n_models)}
        seeds = list(range(-(-options.adapters // (a_seed * n_models))))
        with tempfile.TemporaryDirectory() as folder:
            conditions = list(study["surveys"]["anes1996"]["conditions"])
            found = dry_run(Path(folder), models, conditions, seeds)
        adapters = a_seed * n_models * len(seeds)
        content[name] = {"adapters": adapters, "seeds": len(seeds), **found}
    print(json.dumps(content, indent=2))
    write_json(content, options.output / "dag.json")


def dry_run(
    folder: Path, models: dict[str, object], conditions: list[str], seeds: list[int]
) -> dict[str, object]:
    """Plan in a copy without results, as a user does before a first run, and return what it took.

    Memory is the most that any run of this process took.
    """
    for name in ("Snakefile", "config.yaml", "rules", "scripts", "stimmung", "codebooks", "profiles"):
        (folder / name).symlink_to(ROOT / name)
    arms = [f"{model}/tuned" for model in models]
    survey = {"seeds": seeds, "arms": arms, "conditions": {name: {"arms": arms} for name in conditions}}
    config = {"run": {"baselines": ["majority"]}, "models": models, "surveys": {"anes1996": survey}}
    (folder / "study.yaml").write_text(yaml.safe_dump(config))
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    said = snakemake(folder, "--dry-run")
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    jobs = next(line.split()[1] for line in said.splitlines() if line.startswith("total"))
    return {
        "jobs": int(jobs),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime, 1),
        "peak_mb": round(used.ru_maxrss / 1024),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def snakemake(folder: Path, *arguments: str) -> str:
    """Run in a folder, and return what was said."""
    command = [sys.executable, "-m", "snakemake", "--quiet", "rules", "--cores", "2", *arguments]
    ended = subprocess.run(
        [*command, "--configfile", "study.yaml"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    if ended.returncode != 0:
        sys.exit(ended.stdout + ended.stderr)
    return ended.stdout + ended.stderr


if __name__ == "__main__":
    main()
