"""How much of a GPU's arithmetic training uses when it has enough rows: its part of benchmarks/training.py."""

import json
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from gpu_bench import peak_flops
from measure import CONTEXT, is_out_of_memory, llama

from stimmung.engine.base.base_model import Base
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.train import train_adapters
from stimmung.engine.cohort.training_config import Task
from stimmung.store.paths import RECORD, Store
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.training import Training

STEPS = 6
# As many rows as the memory holds: the first that fits counts, those before it are reported as out of memory.
BATCHES = (64, 32, 16, 8, 4)


def saturation(size: str, rows: list[TrainingRow], training: Training) -> dict[str, Any]:
    """Return tokens per second and the share of the measured bfloat16 peak, of a bfloat16 base without 4-bit weights.

    A frozen layer costs two operations for each weight and token forwards, and two backwards for the gradient of its input;
    its own gradient, two more, is not needed. What the adapters, the attention and the head do is left out: the share is a
    lower bound.
    """
    model = llama(size).eval()
    model.requires_grad_(False)
    base = Base(model, None, "random", "")
    # Full rows: padding is no work.
    stream = [token for row in rows for token in row.input_ids]
    long = [
        TrainingRow(tuple((stream[start:] + stream)[:CONTEXT]), CONTEXT - 3) for start in range(len(rows))
    ]
    n_weights = sum(weight.numel() for name, weight in base.decoder.named_parameters() if "embed" not in name)
    out_of_memory = []
    for batch in BATCHES:
        own = training.model_copy(
            update={"num_train_epochs": None, "max_steps": STEPS, "per_device_train_batch_size": batch}
        )
        chosen = [long[place % len(long)] for place in range(batch)]
        seconds = _seconds_per_step(base, own, chosen)
        if seconds is None:
            out_of_memory.append(batch)
            continue
        rate = batch * (CONTEXT - 1) / seconds
        peak = peak_flops(base.device)
        return {
            "saturating_batch": batch,
            "out_of_memory_batches": out_of_memory,
            "tokens_per_second": round(rate),
            "peak_flops_measured": peak,
            "share_of_peak": round(4 * n_weights * rate / peak, 3),
        }
    return {"out_of_memory_batches": out_of_memory}


def _seconds_per_step(base: Base, training: Training, rows: list[TrainingRow]) -> float | None:
    """Return the median time of an optimizer step, or None if memory ran out.

    Training asks before each step whether to stop, which tells the time.
    """
    asked: list[float] = []

    def note() -> bool:
        if base.device.type == "cuda":
            torch.cuda.synchronize()
        asked.append(time.perf_counter())
        return False

    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        try:
            key = train_adapters(
                base, training, [Task("full", rows, 0)], store, pace=Pace(cohort="sequential"), stop=note
            )[0]
        except (torch.cuda.OutOfMemoryError, InputError) as error:
            if not is_out_of_memory(error):
                raise
            torch.cuda.empty_cache()
            return None
        record = json.loads((store.adapter(key) / RECORD).read_text())
    if record["passes_per_batch"] > 1:
        return None  # it ran, but in smaller passes
    # The first step loads kernels.
    return statistics.median(after - before for before, after in pairwise(asked[1:]))
