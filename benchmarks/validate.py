"""Do the estimates and intervals hold where the truth is known? Writes VALIDATION.md.

    python benchmarks/validate.py [--parts imputation folds …] [--effort 1] [--seed 1]

Each part simulates, counts how often nominal 95 % intervals hold the truth, and writes results/validation/{part}.json; the page is
made of all parts that are there, and keeps the sections of others. --effort multiplies all numbers of repetitions. `make validate`
runs the parts side by side. `tuned` needs results/models/tiny (snakemake --cores 2 results/models/tiny); without it, or with an effort
below 1, it is skipped unless it is named.
"""

import argparse
import datetime
import platform
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fidelity import coverage
from inference import INTERVALS, measure_processes
from known_truth import Rows, times
from rectification import SKILLS, simulated_draws, summary
from validation_folds import effective, folds
from validation_groups import groups
from validation_imputation import calibration, gss, imputation
from validation_left_out import left_out
from validation_ordered import ordered
from validation_page import write_page
from validation_select_all import select_all
from validation_shares import shares
from validation_tuned import BASE, tuned

from stimmung.vocabulary.atomic_files import write_json

FOLDER = Path("results/validation")
PAGE = Path("VALIDATION.md")
REPETITIONS = {
    "series": 2000,  # of the level; the coverage has INTERVALS pairs
    "rectification": 1000,
    "fidelity": 400,
}
FIDELITY_RESPONDENTS = 900
RECTIFIED = ((20, 500), (50, 500), (200, 2000))


def rectification(effort: float, seed: int) -> Rows:
    """Rectified means and shares with predictors from useless to perfect (``benchmarks/rectification.py``)."""
    rows = []
    for kind in ("normal", "share of .2"):
        for n, n_predicted in RECTIFIED:
            for name, skill in SKILLS.items():
                found, truth = simulated_draws(
                    kind, skill, n, n_predicted, times(REPETITIONS["rectification"], effort), seed
                )
                about = {
                    "quantity": kind,
                    "setting": f"{n} labelled, {n_predicted} predicted",
                    "method": name,
                }
                rows.append({**about, "n": len(found), **summary(found, truth)})
    return rows


def fidelity(effort: float, seed: int) -> Rows:
    """Measures of calibration and fidelity of three methods (``benchmarks/fidelity.py``)."""
    table = coverage(times(REPETITIONS["fidelity"], effort), FIDELITY_RESPONDENTS, seed).reset_index()
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def series(effort: float, seed: int) -> Rows:
    """Correlations of weekly series: coverage and level by process (``benchmarks/inference.py``)."""
    found = measure_processes(
        times(REPETITIONS["series"], effort), max(50, round(INTERVALS * min(effort, 1))), seed
    )
    return rows_of_series(
        found, times(REPETITIONS["series"], effort), max(50, round(INTERVALS * min(effort, 1)))
    )


def rows_of_series(found: dict[str, Any], repetitions: int, intervals: int) -> Rows:
    """Return coverages and levels of ``measure_processes`` as rows."""
    rows: Rows = []
    for process, by_correlation in found["coverage"].items():
        for correlation, of_kind in by_correlation.items():
            for kind, share in of_kind.items():
                n = max(2, intervals // 10) if kind.startswith("mean") else intervals
                rows.append(
                    {"method": kind, "setting": process, "quantity": correlation, "coverage": share, "n": n}
                )
    for process, level in found["levels"].items():
        for procedure, (share, error) in level.items():
            rows.append(
                {"level": procedure, "setting": process, "share": share, "error": error, "n": repetitions}
            )
    return rows


PARTS: dict[str, Callable[[float, int], Rows]] = {
    "series": series,
    "folds": folds,
    "ordered": ordered,
    "select_all": select_all,
    "left_out": left_out,
    "groups": groups,
    "shares": shares,
    "fidelity": fidelity,
    "effective": effective,
    "imputation": imputation,
    "calibration": calibration,
    "tuned": tuned,
    "gss": gss,
    "rectification": rectification,
}
TRAINED = "tuned"  # minutes, and needs a model: only where it is asked for, or at full effort


def run_part(name: str, effort: float, seed: int) -> str:
    """Run a part and keep what it found."""
    warnings.filterwarnings("ignore")
    started = time.monotonic()
    rows = PARTS[name](effort, seed)
    about = {
        "command": f"python benchmarks/validate.py --parts {name} --effort {effort:g} --seed {seed}",
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "seconds": round(time.monotonic() - started),
        "versions": {
            "python": platform.python_version(),
            **{one: version(one) for one in ("numpy", "scipy", "pandas", "scikit-learn", "statsmodels")},
        },
    }
    write_json({"about": about, "rows": rows}, FOLDER / f"{name}.json")
    return f"{name}: {len(rows)} rows after {about['seconds']} s"


def main() -> None:
    """Run the parts, two at a time, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="*", choices=[*PARTS])
    parser.add_argument("--effort", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cores", type=int, default=2)
    given = parser.parse_args()
    if given.parts is None:
        given.parts = [name for name in PARTS if name != TRAINED or (given.effort >= 1 and BASE.is_dir())]
        if TRAINED not in given.parts:
            print(
                f"skipped: {TRAINED}, which trains {BASE}; run it with --parts {TRAINED}, or with an effort of 1"
            )
    with ProcessPoolExecutor(given.cores) as pool:
        jobs = [pool.submit(run_part, name, given.effort, given.seed) for name in given.parts]
        for job in jobs:
            print(job.result(), flush=True)
    write_page(FOLDER, PAGE)
    print(f"{PAGE} written")


if __name__ == "__main__":
    main()
