"""Which tests `make test-fast` leaves out, and one thread a test."""

import os
from pathlib import Path

import pytest

# Two tests run at once, on as many cores as a CI machine has: more threads would wait for each other. Set before numpy and torch
# are imported, and handed on to the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

HERE = Path(__file__).parent
RUN_SNAKEMAKE = ("workflow", "slurm")


def pytest_collection_modifyitems(items):
    """Mark what runs whole workflows; single tests elsewhere that take seconds carry the marker themselves."""
    for item in items:
        if item.path.relative_to(HERE).parts[0] in RUN_SNAKEMAKE:
            item.add_marker(pytest.mark.slow)
