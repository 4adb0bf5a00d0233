"""How fast a panel of posts is read, and how its memory grows: simulated posts, from csv to one table a week.

    python benchmarks/reading.py --millions 1 5 20

Writes results/benchmarks/reading.json. Each size is read by a process of its own, whose peak memory is the
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
from stimmung.vocabulary.posts import Cleaning, PostColumns, PostFilters, PostFormat
from stimmung.vocabulary.weeks import Weeks

WEEKS = Weeks(first="2019-11-07", last="2020-06-25", anchor="THU", time_zone="Europe/London")
MILLION = 1_000_000
POSTS_PER_FILE = 1_000_000
POOL = 20_000
AUTHORS = 24_000
SEED = 1


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
        print(json.dumps(measure(arguments.measure)))
        return
    runs = []
    for millions in arguments.millions:
        with tempfile.TemporaryDirectory(dir=arguments.scratch) as folder:
            size = write_posts(Path(folder), round(millions * MILLION))
            command = [sys.executable, __file__, "--measure", folder]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
            runs.append(json.loads(done.stdout) | {"csv_mb": round(size / 2**20)})
            print(runs[-1], flush=True)
    result = {
        "runs": runs,
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


def growth_mb_per_million_posts(runs: list[dict[str, float]]) -> float | None:
    """Return how much the peak memory grows from the smallest to the largest size; None for a single size."""
    small, large = min(runs, key=lambda run: run["posts"]), max(runs, key=lambda run: run["posts"])
    if small["posts"] == large["posts"]:
        return None
    return round((large["peak_mb"] - small["peak_mb"]) / (large["posts"] - small["posts"]) * MILLION, 2)


if __name__ == "__main__":
    main()
