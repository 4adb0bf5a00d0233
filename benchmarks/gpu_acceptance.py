"""What a CUDA card must show in nine minutes: right numbers, speed against others, and the constants that were guesses.

    python benchmarks/gpu_acceptance.py [--dry] [--output results/benchmarks/gpu_acceptance.json] [--parts nf4 steps]

Each part has an alarm of its own; each finding is printed and written at once, so that a killed run keeps what it measured; a
part that fails is one line, and the next one runs. Exits with 1 if a finding fails. `--dry` runs everything at a tiny size on a
CPU, without verdicts on speed.

Needs torch, transformers, accelerate, peft, bitsandbytes and pydantic; trl and datasets for the comparison, which is left out
without them. Its inputs are made by gpu_inputs.py, on another machine if need be.
"""

import argparse
import faulthandler
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent.parent / "results/benchmarks"
PACKAGES = ("torch", "transformers", "peft", "bitsandbytes", "accelerate", "trl")
TOTAL_SECONDS = 540
# Seconds that each part may take.
PARTS = {
    "machine": 15,
    "kernels": 15,
    "nf4": 10,
    "float32": 30,
    "proof": 15,
    "resume": 30,
    "out_of_memory": 60,
    "exact_scores": 15,
    "build": 15,
    "load": 25,
    "one_by_one": 15,
    "peers": 60,
    "steps": 80,
    "lengths": 35,
    "saturation": 30,
    "products": 25,
    "scoring": 55,
}


class TookTooLong(BaseException):
    """A part's alarm rang; no library may take it for an error of its own."""


def main() -> int:
    options = _arguments()
    # Before torch is imported.
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # for deterministic products
    os.environ.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")  # the Hugging Face Trainer would spread over more
    import torch

    if options.dry:
        torch.cuda.is_available = lambda: False
        torch.set_num_threads(1)
    elif not torch.cuda.is_available():
        print("ERROR: there is no CUDA GPU here\nHint: Run it with --dry.", file=sys.stderr)
        return 1
    if not options.inputs.exists():
        hint = "Hint: Run python benchmarks/gpu_inputs.py, here or elsewhere."
        print(f"ERROR: there is no {options.inputs}\n{hint}", file=sys.stderr)
        return 1
    if not options.dry:
        torch.backends.cuda.enable_cudnn_sdp(False)  # as where a base is loaded
    result = _begun(options)
    # The alarms are heard between two lines of Python. This one ends also what hangs in a kernel.
    left = _allowed(TOTAL_SECONDS, options) - (time.time() - result["began"])
    faulthandler.dump_traceback_later(max(left, 1), exit=True, file=sys.__stderr__)
    try:
        _run_parts(result, options)
    finally:
        faulthandler.cancel_dump_traceback_later()
    failed = [one for one in result["findings"] if one["verdict"] == "fail"]
    print(f"{len(result['findings'])} findings, {len(failed)} failed; {options.output}")
    print("seconds:", ", ".join(f"{name} {took}" for name, took in result["seconds"].items()))
    return 1 if failed else 0


def _run_parts(result: dict[str, Any], options: argparse.Namespace) -> None:
    from gpu_bench import Bench, Finding, free_memory

    bench = Bench(options.dry, options.inputs)
    for name in PARTS:  # in this order: some leave the model in another form
        if name not in options.parts or name in result["parts_begun"]:
            continue
        result["parts_begun"].append(name)
        began, broken = time.monotonic(), False
        try:
            with _alarm(_allowed(PARTS[name], options)):
                for finding in _part(name)(bench):
                    _keep(result, options.output, name, finding)
        except TookTooLong:
            _keep(result, options.output, name, Finding("took more seconds than", PARTS[name], False))
        except Exception as error:  # the next part runs
            what = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            _keep(result, options.output, name, Finding("ended with", what, False))
            broken = not options.dry and _is_broken()
        result["seconds"][name] = round(time.monotonic() - began, 1)
        _write(result, options.output)
        if broken:  # nothing runs on the card any more in this process
            os.execv(sys.executable, [sys.executable, *sys.argv, "--continue"])
        free_memory()


def _allowed(on_a_card: int, options: argparse.Namespace) -> int:
    """Return how many seconds something may take; a dry run may be on a machine that is busy."""
    return 10 * on_a_card if options.dry else on_a_card


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What a CUDA card must show in nine minutes.")
    parser.add_argument("--dry", action="store_true", help="a tiny model on a CPU")
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--inputs", type=Path, default=RESULTS / "gpu_inputs.json")
    parser.add_argument("--output", type=Path, default=RESULTS / "gpu_acceptance.json")
    parser.add_argument(
        "--continue", dest="continued", action="store_true", help="behind the parts in the output"
    )
    return parser.parse_args()


def _begun(options: argparse.Namespace) -> dict[str, Any]:
    if options.continued:
        return dict(json.loads(options.output.read_text()))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    return {
        "began": time.time(),
        "dry": options.dry,
        "machine": _machine(),
        "findings": [],
        "parts_begun": [],
        "seconds": {},
    }


def _part(name: str) -> Callable[[Any], Iterator[Any]]:
    import gpu_correctness
    import gpu_peers
    import gpu_speed

    module = next(one for one in (gpu_correctness, gpu_peers, gpu_speed) if hasattr(one, name))
    found: Callable[[Any], Iterator[Any]] = getattr(module, name)
    return found


@contextmanager
def _alarm(seconds: int) -> Iterator[None]:
    def ring(*_: Any) -> None:
        raise TookTooLong

    signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def _keep(result: dict[str, Any], output: Path, part: str, finding: Any) -> None:
    verdict = {True: "pass", False: "fail", None: "recorded"}[finding.passed]
    value = float(f"{finding.value:.4g}") if isinstance(finding.value, float) else finding.value
    result["findings"].append({"part": part, "what": finding.what, "value": value, "verdict": verdict})
    print(f"{verdict:>8}  {part}: {finding.what}: {value}", flush=True)
    _write(result, output)


def _write(result: dict[str, Any], output: Path) -> None:
    draft = output.with_suffix(".draft")
    draft.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    draft.replace(output)


def _is_broken() -> bool:
    import torch

    try:
        torch.cuda.synchronize()
    except RuntimeError:
        return True
    return False


def _machine() -> dict[str, Any]:
    import torch

    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return {
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "memory_gb": round(torch.cuda.mem_get_info()[1] / 1e9, 1) if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        "versions": versions,
    }


if __name__ == "__main__":
    sys.exit(main())
