"""A cohort in parts: as many adapters at once as fit the memory, found by halving, and remembered after a kill."""

from collections.abc import Mapping
from pathlib import Path

from stimmung.engine.cohort import checkpoint as checkpoints
from stimmung.engine.cohort.training_config import Task
from stimmung.store.paths import Store

Part = list[tuple[Task, str]]  # the adapters that are in memory together, each with its key in the store


def first_parts(wanted: Mapping[str, Task], size: int, store: Store) -> list[Part]:
    """Cut a cohort, by key, into parts of at most ``size`` adapters, or into those that an earlier run took or was cut to.

    It may have taken another size, since the GPU had other memory free: its checkpoints are of its parts.
    """
    pairs = [(task, key) for key, task in wanted.items()]
    for one in (size, *range(len(pairs), 0, -1)):
        parts = [pairs[first : first + one] for first in range(0, len(pairs), one)]
        begun = [_begun(part, store) for part in parts]
        if any(begun):
            return [found for part, some in zip(parts, begun, strict=True) for found in some or [part]]
        if not any(store.checkpoint([]).parent.glob("*")):
            break
    return [pairs[first : first + size] for first in range(0, len(pairs), size)]


def halved(part: Part, store: Store) -> tuple[Part, Part]:
    """Cut a part in two, each with its share of the part's checkpoint."""
    halves = _halves(part)
    path = _checkpoint(part, store)
    saved = checkpoints.load_checkpoint(path) or []
    for half in halves:
        keys = {key for _, key in half}
        if chosen := [one for one in saved if one.progress.key in keys]:
            checkpoints.save_checkpoint(_checkpoint(half, store), chosen)
    path.unlink(missing_ok=True)
    return halves


def _begun(part: Part, store: Store) -> list[Part]:
    """Return the parts into which ``part`` was cut by an earlier run; none if nothing of it was begun."""
    if _checkpoint(part, store).exists():
        return [part]
    if len(part) == 1:
        return []
    begun = [(half, _begun(half, store)) for half in _halves(part)]
    if not any(parts for _, parts in begun):
        return []
    return [one for half, parts in begun for one in parts or [half]]


def _halves(part: Part) -> tuple[Part, Part]:
    middle = len(part) // 2
    return part[:middle], part[middle:]


def _checkpoint(part: Part, store: Store) -> Path:
    return store.checkpoint([key for _, key in part])
