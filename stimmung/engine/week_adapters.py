"""The adapters of a panel's weeks: listed by the job that trained them, found again by the job that asks them.

How many weeks a job trains is a matter of pace, and which weeks have posts enough is known only once the posts
are read. So the output of a job is a list of its adapters, and they stand beside it, a folder for each week and
seed. A folder that got lost is made again from the store, without training.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors import safe_open

from stimmung.engine.adapter_files import DAMAGE, FILES, RECORD, WEIGHTS, export_adapter
from stimmung.engine.store import Store
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.files import write_json

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WeekAdapter:
    """An adapter that was tuned on the posts of a week.

    ``key`` is the digest of everything that its weights depend on, its name in the store.
    """

    week: str
    seed: int
    directory: Path
    key: str


def list_adapters(keys: Mapping[tuple[str, int], str], store: Store, output: Path) -> None:
    """Export adapters from the store to ``{week}/seed-{seed}`` beside their list, and write the list.

    Parameters
    ----------
    keys
        Week and seed to the adapter's key in the store.
    store
        Has all of them.
    output
        The list.
    """
    for (week, seed), key in keys.items():
        export_adapter(store.adapter(key), _directory(output, week, seed))
    write_json([{"week": week, "seed": seed, "key": key} for (week, seed), key in keys.items()], output)


def find_adapters(lists: Sequence[Path], store: Store) -> list[WeekAdapter]:
    """Return the adapters of all lists; one whose folder is not whole comes from the store once more.

    Raises
    ------
    InputError
        If a list cannot be read, or neither its folder nor the store has a whole adapter.
    """
    return [
        _found(listed, str(one["week"]), int(one["seed"]), str(one["key"]), store)
        for listed in lists
        for one in _read(listed)
    ]


def _found(listed: Path, week: str, seed: int, key: str, store: Store) -> WeekAdapter:
    directory, stored = _directory(listed, week, seed), store.adapter(key)
    if not _is_whole(directory, key):
        if not _is_whole(stored, key):
            raise InputError(
                f"no whole adapter of week {week}, seed {seed}: neither in {directory} nor in the store",
                f"Delete {listed} and {stored}, as far as they are there, and run snakemake again: what is lost is "
                "trained again, and nothing else.",
            )
        export_adapter(stored, directory)
        logger.warning("the adapter of week %s, seed %d was not whole; made again from the store", week, seed)
    return WeekAdapter(week, seed, directory, key)


def _is_whole(directory: Path, key: str) -> bool:
    """Whether an adapter's files are there, belong to ``key``, and the weights are not cut off."""
    try:
        if not all((directory / name).is_file() for name in FILES):
            return False
        # Reads the head alone, but knows how long the file must be.
        with safe_open(directory / WEIGHTS, framework="np"):
            return str(json.loads((directory / RECORD).read_text())["key"]) == key
    except DAMAGE:
        return False


def _directory(listed: Path, week: str, seed: int) -> Path:
    return listed.parent / week / f"seed-{seed}"


def _read(listed: Path) -> list[dict[str, str | int]]:
    try:
        content: list[dict[str, str | int]] = json.loads(listed.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{listed} is no list of adapters", "Delete it and run snakemake again.") from error
    return content
