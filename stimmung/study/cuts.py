"""How the work of a survey is cut into jobs: which adapters a job trains, and whose predictions it makes.

Jobs are cut by what is declared, in its order, so that a further seed or condition at the end moves few cuts before it.
"""

from collections.abc import Sequence
from typing import TypeVar

One = TypeVar("One")
Adapter = tuple[str, int, int]  # condition, seed, fold


def training_jobs(
    conditions: Sequence[str], seeds: Sequence[int], n_folds: int, adapters_per_job: int
) -> list[list[Adapter]]:
    """Return the adapters of each job.

    A job has all seeds and folds of some conditions; if it holds fewer adapters than a condition has, all folds of some
    of its seeds; if it holds fewer than there are folds, some folds of one seed.
    """
    parts = _parts(seeds, n_folds, adapters_per_job)
    n_conditions = max(1, adapters_per_job // (len(seeds) * n_folds))
    return [
        [(condition, seed, fold) for condition in some for seed, fold in part]
        for some in cut(conditions, n_conditions)
        for part in parts
    ]


def _parts(seeds: Sequence[int], n_folds: int, adapters_per_job: int) -> list[list[tuple[int, int]]]:
    """Return the seeds and folds of a condition in as many parts as it takes."""
    if adapters_per_job < n_folds:
        return [
            [(seed, fold) for fold in some]
            for seed in seeds
            for some in cut(range(n_folds), adapters_per_job)
        ]
    return [
        [(seed, fold) for seed in some for fold in range(n_folds)]
        for some in cut(seeds, adapters_per_job // n_folds)
    ]


def cut(all_of_them: Sequence[One], per_part: int) -> list[list[One]]:
    """Return a sequence in parts of at most ``per_part``."""
    return [list(all_of_them[first : first + per_part]) for first in range(0, len(all_of_them), per_part)]
