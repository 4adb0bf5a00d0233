"""The tokenizer of a saved base model alone, without its weights."""

from pathlib import Path
from typing import Any

from stimmung.vocabulary.errors import InputError


def load_tokenizer(path: Path) -> Any:
    """Load a tokenizer from a directory; nothing is downloaded.

    Raises
    ------
    InputError
        If there is none that can be read.
    """
    # Imported here: it takes seconds, and most callers find no tokenizer to load.
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(path, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError) as error:
        raise InputError(f"no readable tokenizer in {path}: {str(error).splitlines()[0]}") from error
