"""The files of a base model that lies in a directory of the user's, so that a change of theirs prepares it anew."""

import sys
from pathlib import Path

from stimmung.engine.base_files import READ
from stimmung.vocabulary.errors import InputError

# Word lists of older tokenizers are plain text.
OF_A_MODEL = (*READ, ".txt")


def source_files_or_exit(source: str, prepared: Path) -> list[str]:
    """Return the files that are read of a local model, none of one on the hub or of one that is absent.

    A directory that is absent although it was prepared is told here, and the process exits with 1: Snakemake would begin the
    job, and remove what was prepared, because its inputs changed.

    Parameters
    ----------
    source
        A directory, or a hub id.
    prepared
        The description of the prepared model.
    """
    directory = Path(source)
    if directory.is_dir():
        return sorted(str(file) for file in directory.iterdir() if file.suffix in OF_A_MODEL)
    if source.startswith((".", "/")) and prepared.exists():
        error = InputError(
            f"no model directory at {source}",
            f"It must stay where it is as long as {prepared.parent} is used, which was made of it.",
        )
        print(error, file=sys.stderr)
        raise SystemExit(1)
    return []
