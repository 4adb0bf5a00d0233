"""The files of a prepared base model: always the same ones, so that the workflow can name them all."""

import hashlib
import json
import math
import shutil
from pathlib import Path
from typing import Any

from stimmung.engine.base.gguf_source import gguf_file, is_gguf
from stimmung.vocabulary.atomic_files import digest_of_file, share_as_usual
from stimmung.vocabulary.errors import InputError

DESCRIPTION = "model.json"
WEIGHTS_AND_TOKENIZER = ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json")
PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
# What a library that loads the directory may read, and what the digest of a base covers.
READ = (".safetensors", ".json", ".jinja", ".model")


def save_base(model: Any, tokenizer: Any, output: Path) -> None:
    """Save a model and its tokenizer as the files of ``WEIGHTS_AND_TOKENIZER``, and remove other readable files.

    An existing file is replaced, not written to: it may be a link into a store that others read.

    Raises InputError if the tokenizer is not one that tokenizer.json can hold.
    """
    if not tokenizer.is_fast:
        raise InputError(
            f"the tokenizer of {tokenizer.name_or_path} has no fast form (tokenizer.json)",
            "Only tokenizers of the `tokenizers` library are supported.",
        )
    draft = output / ".draft"
    # A killed attempt may have left tens of gigabytes.
    shutil.rmtree(draft, ignore_errors=True)
    try:
        # One file, whatever the size: the workflow names its outputs before it knows how large they are.
        model.save_pretrained(draft, max_shard_size="10TB")
        # This puts a chat template into tokenizer_config.json; only some models would have a file of its own.
        tokenizer.save_pretrained(draft, save_jinja_files=False)
        share_as_usual(draft)
        for name in strangers(output):
            (output / name).unlink()
        for name in WEIGHTS_AND_TOKENIZER:
            (draft / name).replace(output / name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def strangers(path: Path) -> list[str]:
    """Return the names of the files in a base's directory that could be read but that ``save_base`` does not write."""
    found = {file.name for file in path.glob("*") if file.suffix in READ and not file.is_dir()}
    return sorted(found - {DESCRIPTION, *WEIGHTS_AND_TOKENIZER})


def check_files(path: Path) -> None:
    """Raise InputError if the directory of a prepared base has files of another model, which would be read with it."""
    # A base that an early version prepared does not list its files.
    if not (path / DESCRIPTION).exists() or "files" not in read_description(path):
        return
    if found := strangers(path):
        raise InputError(
            f"{path} holds {found[0]}, which is not a file of the model that is prepared there",
            "Delete the file and run snakemake again.",
        )


def read_description(path: Path) -> dict[str, Any]:
    """Return a prepared base's model.json: source, revision, quantisation, sizes, digest; raise InputError if it is unreadable."""
    try:
        return dict(json.loads((path / DESCRIPTION).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise InputError(
            f"no readable {DESCRIPTION} in {path}", "Delete the folder and run snakemake again."
        ) from error


def digest_of(path: Path) -> str:
    """Return the SHA-256 over the names and bytes of weights, config and tokenizer in a model directory."""
    digest = hashlib.sha256()
    for file in sorted(path.glob("*")):
        if file.suffix in READ and file.name != DESCRIPTION:
            digest.update(file.name.encode())
            digest.update(bytes.fromhex(digest_of_file(file)))
    return digest.hexdigest()


def expert_share_of_files(source: Path) -> float:
    """Return the share of a model's weights that are experts', from the names and shapes in its files; nothing is loaded.

    It is 0 where there are no files in safetensors, or none that can be read, which is told when the model is prepared.
    """
    from safetensors import SafetensorError, safe_open

    sizes: dict[str, int] = {}
    for file in source.glob("*.safetensors"):
        try:
            with safe_open(file, "numpy") as weights:
                sizes |= {name: math.prod(weights.get_slice(name).get_shape()) for name in weights.keys()}  # noqa: SIM118
        except (OSError, SafetensorError):
            return 0.0
    experts = sum(size for name, size in sizes.items() if ".experts." in name)
    return experts / max(1, sum(sizes.values()))


def load_tokenizer(path: Path) -> Any:
    """Load a tokenizer from a directory, without the weights or downloads; raise InputError if there is none that can be read."""
    # Imported here: it takes seconds, and most callers find no tokenizer to load.
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(path, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError) as error:
        raise InputError(f"no readable tokenizer in {path}: {str(error).splitlines()[0]}") from error


def check_source(source: str) -> None:
    """Raise InputError if a file or directory is absent, or lacks weights in safetensors or a config; a hub id passes."""
    if is_gguf(source):
        gguf_file(source)
        return
    directory = Path(source)
    if not directory.is_dir():
        if source.startswith((".", "/", "results/")):
            raise InputError(f"no model directory at {source}")
        return
    if not any(directory.glob("*.safetensors")):
        pickled = sorted(file.name for pattern in PICKLED for file in directory.glob(pattern))
        if pickled:
            raise InputError(
                f"{source} holds pickled weights ({pickled[0]}), which can run any code when they are read",
                "Save the model with safetensors: model.save_pretrained(path), with a recent transformers.",
            )
        ggufs = sorted(file.name for file in directory.glob("*.gguf"))
        hint = f"A GGUF file is named itself, as `source: {directory / ggufs[0]}`." if ggufs else None
        raise InputError(f"{source} holds no *.safetensors file", hint)
    if not (directory / "config.json").exists():
        raise InputError(f"{source} holds no config.json")
