"""Files written atomically, so that nobody ever reads half of one; and digests of their bytes."""

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a draft beside ``path`` to write to, and rename it at the end. Raises OSError if that fails; nothing is left behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        # The mode of a new file: safetensors lets only its owner read it.
        draft.touch()
        usual = draft.stat().st_mode
        yield draft
        _set_mode(draft, usual)
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)


def share_as_usual(folder: Path) -> None:
    """Give a new folder's files the mode that the umask allows: safetensors makes files that only their owner can read."""
    usual = stat.S_IFREG | folder.stat().st_mode & 0o666
    for file in folder.iterdir():
        if file.is_file():
            _set_mode(file, usual)


def _set_mode(file: Path, mode: int) -> None:
    # Not every file system can change it.
    if file.stat().st_mode != mode:
        file.chmod(stat.S_IMODE(mode))


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write text, in UTF-8, or bytes."""
    with atomic_write(path) as draft:
        draft.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def write_json(content: Any, path: Path) -> None:
    """Write JSON, indented, in the order given."""
    write_atomic(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
