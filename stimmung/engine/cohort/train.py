"""Cohort training: adapters that share base and hyper-parameters and differ in data or seed, trained at once, each as if alone."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from stimmung.engine.base.base_model import Base
from stimmung.engine.base.devices import peak_memory_mb, release_memory, reset_peak_memory
from stimmung.engine.cohort import checkpoint as checkpoints
from stimmung.engine.cohort.adapter_files import save_adapter
from stimmung.engine.cohort.batching import BUCKET_BATCHES, plan_steps
from stimmung.engine.cohort.checkpoint import Progress, Saved
from stimmung.engine.cohort.early_stopping import EarlyStopper
from stimmung.engine.cohort.forward_backward import checkpointed_activations
from stimmung.engine.cohort.lora import Cohort, attached, initial_weights
from stimmung.engine.cohort.memory_plan import plan_memory
from stimmung.engine.cohort.oom_splitting import Part, first_parts, halved
from stimmung.engine.cohort.optimizer_state import allocate_state, optimizer_tensors, restore_optimizer
from stimmung.engine.cohort.optimizer_step import Run, do_step, measure_held_out
from stimmung.engine.cohort.rows import can_share_rows, shared_tokens
from stimmung.engine.cohort.training_config import Task, adapter_keys, by_key, held_out_rows, make_optimizer
from stimmung.store.paths import Store
from stimmung.vocabulary.errors import InputError, Interrupted
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.training import Training

logger = logging.getLogger(__name__)

# A small batch leaves a GPU idle. On a CPU the fixed cost of a pass is worth sharing up to so many numbers between two layers (tokens
# of an adapter's batch times their width); above, stacking gains nothing and costs memory (BENCHMARKS.md).
CPU_STACKED_ACTIVATIONS = 2**19


def train_adapters(
    base: Base,
    training: Training,
    tasks: Sequence[Task],
    store: Store,
    *,
    pace: Pace,
    stop: Callable[[], bool] = lambda: False,
) -> list[str]:
    """Train all tasks that the store does not have yet, and return every task's key in the store.

    ``pace`` says how many adapters are trained at once, and how often they are saved. ``stop`` is asked before each step; once
    it is true, the checkpoint is written and training ends.

    Raises Interrupted if ``stop`` was true, and InputError if one adapter alone does not fit the GPU, a prompt does not fit the
    model's context, or an adapter's loss is no longer finite; the other adapters are finished and stored first.
    """
    _check_rows(base, tasks)
    keys = adapter_keys(base.digest, training, tasks)
    wanted = by_key(keys, tasks)
    mode = choose_mode(base, training, list(wanted.values()), pace.cohort)
    missing = [task for key, task in wanted.items() if not store.has(key)]
    if not missing:
        return keys
    shared = _shared_tokens(base, training, wanted)
    plan = plan_memory(
        base, training, missing, pace=pace, stacked=mode == "stacked", shared=min(shared.values())
    )
    waiting = first_parts(wanted, plan.adapters_at_once, store)
    failures = []
    while waiting:
        part = waiting.pop(0)
        if all(store.has(key) for _, key in part):
            continue
        try:
            failures += _train_part(base, training, part, store, mode, pace, plan.passes, shared, stop)
            continue
        except torch.cuda.OutOfMemoryError as error:
            if len(part) == 1:
                raise InputError(
                    f"{part[0][0].name}: one adapter with one row of its batch does not fit the GPU's memory",
                    "Set gradient_checkpointing: true, optim: paged_adamw_8bit, or a smaller r.",
                ) from error
        # Only here is the error gone, and with it the adapters that it kept in memory.
        release_memory()
        logger.warning("out of memory with %d adapters: training half of them at once", len(part))
        waiting = [*halved(part, store), *waiting]
    if failures:
        raise InputError(
            "; ".join(failures), "A lower learning_rate or a longer warm-up (warmup_ratio) usually helps."
        )
    return keys


def choose_mode(base: Base, training: Training, tasks: Sequence[Task], wanted: str) -> str:
    """Return 'stacked' or 'sequential': what the config says, or what is faster (measured by ``benchmarks/training.py``)."""
    if wanted != "auto":
        return wanted
    lengths = [len(row.input_ids) for task in tasks for row in task.rows]
    tokens = training.per_device_train_batch_size * sum(lengths) / max(len(lengths), 1)
    width = base.model.get_input_embeddings().weight.shape[1]
    pays = base.device.type == "cuda" or tokens * width <= CPU_STACKED_ACTIVATIONS
    return "stacked" if pays and len(tasks) > 1 else "sequential"


def _shared_tokens(base: Base, training: Training, wanted: Mapping[str, Task]) -> dict[str, int]:
    """Return by key with how many tokens the rows of each adapter begin that are read once for all of a batch."""
    if training.gradient_checkpointing:
        return dict.fromkeys(wanted, 0)
    found = {key: shared_tokens(task.rows) for key, task in wanted.items()}
    longest = max(len(row.input_ids) for task in wanted.values() for row in task.rows)
    can_share = any(found.values()) and can_share_rows(base, longest)
    return found if can_share else dict.fromkeys(wanted, 0)


def _train_part(
    base: Base,
    training: Training,
    part: Part,
    store: Store,
    mode: str,
    pace: Pace,
    passes: int,
    shared: Mapping[str, int],
    stop: Callable[[], bool],
) -> list[str]:
    """Train the adapters of one part together, each batch at first in ``passes`` passes; return what failed.

    ``shared`` is by key with how many tokens the rows of an adapter begin that are read once.
    """
    checkpoint = store.checkpoint([key for _, key in part])
    reset_peak_memory()
    with attached(base, training) as cohort, checkpointed_activations(base, training.gradient_checkpointing):
        saved = checkpoints.load_checkpoint(checkpoint)
        runs = _begin_or_resume(cohort, training, part, store, saved, passes, shared)

        def save() -> float:
            checkpoints.save_checkpoint(checkpoint, [_saved(cohort, run, store) for run in runs])
            return time.monotonic()

        saved_at = time.monotonic()
        while active := [run for run in runs if run.active]:
            if stop():
                save()
                raise Interrupted(
                    f"stopped at step {active[0].progress.step}; the next run goes on from there"
                )
            try:
                measure_held_out(cohort, [run for run in active if run.must_measure])
                if going := [run for run in active if run.active]:
                    do_step(cohort, training, going)
            except torch.cuda.OutOfMemoryError:
                # Each adapter has done this step or not: the smaller parts go on from there. If one may have done half of
                # it, they go on from the last checkpoint.
                if not any(run.updating for run in runs):
                    save()
                raise
            n_ended = sum(not run.active for run in active)
            # Before adapters are published, so that after a kill the others go on as before. The last one has nobody to wait for.
            due = time.monotonic() - saved_at > pace.checkpoint_minutes * 60
            if (n_ended or due) and (len(active) > n_ended or n_ended > 1):
                saved_at = save()
            if n_ended:
                _publish(cohort, training, runs, store, mode)
        _publish(cohort, training, runs, store, mode)
    checkpoint.unlink(missing_ok=True)
    return [f"{run.task.name}: {run.progress.failed}" for run in runs if run.progress.failed]


def _begin_or_resume(
    cohort: Cohort,
    training: Training,
    part: Part,
    store: Store,
    saved: list[Saved] | None,
    passes: int,
    shared: Mapping[str, int],
) -> list[Run]:
    """Return the runs of a checkpoint as they were, finished ones included; without a checkpoint, new runs of what is missing."""
    # One that had finished is without weights, which the store has; if they are gone from there, it is trained anew.
    before = {one.progress.key: one for one in saved or [] if one.weights or store.has(one.progress.key)}
    runs = []
    for task, key in part:
        if key not in before and store.has(key):
            continue
        held_out = held_out_rows(task, training.early_stopping) if training.early_stopping else []
        learned = sorted(set(range(len(task.rows))) - set(held_out))
        steps = plan_steps(
            [len(task.rows[row].input_ids) for row in learned],
            batch_size=training.per_device_train_batch_size,
            accumulation=training.gradient_accumulation_steps,
            epochs=training.num_train_epochs,
            max_steps=training.max_steps,
            seed=task.seed,
            sorted_batches=1 if task.distributions else BUCKET_BATCHES,
        )
        one = before.get(key) or Saved(Progress(key, splits=passes), {}, {})
        # Adapters that are in the store keep their place among the others, with any weights.
        plan = [[[learned[row] for row in batch] for batch in step] for step in steps]
        run = Run(task, cohort.add(one.weights or initial_weights(cohort, task.seed)), plan, one.progress)
        if training.early_stopping:
            run.held_out = EarlyStopper(
                training.early_stopping,
                rows=[task.rows[row] for row in held_out],
                batch_size=training.per_device_train_batch_size,
                divisor=task.loss_divisor(held_out),
                best=one.best,
            )
        run.shared = shared[key]
        run.progress.failed = None  # one that failed fails again at the same step, and is reported again
        runs.append(run)
    cohort.allocate_gradients()
    for run in runs:
        if not run.active:
            continue
        run.optimizer = make_optimizer(training, list(cohort.parameters_of(run.adapter).values()))
        allocate_state(run.optimizer)
        if run.progress.key in before and (moments := before[run.progress.key].optimizer):
            restore_optimizer(run.optimizer, moments)
    logger.info("%d adapters at steps %s", len(runs), [run.progress.step for run in runs])
    return runs


def _saved(cohort: Cohort, run: Run, store: Store) -> Saved:
    """Return what a run needs to go on: one that has ended no moments, and no weights once the store has them."""
    weights = {} if store.has(run.progress.key) else cohort.parameters_of(run.adapter)
    moments = optimizer_tensors(run.optimizer) if run.optimizer and run.active else {}
    return Saved(run.progress, weights, moments, run.held_out.best if run.held_out else {})


def _publish(cohort: Cohort, training: Training, runs: list[Run], store: Store, mode: str) -> None:
    """Let adapters that have finished appear in the store."""
    for run in runs:
        if run.active or run.progress.failed or store.has(run.progress.key):
            continue
        record = _record(cohort.base, training, run, mode, len(runs))
        save_adapter(store.adapter(run.progress.key), cohort.parameters_of(run.adapter), cohort, record)
        run.optimizer = None
        steps, loss = run.progress.step, run.progress.losses[-1]
        why = f"; {run.progress.stopped}" if run.progress.stopped else ""
        logger.info("%s: trained, %d steps, last loss %.4f%s", run.task.name, steps, loss, why)


def _record(base: Base, training: Training, run: Run, mode: str, cohort_size: int) -> dict[str, Any]:
    done = run.plan[: run.progress.step]
    tokens = sum(len(run.task.rows[row].input_ids) for step in done for batch in step for row in batch)
    return {
        "name": run.task.name,
        "base": base.path,
        "base_digest": base.digest,
        "data_digest": run.task.data_digest,
        "key": run.progress.key,
        "seed": run.task.seed,
        "n_rows": len(run.task.rows),
        "steps": run.progress.step,
        "losses": run.progress.losses,
        **({"early_stopping": run.held_out.record(run.progress, len(run.plan))} if run.held_out else {}),
        "longest_sequence": max(len(row.input_ids) for row in run.task.rows),
        "training": training.model_dump(mode="json"),
        "cohort": mode,
        "cohort_size": cohort_size,
        "passes_per_batch": run.progress.splits,
        "device": torch.cuda.get_device_name() if base.device.type == "cuda" else "cpu",
        "seconds": round(run.progress.seconds, 3),
        "tokens_per_second": round(tokens / max(run.progress.seconds, 1e-9), 1),
        "peak_memory_mb": round(peak_memory_mb(), 1),
    }


def _check_rows(base: Base, tasks: Sequence[Task]) -> None:
    for task in tasks:
        if not task.rows:
            raise InputError(f"{task.name}: no training rows")
        longest = max(len(row.input_ids) for row in task.rows)
        if longest > base.max_length:
            raise InputError(
                f"{task.name}: a prompt of {longest} tokens does not fit the model's context of {base.max_length}",
                "Shorten the codebook's wording or drop items; a prompt is never cut.",
            )
