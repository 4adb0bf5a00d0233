"""The adapters of a job: listed by the job that trained them, found again by the job that reads with them.

How many adapters a job trains is a matter of pace, and which weeks of a panel have posts enough is known only once
the posts are read. So the output of a job is a list of its adapters, and they stand beside it, a folder each. A
folder that got lost is made again from the store, without training.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors import safe_open

from stimmung.engine.cohort.adapter_files import DAMAGE, FILES, RECORD, WEIGHTS, export_adapter, whole_folder
from stimmung.store.paths import Store
from stimmung.vocabulary.atomic_files import write_json
from stimmung.vocabulary.errors import InputError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainedAdapter:
    """An adapter that was tuned on a week, or under a condition without the respondents of a fold.

    ``listed`` is the list that names it, and ``folder`` where it stands beside that. ``key`` is the digest of everything
    that its weights depend on, its name in the store. ``sample`` is the week or the condition; a week has no ``fold``.
    """

    listed: Path
    folder: str
    key: str
    sample: str
    seed: int
    fold: int | None = None

    @property
    def directory(self) -> Path:
        """Where its files are."""
        return self.listed.parent / self.folder


def list_adapters(adapters: Sequence[TrainedAdapter], store: Store, output: Path) -> None:
    """Export adapters from the store, which has all of them, to their directories, and write ``output``, their list."""
    for one in adapters:
        export_adapter(store.adapter(one.key), one.directory)
    write_json(
        [{name: value for name, value in asdict(one).items() if name != "listed"} for one in adapters], output
    )


def take_back(adapters: Sequence[TrainedAdapter], store: Store) -> None:
    """Give the store again what stands beside a list from an earlier run: who emptied the store trains nothing twice."""
    for one in adapters:
        stored = store.adapter(one.key)
        if not stored.exists() and _is_whole(one.directory, one.key):
            with whole_folder(stored) as draft:
                export_adapter(one.directory, draft)
            logger.info("the adapter in %s was no longer in the store; taken back", one.directory)


def listed_adapters(lists: Sequence[Path]) -> list[TrainedAdapter]:
    """Return the adapters of all lists.

    Raises
    ------
    InputError
        If a list cannot be read.
    """
    return [adapter for listed in lists for adapter in _read(listed)]


def make_whole(adapters: Sequence[TrainedAdapter], store: Store) -> None:
    """Take adapters whose folders are not whole from the store once more.

    Raises
    ------
    InputError
        If neither its folder nor the store has a whole adapter.
    """
    for one in adapters:
        directory, stored = one.directory, store.adapter(one.key)
        if _is_whole(directory, one.key):
            continue
        if not _is_whole(stored, one.key):
            raise InputError(
                f"no whole adapter in {directory}, nor in the store",
                f"Delete {_file_of(one.listed)} and {stored}, as far as they are there, and run snakemake again: what is lost is "
                "trained again, and nothing else.",
            )
        if directory.exists():
            logger.warning("the adapter in %s was not whole; made again from the store", directory)
        else:
            logger.info("the adapter in %s is taken from the store", directory)
        export_adapter(stored, directory)


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


def _file_of(listed: Path) -> Path:
    """Return where a list is: from the between-workflow cache it is a link, and comes back as long as it leads somewhere."""
    return listed.readlink() if listed.is_symlink() else listed


def _read(listed: Path) -> list[TrainedAdapter]:
    try:
        return [TrainedAdapter(listed, **one) for one in json.loads(listed.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{listed} is no list of adapters", f"Delete {_file_of(listed)} and run snakemake again."
        ) from error
