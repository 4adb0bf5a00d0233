import os
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
# Without this what malloc gives back goes by what happens to lie behind it.
GIVES_BACK = {"MALLOC_MMAP_THRESHOLD_": str(2**17)}
PAGES = 40 * 2**22 // resource.getpagesize()  # of what is held at once


@pytest.mark.skipif(sys.platform != "linux", reason="how Linux and glibc hand out memory")
def test_memory_that_was_freed_is_not_asked_for_again():
    def faults(how):
        command = [sys.executable, "-c", FAULTS, how]
        return int(subprocess.run(command, capture_output=True, env=os.environ | GIVES_BACK).stdout)

    given_back, kept = faults("given back"), faults("kept")
    assert given_back > PAGES
    assert kept < PAGES / 10
