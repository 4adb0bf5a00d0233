"""How large a job is, reckoned before it runs: its memory, its minutes, and how many weeks or adapters make a good one.

Estimates, on the safe side. A job that is killed for being larger gets more at its next attempt.
"""

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stimmung.study.models import BUILT_IN, Model
from stimmung.vocabulary.training import Training

# What a process takes before it holds any weights: Python, torch and CUDA's context on the host.
START_MB = 3000
# AdamW in float32: weight, gradient and two moments.
BYTES_PER_TRAINED_WEIGHT = 16
LOADING_MINUTES = 5
# A step of a tiny model waits for its kernels to be launched, not for the GPU.
LEAST_SECONDS_PER_STEP = 0.1
TOKENS_PER_PROMPT = 400
# Of a week of posts that nobody has counted.
BLOCKS_PER_WEEK = 2000
# A guess, of posts as short as tweets.
TOKENS_PER_POST = 30
# Of a survey that nobody has counted.
RESPONDENTS_PER_SURVEY = 2000
# A third of an A100's bfloat16 peak: where no GPU is configured.
GPU_TFLOPS = 100
# Shorter ones are hardly worth their start; longer ones wait long to be let in, and a kill takes more along.
SHORTEST_JOB_MINUTES = 10
LONGEST_JOB_MINUTES = 60


# One thing has many names: Llama and BERT, DistilBERT, GPT-2.
HIDDEN_SIZE = ("hidden_size", "dim", "n_embd")
N_LAYERS = ("num_hidden_layers", "n_layers", "n_layer")


def billion_parameters(model: Model) -> float:
    """Return a model's size in 10^9 weights: as declared, as its name says (…-8B, …-135M), as its files are, or 1."""
    if model.billion_parameters is not None:
        return model.billion_parameters
    if model.source == BUILT_IN:
        return 0.002
    if said := re.search(r"(?<![\w.])(\d+(?:\.\d+)?)([bm])(?![a-z0-9])", Path(model.source).name.lower()):
        return float(said[1]) * (1 if said[2] == "b" else 1e-3)
    files = sum(file.stat().st_size for file in Path(model.source).glob("*.safetensors"))
    return files / 2 / 1e9 if files else 1.0


def preparing_mb(model: Model) -> int:
    """Return the main memory, in MB, of quantising a model: its weights in 16 bits, and some room."""
    return math.ceil(START_MB + 1.2 * 2e3 * billion_parameters(model))


def model_mb(base: Path, training: Training, n_adapters: int) -> int:
    """Return the main memory, in MB, of a job that holds a prepared model and ``n_adapters`` with their optimizer.

    On a GPU most of it is used while loading and while a checkpoint is written; on a CPU all the time.

    Parameters
    ----------
    base
        The model's model.json; its weights and config.json lie beside it.

    Raises
    ------
    FileNotFoundError
        If the model has not been prepared yet.
    """
    os.stat(base)  # noqa: PTH116 (its error names the path as Snakemake knows it, so that it asks again later)
    weights = sum(file.stat().st_size for file in base.parent.glob("*.safetensors"))
    shape = json.loads((base.parent / "config.json").read_text(encoding="utf-8"))
    adapters = n_adapters * BYTES_PER_TRAINED_WEIGHT * adapter_weights(shape, training)
    return math.ceil(START_MB + (1.2 * weights + adapters) / 2**20)


def adapter_weights(shape: Mapping[str, Any], training: Training) -> int:
    """Return how many weights an adapter has, by a model's config.json: exact for Llama's family, somewhat more for others."""
    hidden = _said(shape, HIDDEN_SIZE, 4096)
    wide = _said(shape, ("intermediate_size", "hidden_dim", "n_inner"), 4 * hidden)
    heads = int(shape.get("num_attention_heads") or 1)
    narrow = hidden * int(shape.get("num_key_value_heads") or heads) // heads
    linear = {
        "q_proj": 2 * hidden,
        "k_proj": hidden + narrow,
        "v_proj": hidden + narrow,
        "o_proj": 2 * hidden,
        "gate_proj": hidden + wide,
        "up_proj": hidden + wide,
        "down_proj": hidden + wide,
    }
    chosen = linear if training.target_modules == "all-linear" else training.target_modules
    sides = sum(linear.get(name, hidden + wide) for name in chosen)
    return training.r * sides * _said(shape, N_LAYERS, 32)


def _said(shape: Mapping[str, Any], names: Sequence[str], otherwise: int) -> int:
    """Return a size by the first name that a config knows it by, as a large model has it where it says none."""
    return next((int(shape[name]) for name in names if shape.get(name)), otherwise)


def n_steps(training: Training, n_rows: int) -> int:
    """Return an adapter's optimizer steps."""
    if training.max_steps is not None:
        return training.max_steps
    rows = training.per_device_train_batch_size * training.gradient_accumulation_steps
    return math.ceil((training.num_train_epochs or 1) * n_rows / rows)


def training_minutes(
    billions: float,
    training: Training,
    *,
    n_adapters: int,
    n_rows: int,
    tokens_per_row: int,
    gpu_tflops: float,
) -> float:
    """Return how long a GPU trains some adapters.

    Parameters
    ----------
    billions
        The base's weights, in 10^9.
    n_adapters, n_rows, tokens_per_row
        Adapters, the rows of each, and the tokens of a row.
    gpu_tflops
        10^12 operations a second that really come about.
    """
    # The frozen base: a pass forwards and one backwards to the activations, and one more forwards to recompute them.
    operations = 6 if training.gradient_checkpointing else 4
    rows = training.per_device_train_batch_size * training.gradient_accumulation_steps
    seconds = operations * billions * rows * tokens_per_row / (1e3 * gpu_tflops)
    return n_adapters * n_steps(training, n_rows) * max(seconds, LEAST_SECONDS_PER_STEP) / 60


def blocks_of_posts(n_posts: float, block_size: int) -> int:
    """Return about how many blocks some posts make: a power of two, so that a new week seldom changes the mean of all."""
    return int(2 ** math.ceil(math.log2(max(1.0, n_posts * TOKENS_PER_POST / block_size))))


def week_minutes(
    billions: float, training: Training, n_seeds: int, gpu_tflops: float, n_blocks: int = BLOCKS_PER_WEEK
) -> float:
    """Return how long a GPU trains the adapters of one week of posts."""
    return training_minutes(
        billions,
        training,
        n_adapters=n_seeds,
        n_rows=n_blocks,
        tokens_per_row=training.block_size,
        gpu_tflops=gpu_tflops,
    )


def survey_minutes(model: Model, training: Training, gpu_tflops: float, n_rows: int) -> float:
    """Return how long a GPU trains an adapter of a survey on ``n_rows`` respondents."""
    return training_minutes(
        billion_parameters(model),
        training,
        n_adapters=1,
        n_rows=n_rows,
        tokens_per_row=TOKENS_PER_PROMPT,
        gpu_tflops=gpu_tflops,
    )


def scoring_minutes(model: Model, training: Training, gpu_tflops: float, n_rows: int) -> float:
    """Return an upper bound of how long a GPU scores a survey with one seed: a pass over each prompt is less than an epoch."""
    epoch = training.model_copy(update={"max_steps": None, "num_train_epochs": 1})
    return survey_minutes(model, epoch, gpu_tflops, n_rows)


def adapters_in_a_job(minutes_per_adapter: float, n_folds: int, minutes_per_job: float) -> int:
    """Return how many adapters of a survey fill a job: all folds of some seeds, or fewer folds where all take over an hour."""
    minutes_per_seed = n_folds * minutes_per_adapter
    if minutes_per_seed <= LONGEST_JOB_MINUTES - LOADING_MINUTES:
        return n_folds * in_a_job(minutes_per_seed, minutes_per_job)
    return in_a_job(minutes_per_adapter, minutes_per_job)


def weeks_in_a_job(minutes_per_week: float, n_seeds: int, minutes_per_job: float) -> tuple[int, int]:
    """Return how many weeks fill a job, and with how many of their seeds: all, or fewer where a week takes over an hour."""
    if minutes_per_week <= LONGEST_JOB_MINUTES - LOADING_MINUTES:
        return in_a_job(minutes_per_week, minutes_per_job), n_seeds
    return 1, min(n_seeds, in_a_job(minutes_per_week / n_seeds, minutes_per_job))


def in_a_job(minutes_of_one: float, minutes_per_job: float) -> int:
    """Return how many weeks, seeds or adapters fill a job, one at least."""
    return max(1, int((minutes_per_job - LOADING_MINUTES) / minutes_of_one))


def limit_minutes(expected: float) -> int:
    """Return a time limit for a job that is expected to work so long: generous, and never less than an hour."""
    return max(60, math.ceil(LOADING_MINUTES + 3 * expected))


def n_rows(table: Path) -> int:
    """Return the rows of a parquet file, from its footer.

    Raises
    ------
    FileNotFoundError
        If it has not been made yet.
    """
    # Imported here: the Snakefile is read at the start of every job, and few ask for this.
    import pyarrow.parquet as pq

    os.stat(table)  # noqa: PTH116 (as above)
    return int(pq.read_metadata(table).num_rows)
