"""What a job took, written as Snakemake's benchmarks are, for rules that may not have one because they are cached."""

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from stimmung.vocabulary.atomic_files import write_whole


@contextmanager
def measured(file: Path) -> Iterator[None]:
    """Run the rest of a job and write what its process took, from its start, and its children, once the job has succeeded.

    Parameters
    ----------
    file
        The file to write, in the columns of a benchmark file: seconds, the same in words, MB of the largest process, and
        processor seconds of all.
    """
    began = time.monotonic()
    yield
    seconds = _seconds_since_start(time.monotonic() - began)
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    row = {
        "s": f"{seconds:.2f}",
        "h:m:s": str(timedelta(seconds=int(seconds))),
        "max_rss": f"{max(_peak_kb(own.ru_maxrss), children.ru_maxrss) / 1024:.2f}",
        "cpu_time": f"{sum(used.ru_utime + used.ru_stime for used in (own, children)):.2f}",
    }
    write_whole(file, "\t".join(row) + "\n" + "\t".join(row.values()) + "\n")


def _seconds_since_start(otherwise: float) -> float:
    """Return the age of this process, imports included, where the kernel tells it."""
    try:
        fields = Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return otherwise
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")


def _peak_kb(otherwise: int) -> int:
    """Return the most memory that this process held; what getrusage says includes the process that began it."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return otherwise
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), otherwise)
