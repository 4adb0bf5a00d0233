"""The parts of gpu_acceptance.py that measure speed and memory, on a Llama of eight billion random weights."""

import math
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from gpu_bench import (
    Bench,
    Finding,
    allocated_gb,
    copied_bytes_per_second,
    free_memory,
    launches,
    median_seconds,
    peak_flops,
    peak_gb,
    seconds,
    stepping,
    synchronize,
)
from gpu_correctness import one_forward_per_option
from safetensors.torch import save_file

from stimmung.engine.base import float32_product
from stimmung.engine.base.base_model import Base, load_base
from stimmung.engine.base.dequantized import hold_dequantized, packed_layers
from stimmung.engine.base.memory_reckoning import GB, adapter_bytes, pass_bytes
from stimmung.engine.base.tiny import _build_tokenizer
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.forward_backward import Part, forward_backward
from stimmung.engine.cohort.memory_plan import sizes_of
from stimmung.engine.cohort.rows import shared_tokens
from stimmung.engine.scoring.prompt_batches import Prompt
from stimmung.engine.scoring.proof import TOLERANCE
from stimmung.engine.scoring.score import score_options
from stimmung.vocabulary.training import Training

FOLDS = 5
# Launches of an optimizer step of Llama-3-8B, at most (counted on CPU tensors: 19,197 and 7,264 before adapters were stacked).
MOST_LAUNCHES = {FOLDS: 7000, 1: 6600}
LEAST_AGAINST_TRL, LEAST_SHARE_OF_PEAK, LEAST_SCORING = 3.5, 0.5, 10
LOADED_GB = 20
STALL = 3  # times the median


def machine(bench: Bench) -> Iterator[Finding]:
    """What the card can do at best."""
    bandwidth, peak = copied_bytes_per_second(bench.device), peak_flops(bench.device)
    bench.measured["peak"] = peak
    yield Finding("copy bandwidth, GB/s", round(bandwidth / 1e9, 1))
    yield Finding("bfloat16 product of 8192 x 8192, TFLOP/s", round(peak / 1e12, 2))


def build(bench: Bench) -> Iterator[Finding]:
    """The model, made and quantised on the card."""
    took = seconds(lambda: bench.large_base, bench.device)
    yield Finding("seconds to build the 8B model", took)
    loaded = allocated_gb()
    yield Finding("GB that it takes", loaded, bench.judged(loaded < LOADED_GB))
    yield Finding("GB at the most while it was built", peak_gb())


def load(bench: Bench) -> Iterator[Finding]:
    """The 4-bit model written to memory-backed files, and loaded as every job loads it."""
    model = bench.large_base.model
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    size = sum(tensor.nbytes for tensor in tensors.values())
    in_memory = Path("/dev/shm")
    roomy = in_memory.exists() and shutil.disk_usage(in_memory).free > 1.1 * size
    with tempfile.TemporaryDirectory(dir=in_memory if roomy else None) as folder:
        save_file(tensors, Path(folder) / "model.safetensors", metadata={"format": "pt"})
        del tensors
        model.config.save_pretrained(folder)
        _build_tokenizer(["Vote: left", "Vote: right"], 320).save_pretrained(folder)
        where = "memory-backed files" if roomy else "files on a disk"
        began = perf_counter()
        loaded = load_base(Path(folder), dequantized_mb=0)
        synchronize(bench.device)
        yield Finding(f"seconds to load {size / GB:.1f} GB of {where}", perf_counter() - began)
    ids = torch.tensor([bench.full_rows(1, 256)[0].input_ids], device=bench.device)
    with torch.inference_mode():
        same = torch.equal(model(input_ids=ids).logits, loaded.model(input_ids=ids).logits)
    yield Finding("the loaded model computes the same", same, same)


def steps(bench: Bench) -> Iterator[Finding]:
    """Time, launches, the share in which the card works, and memory, of steps of one adapter and of five."""
    base = bench.large_base
    for rank in sorted(bench.ranks, reverse=True):
        if rank == bench.ranks[0]:
            hold_dequantized(base.model, math.inf)
        for number, batch in ((1, 1), (FOLDS, 1), (1, 4), (FOLDS, 4)):
            what = f"{number} adapters, rank {rank}, batch {batch}, base {_form(base)}"
            # In a function of its own, so that the adapters are gone before the next ones come.
            found = _measured_steps(
                bench, base, bench.training(r=rank, per_device_train_batch_size=batch), number
            )
            for name, value, passed in found:
                yield Finding(f"{what}: {name}", value, passed)
    yield from _ratios(bench)


def _measured_steps(
    bench: Bench, base: Base, training: Training, number: int
) -> list[tuple[str, Any, bool | None]]:
    rank, batch = training.r, training.per_device_train_batch_size
    rows = [bench.rows(4 * batch, 4 * batch * fold) for fold in range(number)]
    free_memory()
    before = allocated_gb()
    reckoned = _reckoned(base, training, rows)
    found: list[tuple[str, Any, bool | None]] = [("GB reckoned beside the base", reckoned, None)]
    try:
        with stepping(base, training, rows) as (_, step):
            took = median_seconds(step, bench.device)
            taken = peak_gb() - before
            count, busy = launches(step, bench.device)
            passes = step()
    except torch.cuda.OutOfMemoryError:
        return [("memory", "out of memory", None)]
    finally:
        synchronize(bench.device)
    if passes > 1:
        found.append(("memory ran out; passes of a batch", passes, None))
    bench.measured["ours", rank, number, batch] = took / (number * batch)
    found.append(("ms a step", 1000 * took, None))
    if batch == 1:
        most = MOST_LAUNCHES[number]
        found.append((f"launches a step (at most {most})", count, bench.judged(count <= most)))
    else:
        found.append(("launches a step", count, None))
    found.append(("share of the time in which the card works", busy and min(1.0, busy / took), None))
    return [*found, ("GB taken beside the base, at the most", taken, None)]


def _ratios(bench: Bench) -> Iterator[Finding]:
    for rank in bench.ranks:
        for batch in (1, 4):
            one, five = (bench.measured.get(("ours", rank, number, batch)) for number in (1, FOLDS))
            if one and five:
                yield Finding(f"five adapters against one by one, rank {rank}, batch {batch}", one / five)
    theirs = bench.measured.get(("TRL", 1))
    # At the peers' rank, or, where five adapters of it do not fit, at the other.
    for rank in reversed(bench.ranks):
        if theirs and (ours := bench.measured.get(("ours", rank, FOLDS, 1))):
            ratio = theirs / ours
            what = f"five adapters of rank {rank} at batch 1 against TRL one by one (at least {LEAST_AGAINST_TRL})"
            yield Finding(what, ratio, bench.judged(ratio >= LEAST_AGAINST_TRL))
            break
    else:
        yield Finding("five adapters against TRL one by one", "not measured")


def lengths(bench: Bench) -> Iterator[Finding]:
    """Rows of lengths that no batch had before: cuDNN's attention would build a plan for each."""
    base, training = bench.large_base, bench.training()
    first, n_lengths = 100, 4 if bench.dry else 15
    with stepping(base, training, [bench.rows(4)]) as (cohort, step):
        step()
        for name, wanted in (("on", True), ("off", False)):
            torch.backends.cuda.enable_cudnn_sdp(wanted)
            times = []
            for length in range(first, first + n_lengths):
                part = Part(0, bench.full_rows(1, length), 3, 0)
                times.append(seconds(lambda part=part: forward_backward(cohort, [part], 1), bench.device))  # type: ignore[misc]
            first += n_lengths
            ratio = max(times[1:]) / statistics.median(times)
            yield Finding(
                f"cuDNN attention {name}: ms of a new length, median", 1000 * statistics.median(times)
            )
            yield Finding(
                f"cuDNN attention {name}: longest of {n_lengths} new lengths, times the median",
                ratio,
                None if wanted else bench.judged(ratio < STALL),
            )
    torch.backends.cuda.enable_cudnn_sdp(False)


def saturation(bench: Bench) -> Iterator[Finding]:
    """The share of the measured bfloat16 peak that training uses when it has rows enough, at least.

    A frozen layer costs two operations for each weight and token forwards, and two backwards for the gradient of its input; what
    adapters, attention and head do is left out.
    """
    base = bench.large_base
    hold_dequantized(base.model, math.inf)
    n_weights = sum(weight.numel() for name, weight in base.decoder.named_parameters() if "embed" not in name)
    length, shares = (16 if bench.dry else 1024), []
    for dropout in (0.0, 0.05):
        for batch in (4, 8):
            training = bench.training(per_device_train_batch_size=batch, lora_dropout=dropout)
            what = f"batch {batch} of {length - 1} tokens, dropout {dropout}"
            try:
                with stepping(base, training, [bench.full_rows(batch, length)]) as (_, step):
                    rate = batch * (length - 1) / median_seconds(step, bench.device)
                    what += "" if (passes := step()) == 1 else f", memory ran out, in {passes} passes"
            except torch.cuda.OutOfMemoryError:
                yield Finding(what, "out of memory")
                continue
            finally:
                free_memory()
            yield Finding(f"{what}: tokens per second", round(rate))
            if peak := bench.measured.get("peak"):
                shares.append(4 * n_weights * rate / peak)
                yield Finding(f"{what}: share of the peak", shares[-1])
    if shares:
        best = max(shares)
        yield Finding(
            f"largest share of the peak (at least {LEAST_SHARE_OF_PEAK})",
            best,
            bench.judged(best >= LEAST_SHARE_OF_PEAK),
        )


def one_by_one(bench: Bench) -> Iterator[Finding]:
    """One forward pass for each option, as published scripts score: in bfloat16, of the 4-bit model as it is loaded."""
    n = 2 if bench.dry else 16
    prompts = [Prompt(context, bench.option_ids) for context in bench.contexts(n)]
    one_forward_per_option(bench.large_base, prompts[:1])
    took = seconds(lambda: one_forward_per_option(bench.large_base, prompts), bench.device) / n
    bench.measured["one by one"] = took
    yield Finding("one forward per option, 4-bit, in bfloat16: ms a prompt", 1000 * took)


def products(bench: Bench) -> Iterator[Finding]:
    """What scores in float32 cost and gain: by products of float32, and by two or three of bfloat16 for each."""
    base = bench.large_base
    hold_dequantized(base.model, math.inf)
    prompts = [Prompt(context, bench.option_ids) for context in bench.contexts(4 if bench.dry else 64)]
    score_options(base, prompts[:8])
    plain, took = _scored(bench, prompts, exact_products=True)
    yield Finding("products of float32: ms a prompt", 1000 * took)
    rounded = one_forward_per_option(base, prompts[:8])
    yield Finding("scores in bfloat16 differ from these by, nats", float(np.abs(rounded - plain[:8]).max()))
    for parts in (3, float32_product.PARTS):
        with (
            patch.object(float32_product, "PARTS", parts),
            patch.object(float32_product, "has_split_products", lambda _, dtype: dtype == torch.bfloat16),
        ):
            found, took = _scored(bench, prompts)
        difference = float(np.abs(found - plain).max())
        yield Finding(f"{parts} products of bfloat16 for one of float32: ms a prompt", 1000 * took)
        yield Finding(f"{parts} products of bfloat16: scores differ by, nats", difference)
    yield Finding(
        f"scores in float32 are right to {TOLERANCE:g} nats",
        difference,
        bench.judged(difference <= TOLERANCE),
    )


def _scored(bench: Bench, prompts: Sequence[Prompt], **options: Any) -> tuple[np.ndarray, float]:
    """Return scores and the seconds a prompt."""
    found: list[np.ndarray] = []
    took = seconds(lambda: found.extend(score_options(bench.large_base, prompts, **options)), bench.device)
    return np.array(found), took / len(prompts)


def scoring(bench: Bench) -> Iterator[Finding]:
    """Prompts of eight options, by the base and by five adapters, against one forward pass for each option."""
    base = bench.large_base
    hold_dequantized(base.model, math.inf)
    n, n_one_by_one = (24, 2) if bench.dry else (256, 16)
    contexts = bench.contexts(n)
    prompts = [Prompt(context, bench.option_ids) for context in contexts]
    one_forward_per_option(base, prompts[:1])
    held = seconds(lambda: one_forward_per_option(base, prompts[:n_one_by_one]), bench.device) / n_one_by_one
    yield Finding("one forward per option, dequantised, in bfloat16: ms a prompt", 1000 * held)
    score_options(base, prompts[:8])
    ours = seconds(lambda: score_options(base, prompts), bench.device) / n
    yield Finding("Stimmung, in float32: ms a prompt", 1000 * ours)
    yield Finding("against one forward per option of dequantised weights", held / ours)
    if packed := bench.measured.get("one by one"):
        yield Finding(
            f"against one forward per option (at least {LEAST_SCORING})",
            packed / ours,
            bench.judged(packed / ours >= LEAST_SCORING),
        )
    for rank in bench.ranks:
        with stepping(base, bench.training(r=rank), [bench.rows(4)] * FOLDS) as (cohort, _):
            own = [
                Prompt(context, bench.option_ids, number % FOLDS) for number, context in enumerate(contexts)
            ]
            with_adapters = seconds(lambda: score_options(base, own, cohort=cohort), bench.device) / n  # noqa: B023
        yield Finding(f"Stimmung, five adapters of rank {rank}: ms a prompt", 1000 * with_adapters)
    yield Finding("GB at the most", peak_gb())


def _form(base: Base) -> str:
    return "packed" if packed_layers(base.model) else "held"


def _reckoned(base: Base, training: Training, rows: Sequence[Sequence[TrainingRow]]) -> float:
    sizes = sizes_of(base.model, training, 0)
    longest = max(len(row.input_ids) for one in rows for row in one)
    n_rows = len(rows) * training.per_device_train_batch_size
    loss_tokens = max(row.n_loss_tokens for one in rows for row in one)
    spared = (n_rows - len(rows)) * min(shared_tokens(one) for one in rows)
    in_pass = pass_bytes(sizes, training, n_rows, longest, loss_tokens, spared=spared)
    return (len(rows) * adapter_bytes(sizes, training) + in_pass) / GB
