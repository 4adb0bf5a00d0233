"""The files of a saved base model: always the same ones, so that a workflow can name them all, and each written whole."""

import json
import shutil
from pathlib import Path
from typing import Any

from stimmung.vocabulary.atomic_files import share_as_usual
from stimmung.vocabulary.errors import InputError

DESCRIPTION = "model.json"
WEIGHTS_AND_TOKENIZER = ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json")
# What a library that loads the directory may read, and what the digest of a base covers.
READ = (".safetensors", ".json", ".jinja", ".model")


def save_base(model: Any, tokenizer: Any, output: Path) -> None:
    """Save a model and its tokenizer as the files of ``WEIGHTS_AND_TOKENIZER``, and remove what else may be read there.

    A file that stands there is replaced, not written to: it may be a link into a cache that others read.

    Raises
    ------
    InputError
        If the tokenizer is not one that tokenizer.json can hold.
    """
    if not tokenizer.is_fast:
        raise InputError(
            f"the tokenizer of {tokenizer.name_or_path} has no fast form (tokenizer.json)",
            "Only tokenizers of the library `tokenizers` are read.",
        )
    draft = output / ".draft"
    # What a killed attempt has left, of tens of gigabytes.
    shutil.rmtree(draft, ignore_errors=True)
    try:
        # One file, whatever the size: the workflow names its outputs before it knows how large they are.
        model.save_pretrained(draft, max_shard_size="10TB")
        # A chat template stands in tokenizer_config.json then; a file of its own would be there for some models only.
        tokenizer.save_pretrained(draft, save_jinja_files=False)
        share_as_usual(draft)
        for name in strangers(output):
            (output / name).unlink()
        for name in WEIGHTS_AND_TOKENIZER:
            (draft / name).replace(output / name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def strangers(path: Path) -> list[str]:
    """Return the names of the files in a base's directory that could be read but are not of those that ``save_base`` writes."""
    known = (DESCRIPTION, *WEIGHTS_AND_TOKENIZER)
    return sorted(
        file.name
        for file in path.glob("*")
        if not file.is_dir() and file.suffix in READ and file.name not in known
    )


def check_files(path: Path) -> None:
    """Refuse a prepared base in whose directory files of another model were left; they would be read with it.

    A base says in its description which files it has. One that was prepared before they were always the same does not.

    Raises
    ------
    InputError
        If there are such files.
    """
    described = path / DESCRIPTION
    if not described.exists() or "files" not in json.loads(described.read_text(encoding="utf-8")):
        return
    if found := strangers(path):
        raise InputError(
            f"{path} holds {found[0]}, which is of another model than the one that is prepared there",
            "Delete the file and run snakemake again.",
        )
