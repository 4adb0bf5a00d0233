"""The parts of gpu_acceptance.py that measure speed and memory, on a Llama of eight billion random weights."""

import math
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter

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

from stimmung.engine.base.base_model import Base, load_base
from stimmung.engine.base.dequantized import hold_dequantized, packed_layers
from stimmung.engine.base.devices import free_bytes
from stimmung.engine.base.memory_reckoning import GB, ModelSizes, adapter_bytes, pass_bytes
from stimmung.engine.base.tiny import _build_tokenizer
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.forward_backward import Part, forward_backward
from stimmung.engine.cohort.memory_plan import sizes_of
from stimmung.engine.scoring.prompt_batches import Prompt
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
            training = bench.training(r=rank, per_device_train_batch_size=batch)
            what = f"{number} adapters, rank {rank}, batch {batch}, base {_form(base)}"
            rows = [bench.rows(4 * batch, 4 * batch * fold) for fold in range(number)]
            sizes = sizes_of(base.model, training, 0)
            free_memory()
            before = allocated_gb()
            reckoned = _reckoned(sizes, training, rows)
            yield Finding(f"{what}: GB reckoned beside the base", reckoned)
            yield Finding(f"{what}: GB free beside the base", _free_gb(bench))
            try:
                with stepping(base, training, rows) as (_, step):
                    took = median_seconds(step, bench.device)
                    taken = peak_gb() - before
                    count, busy = launches(step, bench.device)
                    passes = step()
            except torch.cuda.OutOfMemoryError:
                yield Finding(what, "out of memory")
                continue
            finally:
                synchronize(bench.device)
            if passes > 1:
                yield Finding(f"{what}: memory ran out; passes of a batch", passes)
            bench.measured["ours", rank, number, batch] = took / (number * batch)
            yield Finding(f"{what}: ms a step", 1000 * took)
            if batch == 1:
                most = MOST_LAUNCHES[number]
                yield Finding(f"{what}: launches a step (at most {most})", count, bench.judged(count <= most))
            else:
                yield Finding(f"{what}: launches a step", count)
            yield Finding(
                f"{what}: share of the time in which the card works", busy and min(1.0, busy / took)
            )
            yield Finding(f"{what}: GB taken beside the base, at the most", taken)
    yield from _ratios(bench)


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
    first, n_lengths = 100, 4 if bench.dry else 20
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


def scoring(bench: Bench) -> Iterator[Finding]:
    """Prompts of eight options, by the base and by five adapters, against one forward pass for each option."""
    base = bench.large_base
    hold_dequantized(base.model, math.inf)
    n, n_naive = (24, 2) if bench.dry else (256, 24)
    contexts = bench.contexts(n)
    prompts = [Prompt(context, bench.option_ids) for context in contexts]
    naive = seconds(lambda: one_forward_per_option(base, prompts[:n_naive]), bench.device) / n_naive
    yield Finding("one forward per option, in bfloat16: ms a prompt", 1000 * naive)
    score_options(base, prompts[:8])
    ours = seconds(lambda: score_options(base, prompts), bench.device) / n
    yield Finding("Stimmung, in float32: ms a prompt", 1000 * ours)
    yield Finding(
        f"against one forward per option (at least {LEAST_SCORING})",
        naive / ours,
        bench.judged(naive / ours >= LEAST_SCORING),
    )
    with stepping(base, bench.training(), [bench.rows(4)] * FOLDS) as (cohort, _):
        own = [Prompt(context, bench.option_ids, number % FOLDS) for number, context in enumerate(contexts)]
        with_adapters = seconds(lambda: score_options(base, own, cohort=cohort), bench.device) / n
    yield Finding("Stimmung, five adapters: ms a prompt", 1000 * with_adapters)
    yield Finding("GB at the most", peak_gb())


def _form(base: Base) -> str:
    return "packed" if packed_layers(base.model) else "held"


def _free_gb(bench: Bench) -> float | None:
    free = free_bytes(bench.device)
    return None if free is None else round(free / GB, 2)


def _reckoned(sizes: ModelSizes, training: Training, rows: Sequence[Sequence[TrainingRow]]) -> float:
    longest = max(len(row.input_ids) for one in rows for row in one)
    n_rows = len(rows) * training.per_device_train_batch_size
    loss_tokens = max(row.n_loss_tokens for one in rows for row in one)
    in_pass = pass_bytes(sizes, training, n_rows, longest, loss_tokens)
    return (len(rows) * adapter_bytes(sizes, training) + in_pass) / GB
