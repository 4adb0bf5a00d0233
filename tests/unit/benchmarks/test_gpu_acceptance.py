"""The script that a card runs for minutes must not fail for a reason that a CPU shows."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def acceptance(monkeypatch, tmp_path):
    """Return a function that runs given parts in this process, in a dry run, and returns its exit code and result."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import gpu_acceptance

    monkeypatch.setattr(torch.cuda, "is_available", torch.cuda.is_available)  # so that it is put back
    for name in ("HF_HUB_OFFLINE", "CUBLAS_WORKSPACE_CONFIG", "PYTORCH_ALLOC_CONF", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    inputs, output = tmp_path / "inputs.json", tmp_path / "out/result.json"
    inputs.write_text(json.dumps({"contexts": [[2, 3, 4]], "options": [[5], [6, 7]]}))

    def run(**parts):
        monkeypatch.setattr(gpu_acceptance, "PARTS", dict.fromkeys(parts, 1))
        monkeypatch.setattr(gpu_acceptance, "_part", parts.get)
        monkeypatch.setattr(gpu_acceptance, "_allowed", lambda on_a_card, _: on_a_card)
        monkeypatch.setattr(sys, "argv", ["x", "--dry", "--inputs", str(inputs), "--output", str(output)])
        return gpu_acceptance.main(), json.loads(output.read_text())

    return run


def findings(*pairs):
    def part(_):
        from gpu_bench import Finding

        for passed in pairs:
            yield Finding("a number", 1.0, passed)

    return part


def test_verdicts_and_exit_code(acceptance):
    assert acceptance(a=findings(True, None))[0] == 0
    code, result = acceptance(a=findings(True, None, False), b=findings(True))
    assert code == 1
    assert [one["verdict"] for one in result["findings"]] == ["pass", "recorded", "fail", "pass"]
    assert (
        set(result["seconds"]) == {"a", "b"} and result["machine"]["versions"]["torch"] == torch.__version__
    )


def test_a_part_that_raises_or_takes_too_long_is_a_line_and_the_next_one_runs(acceptance, capsys):
    def raises(bench):
        yield from findings(True)(bench)
        raise RuntimeError("CUDA error: an illegal memory access\nand more")

    def hangs(_):
        time.sleep(60)
        yield

    code, result = acceptance(a=raises, b=hangs, c=findings(True))
    assert code == 1
    assert [(one["part"], one["verdict"]) for one in result["findings"]] == [
        ("a", "pass"),
        ("a", "fail"),
        ("b", "fail"),
        ("c", "pass"),
    ]
    shown = capsys.readouterr().out
    assert "fail  a: ended with: RuntimeError: CUDA error: an illegal memory access\n" in shown
    assert "fail  b: took more seconds than: 1\n" in shown


def test_a_killed_run_keeps_what_it_measured(acceptance, tmp_path):
    def killed(bench):
        yield from findings(True)(bench)
        assert json.loads((tmp_path / "out/result.json").read_text())["findings"], "written at once"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        acceptance(a=killed)
    assert len(json.loads((tmp_path / "out/result.json").read_text())["findings"]) == 1


def test_all_parts_together_take_nine_minutes_at_most(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import gpu_acceptance

    assert sum(gpu_acceptance.PARTS.values()) <= gpu_acceptance.TOTAL_SECONDS == 540


@pytest.mark.slow
def test_a_dry_run_passes_and_needs_nothing_that_a_bare_machine_with_a_card_lacks(tmp_path):
    made = [sys.executable, BENCHMARKS / "gpu_inputs.py", "--prompts", "24", "--output", tmp_path / "in.json"]
    subprocess.run(made, check=True, capture_output=True, cwd=tmp_path)
    # Modules that are None cannot be imported.
    lacking = ["pandas", "pandera", "pyarrow", "datasets", "trl", "lm_eval", "statsmodels"]
    code = f"""
import runpy, sys
sys.path.insert(0, {str(BENCHMARKS)!r})
sys.modules |= dict.fromkeys({lacking})
import importlib.util as util
find = util.find_spec
util.find_spec = lambda name, *more: None if name.split('.')[0] in {lacking} else find(name, *more)
sys.argv = ['x', '--dry', '--inputs', {str(tmp_path / "in.json")!r}, '--output', {str(tmp_path / "out.json")!r}]
runpy.run_path({str(BENCHMARKS / "gpu_acceptance.py")!r}, run_name='__main__')
"""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(BENCHMARKS.parent)}
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr[-2000:]
    result = json.loads((tmp_path / "out.json").read_text())
    assert {one["part"] for one in result["findings"]} == set(result["parts_begun"])
    assert {"peers", "steps", "out_of_memory", "scoring"} <= set(result["parts_begun"])
    assert any(one["what"] == "TRL" and one["value"] == "not installed" for one in result["findings"])
