"""An adapter's folder: written by a rename, exported from the store by hard links, checked and restored before it is used."""

import json
import logging
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError, safe_open

from stimmung.store.paths import FILES, RECORD, WEIGHTS, Store
from stimmung.vocabulary.atomic_files import share_as_usual
from stimmung.vocabulary.errors import InputError

logger = logging.getLogger(__name__)

# Raised for missing, truncated or foreign files; out-of-memory errors are excluded on purpose.
DAMAGE = (OSError, SafetensorError, ValueError, KeyError, TypeError)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield a draft to write to and rename it to ``folder`` at the end; if another job was quicker, its folder stays."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    draft.mkdir()
    try:
        yield draft
        share_as_usual(draft)
        try:
            draft.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def export_files(stored: Path, folder: Path, names: Iterable[str]) -> None:
    """Replace files of ``folder`` by hard links to the stored ones, in order, or by copies where links are refused."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).unlink(missing_ok=True)
        try:
            os.link(stored / name, folder / name)
        except OSError:
            shutil.copy2(stored / name, folder / name)


def export_adapter(stored: Path, folder: Path) -> None:
    """Export a stored adapter. The old weights go first and the new ones come last: where weights are, the rest fits them."""
    (folder / WEIGHTS).unlink(missing_ok=True)
    export_files(stored, folder, FILES)


def reimport(folder: Path, store: Store) -> str | None:
    """Put an exported adapter back into a store that was emptied, and return its key; None if the folder is not intact."""
    key = _intact_key(folder)
    if key is not None and not store.adapter(key).exists():
        with new_folder(store.adapter(key)) as draft:
            export_files(folder, draft, FILES)
        logger.info("re-imported the adapter in %s into the store", folder)
    return key


def restore(folder: Path, store: Store, key: str | None = None) -> str:
    """Return the key of an exported adapter, after exporting it again if its folder is missing or damaged.

    A store that was emptied gets it back from an intact folder. ``key`` is by default the one in the folder's training.json.

    Raises InputError if neither the folder nor the store has an intact adapter.
    """
    found = reimport(folder, store)
    if found is not None and key in (None, found):
        return found
    key = key or _recorded_key(folder)
    if key is None or _intact_key(store.adapter(key)) != key:
        stored = f" and {store.adapter(key)}" if key else ""
        raise InputError(
            f"no intact adapter in {folder}" + (", nor in the store" if key else ""),
            f"Delete {folder}{stored} and run snakemake again: only what is missing is trained.",
        )
    if folder.exists():
        logger.warning("the adapter in %s was damaged or outdated; exported it again from the store", folder)
    export_adapter(store.adapter(key), folder)
    return key


def _intact_key(folder: Path) -> str | None:
    """Return the key of an adapter whose files are all there and whose weights are not truncated; else None."""
    try:
        if not all((folder / name).is_file() for name in FILES):
            return None
        # Reads the header only, but compares the file's length with it.
        with safe_open(folder / WEIGHTS, framework="np"):
            return _recorded_key(folder)
    except DAMAGE:
        return None


def _recorded_key(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / RECORD).read_text(encoding="utf-8"))["key"])
    except DAMAGE:
        return None
