"""Write small JSON files whole or not at all."""

import os
from pathlib import Path


def write_whole(path: Path, content: str | bytes) -> None:
    """Write ``content`` to a draft beside ``path`` and rename it, so that nobody ever reads half a file.

    Raises
    ------
    OSError
        If the file cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
