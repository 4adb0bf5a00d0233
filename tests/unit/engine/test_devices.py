import os
import resource
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from stimmung.engine.base.base_model import prepare_loaded

def work():
    for _ in range(5):
        held = [torch.ones(2**20) for _ in range(40)]
        del held

if sys.argv[1] == "kept":
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    prepare_loaded(LlamaForCausalLM(LlamaConfig(vocab_size=8, **sizes)))
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
# Without this what malloc gives back goes by what happens to lie behind it.
GIVES_BACK = {"MALLOC_MMAP_THRESHOLD_": str(2**17)}
PAGES = 40 * 2**22 // resource.getpagesize()  # of what is held at once


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="how Linux and glibc hand out memory")
def test_memory_that_was_freed_is_not_asked_for_again_once_a_base_is_loaded():
    def faults(how):
        command = [sys.executable, "-c", FAULTS, how]
        return int(subprocess.run(command, capture_output=True, env=os.environ | GIVES_BACK).stdout)

    given_back, kept = faults("given back"), faults("kept")
    assert given_back > PAGES
    assert kept < PAGES / 10
