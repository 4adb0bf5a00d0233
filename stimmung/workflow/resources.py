"""Memory and time limits of jobs that run a language model, by the table `limits` of a profile. None of it changes a result."""

import math
import os
import re
from pathlib import Path

from stimmung.study.models import BUILT_IN, Model
from stimmung.study.study import Study
from stimmung.vocabulary.pace import Limit
from stimmung.vocabulary.training import Training

# Where no profile gives a table: a laptop, where nobody asks.
NO_TABLE = Limit(up_to_billions=math.inf, mem_mb=8000, minutes_per_1000_rows=5)
# Starting Python and loading a model from a slow file system, and some room for a GPU that is shared. A guess.
STARTING_MINUTES = 30
# A panel's posts are counted only when they are read. A guess, of a million tweets a week.
GUESSED_BLOCKS_PER_WEEK = 2000


def limit_of(study: Study, model: str) -> Limit:
    """Return the row of the table for a model: the first that is large enough, else the last."""
    rows = sorted(study.limits, key=lambda limit: limit.up_to_billions) or [NO_TABLE]
    size = billion_parameters(study.models[model])
    return next((limit for limit in rows if size <= limit.up_to_billions), rows[-1])


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


def rows_of_training(training: Training, n_rows: int) -> int:
    """Return the rows that the training of one adapter on ``n_rows`` passes through the model, all epochs together."""
    if training.max_steps is not None:
        per_step = training.per_device_train_batch_size * training.gradient_accumulation_steps
        return training.max_steps * per_step
    return math.ceil((training.num_train_epochs or 1) * n_rows)


def limit_minutes(n_rows: int, minutes_per_1000_rows: float) -> int:
    """Return the time limit of a job that passes ``n_rows`` through a model."""
    return math.ceil(STARTING_MINUTES + minutes_per_1000_rows * n_rows / 1000)


def n_rows(table: Path) -> int:
    """Return the rows of a parquet file, from its footer. Raises FileNotFoundError if it has not been made yet."""
    # Imported here: the Snakefile is read at the start of every job, and few ask for this.
    import pyarrow.parquet as pq

    os.stat(table)  # noqa: PTH116 (its error names the path as Snakemake knows it, so that it asks again once it is made)
    return int(pq.read_metadata(table).num_rows)
