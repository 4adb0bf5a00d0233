"""How much of training's work is padding: what a kernel for variable lengths could save at most. Part of benchmarks/training.py."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest

from stimmung.engine.cohort.batching import TrainingRow, plan_steps

BATCHES = (1, 4, 8, 16)


def padding_shares(lengths: Sequence[int], folds: int) -> dict[str, dict[int, float]]:
    """Return the share of padding among the tokens of an epoch, by batch size: of one adapter, and of a stacked cohort."""
    training = [
        [length for row, length in enumerate(lengths) if row % folds != fold] for fold in range(folds)
    ]
    return {
        "one adapter": {batch: _share(_passes(lengths, batch)) for batch in BATCHES},
        # A cohort's pass is as long as the longest row of any of its adapters.
        "cohort": {batch: _share(_together(training, batch)) for batch in BATCHES},
    }


def cohort_passes(folds: Sequence[Sequence[TrainingRow]], batch: int) -> list[list[TrainingRow]]:
    """Return the rows of each pass of an epoch of a stacked cohort."""
    plans = [_plan([len(row.input_ids) for row in rows], batch) for rows in folds]
    return [
        [rows[place] for rows, part in zip(folds, parts, strict=True) for place in part]
        for parts in zip_longest(*plans, fillvalue=[])
    ]


def _together(training: Sequence[Sequence[int]], batch: int) -> Iterable[list[int]]:
    for parts in zip_longest(*(_passes(lengths, batch) for lengths in training), fillvalue=[]):
        yield [length for part in parts for length in part]


def _passes(lengths: Sequence[int], batch: int) -> list[list[int]]:
    return [[lengths[row] for row in rows] for rows in _plan(lengths, batch)]


def _plan(lengths: Sequence[int], batch: int) -> list[list[int]]:
    steps = plan_steps(lengths, batch_size=batch, accumulation=1, epochs=1, max_steps=None, seed=0)
    return [rows for step in steps for rows in step]


def _share(passes: Iterable[Sequence[int]]) -> float:
    sizes = [(sum(one), max(one) * len(one)) for one in passes]
    return round(1 - sum(real for real, _ in sizes) / sum(padded for _, padded in sizes), 4)
