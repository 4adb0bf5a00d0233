"""How fast a panel of posts and a wide survey are read, and in how much memory.

    python benchmarks/reading.py --millions 1 5 20

Posts are simulated, and read from csv to one table a week. The survey is a csv file of 64,600 rows and 562 columns, of which
four are used. Writes results/benchmarks/reading.json. Each size is read by a process of its own, whose peak memory is the
kernel's figure.
"""

import argparse
import json
import logging
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from stimmung.data.posts.panel_reader import PostReader, read_panel
from stimmung.data.posts.post_files import find_post_files
from stimmung.data.simulate.simulated_panel import simulate_week
from stimmung.data.surveys.survey_files import read_survey_file
from stimmung.vocabulary.posts import Cleaning, PostColumns, PostFilters, PostFormat
from stimmung.vocabulary.weeks import Weeks

WEEKS = Weeks(first="2019-11-07", last="2020-06-25", anchor="THU", time_zone="Europe/London")
MILLION = 1_000_000
POSTS_PER_FILE = 1_000_000
POOL = 20_000
AUTHORS = 24_000
SEED = 1
# As large as a wave of the European Social Survey with all its countries.
SURVEY_ROWS, SURVEY_COLUMNS = 64_600, 562
SURVEY_USED = ["v3", "v5", "v100", "v500"]


def write_posts(folder: Path, n_posts: int) -> int:
    """Write simulated posts of all weeks, in no order, as csv files; return their size in bytes."""
    rng = np.random.default_rng(SEED)
    label = WEEKS.labels()[0]
    pool = (
        simulate_week(WEEKS, label, posts_per_week=POOL, n_respondents=10, seed=SEED).posts["text"].to_numpy()
    )
    first = np.datetime64(WEEKS.first, "s")
    seconds = len(WEEKS.labels()) * 7 * 24 * 3600
    size = 0
    for start in range(0, n_posts, POSTS_PER_FILE):
        n = min(POSTS_PER_FILE, n_posts - start)
        # The number makes texts differ, as real ones do; without it there would be only 20,000 of them.
        texts = pool[rng.integers(0, len(pool), n)] + np.array(
            [f" {number}" for number in rng.integers(0, 10**9, n)]
        )
        times = pa.array(first + rng.integers(0, seconds, n)).cast(pa.timestamp("s", "UTC"))
        authors = pa.array([f"author-{number}" for number in rng.integers(0, AUTHORS, n)])
        table = pa.table({"time": times, "author": authors, "text": pa.array(texts.tolist())})
        file = folder / f"posts-{start // POSTS_PER_FILE:03d}.csv"
        pacsv.write_csv(table, file)
        size += file.stat().st_size
    return size


def measure(folder: Path) -> dict[str, float]:
    """Read the posts of a folder in this process."""
    reader = PostReader(
        columns=PostColumns(),
        format=PostFormat(),
        weeks=WEEKS,
        filters=PostFilters(max_posts_per_author=10_000),
        cleaning=Cleaning(),
        salt=b"benchmark, no secret",
    )
    before = peak_mb()
    start = time.perf_counter()
    report = read_panel(find_post_files([str(folder / "*.csv")], WEEKS.labels()), reader, folder / "weeks")
    seconds = time.perf_counter() - start
    return {
        "posts": report["rows"],
        "kept": report["kept"],
        "seconds": round(seconds, 1),
        "posts_per_second": round(report["rows"] / seconds),
        "peak_mb": peak_mb(),
        "peak_mb_before_reading": before,
    }


def write_survey(file: Path) -> int:
    """Write a survey of codes as csv; return its size in bytes."""
    rng = np.random.default_rng(SEED)
    rows = [",".join(map(str, rng.integers(-9, 100, SURVEY_COLUMNS))) for _ in range(SURVEY_ROWS // 100)]
    with file.open("w", encoding="ascii") as stream:
        stream.write(",".join(f"v{number}" for number in range(SURVEY_COLUMNS)) + "\n")
        for _ in range(100):
            stream.write("\n".join(rows) + "\n")
    return file.stat().st_size


def measure_survey(file: Path) -> dict[str, float]:
    """Read four columns of a survey in this process."""
    before = peak_mb()
    start, cpu_start = time.perf_counter(), time.process_time()
    survey = read_survey_file(str(file), SURVEY_USED)
    return {
        "rows": len(survey.codes),
        "seconds": round(time.perf_counter() - start, 2),
        "cpu_seconds": round(time.process_time() - cpu_start, 2),
        "peak_mb": peak_mb(),
        "peak_mb_before_reading": before,
    }


def peak_mb() -> int:
    """Return the largest resident memory of this process so far.

    Not from getrusage: that one counts what the process was forked from.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return round(int(status.split("VmHWM:")[1].split()[0]) / 1024)


def main() -> None:
    """Measure each size, and write what came out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--millions", type=float, nargs="+", default=[0.1, 0.5], help="millions of posts, one or more sizes"
    )
    parser.add_argument(
        "--scratch",
        type=Path,
        default=None,
        help="folder for some 200 MB a million posts, removed at the end",
    )
    parser.add_argument("--output", type=Path, default=Path("results/benchmarks/reading.json"))
    parser.add_argument("--measure", type=Path, default=None, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure is not None:
        logging.disable(logging.WARNING)
        path = arguments.measure
        print(json.dumps(measure(path) if path.is_dir() else measure_survey(path)))
        return
    runs = []
    for millions in arguments.millions:
        with tempfile.TemporaryDirectory(dir=arguments.scratch) as folder:
            size = write_posts(Path(folder), round(millions * MILLION))
            runs.append(measured(Path(folder)) | {"csv_mb": round(size / 2**20)})
            print(runs[-1], flush=True)
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as folder:
        size = write_survey(Path(folder) / "survey.csv")
        survey = measured(Path(folder) / "survey.csv") | {"csv_mb": round(size / 2**20)}
        print(survey, flush=True)
    result = {
        "runs": runs,
        "survey": survey,
        "growth_mb_per_million_posts": growth_mb_per_million_posts(runs),
        "weeks": len(WEEKS.labels()),
        "cpu_count": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "pyarrow": pa.__version__,
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"Written: {arguments.output}")


def measured(path: Path) -> dict[str, float]:
    """Return what a process of its own measures: of posts in a folder, or of a survey's file."""
    command = [sys.executable, __file__, "--measure", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
    return json.loads(done.stdout)


def growth_mb_per_million_posts(runs: list[dict[str, float]]) -> float | None:
    """Return how much the peak memory grows from the smallest to the largest size; None for a single size."""
    small, large = min(runs, key=lambda run: run["posts"]), max(runs, key=lambda run: run["posts"])
    if small["posts"] == large["posts"]:
        return None
    return round((large["peak_mb"] - small["peak_mb"]) / (large["posts"] - small["posts"]) * MILLION, 2)


if __name__ == "__main__":
    main()
