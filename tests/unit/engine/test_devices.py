import resource
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys, torch
from stimmung.engine.base.devices import keep_freed_memory

def work():
    for _ in range(5):
        held = [torch.ones(2**20) for _ in range(40)]
        del held

if sys.argv[1] == "kept":
    keep_freed_memory()
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
PAGES = 40 * 2**22 // resource.getpagesize()  # of what is held at once


@pytest.mark.skipif(sys.platform != "linux", reason="how Linux and glibc hand out memory")
def test_memory_that_was_freed_is_not_asked_for_again():
    given_back, kept = (
        int(subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True).stdout)
        for how in ("given back", "kept")
    )
    assert given_back > PAGES
    assert kept < PAGES / 10
