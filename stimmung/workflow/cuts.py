"""How work is cut into jobs: which adapters of a survey or a panel a job trains, and which seeds it predicts with.

Jobs are filled in the order of what is declared, so that a further condition at the end leaves the jobs before it what they
had, unless one of them was joined to another for being short.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

One = TypeVar("One")
Adapter = tuple[str, int, int]  # condition, seed, fold


def training_jobs(
    conditions: Mapping[str, tuple[float, int]],
    seeds: Sequence[int],
    n_folds: int,
    room: float,
    least: float = 0,
    most: float = 0,
) -> list[list[Adapter]]:
    """Return the adapters of each job.

    A condition is one part of the work; or where it takes more than a job, its parts are all folds of some of its seeds, or
    some folds of one seed. Each part goes into the first job that has room for it, or else into one of its own.

    Parameters
    ----------
    conditions
        Condition to the work of one of its adapters, in the unit of ``room``, and to the adapters that a part has at most.
    seeds, n_folds
        Each condition has an adapter for each seed and fold.
    room
        The work of a job that parts share; 0 if none do.
    least, most
        A job of less than the one is joined to another, if both are no more than the other.
    """
    jobs: list[list[Adapter]] = []
    loads: list[float] = []
    smallest = min((work for work, _ in conditions.values()), default=0)
    with_room: list[int] = []
    for condition, (work, per_part) in conditions.items():
        for part in _parts(seeds, n_folds, per_part):
            load = work * len(part)
            place = next((place for place in with_room if loads[place] + load <= room), len(jobs))
            if place == len(jobs):
                jobs.append([])
                loads.append(0)
                with_room.append(place)
            jobs[place] += [(condition, seed, fold) for seed, fold in part]
            loads[place] += load
            if loads[place] + smallest > room:
                with_room.remove(place)
    return _with_short_ones_joined(jobs, loads, least, most)


def _with_short_ones_joined(
    jobs: list[list[Adapter]], loads: list[float], least: float, most: float
) -> list[list[Adapter]]:
    """Return the jobs, each that is too short joined to the shortest other one."""
    for short in [place for place, load in enumerate(loads) if load < least]:
        others = [place for place, job in enumerate(jobs) if job and place != short]
        other = min(others, key=loads.__getitem__, default=None)
        if other is not None and loads[short] + loads[other] <= most:
            first, second = sorted((short, other))
            jobs[first] += jobs[second]
            loads[first] += loads[second]
            jobs[second] = []
    return [job for job in jobs if job]


def _parts(seeds: Sequence[int], n_folds: int, per_job: int) -> list[list[tuple[int, int]]]:
    """Return the seeds and folds of a condition in as many parts as it takes."""
    if per_job < n_folds:
        return [[(seed, fold) for fold in some] for seed in seeds for some in cut(range(n_folds), per_job)]
    return [
        [(seed, fold) for seed in some for fold in range(n_folds)] for some in cut(seeds, per_job // n_folds)
    ]


def weekly_jobs(
    weeks: Sequence[str], seeds: Sequence[int], weeks_per_job: int, seeds_per_job: int
) -> list[list[tuple[str, int]]]:
    """Return the adapters of each job of a panel, each as week and seed: some seeds of some weeks."""
    return [
        [(week, seed) for week in some_weeks for seed in some_seeds]
        for some_weeks in cut(weeks, weeks_per_job)
        for some_seeds in cut(seeds, seeds_per_job)
    ]


def cut(all_of_them: Sequence[One], per_part: int) -> list[list[One]]:
    """Return a sequence in parts of at most ``per_part``."""
    return [list(all_of_them[first : first + per_part]) for first in range(0, len(all_of_them), per_part)]
