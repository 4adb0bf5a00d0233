"""How the work of a survey is cut into jobs: which adapters a job trains, and whose predictions it makes.

Jobs are cut by what is declared, in its order, so that a further seed or condition at the end moves few cuts before it.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

One = TypeVar("One")
Adapter = tuple[str, int, int]  # condition, seed, fold


def training_jobs(
    conditions: Mapping[str, tuple[float, int]], seeds: Sequence[int], n_folds: int, room: float
) -> list[list[Adapter]]:
    """Return the adapters of each job.

    Where a condition takes more than one job, a job has all folds of some of its seeds, or some folds of one seed. Other
    conditions stand together in a job as long as it has room for them.

    Parameters
    ----------
    conditions
        Condition to the work of one of its adapters, in the unit of ``room``, and to the adapters that a job holds at most.
    seeds, n_folds
        Each condition has an adapter for each seed and fold.
    room
        The work of a job that conditions share; 0 if none do.
    """
    jobs: list[list[Adapter]] = []
    left = 0.0
    for condition, (work, per_job) in conditions.items():
        parts = [[(condition, seed, fold) for seed, fold in part] for part in _parts(seeds, n_folds, per_job)]
        of_all = work * len(seeds) * n_folds
        if len(parts) == 1 and of_all <= left:
            jobs[-1] += parts[0]
            left -= of_all
        else:
            jobs += parts
            left = room - of_all if len(parts) == 1 else 0.0
    return jobs


def _parts(seeds: Sequence[int], n_folds: int, per_job: int) -> list[list[tuple[int, int]]]:
    """Return the seeds and folds of a condition in as many parts as it takes."""
    if per_job < n_folds:
        return [[(seed, fold) for fold in some] for seed in seeds for some in cut(range(n_folds), per_job)]
    return [
        [(seed, fold) for seed in some for fold in range(n_folds)] for some in cut(seeds, per_job // n_folds)
    ]


def cut(all_of_them: Sequence[One], per_part: int) -> list[list[One]]:
    """Return a sequence in parts of at most ``per_part``."""
    return [list(all_of_them[first : first + per_part]) for first in range(0, len(all_of_them), per_part)]
