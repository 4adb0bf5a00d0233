"""BERT-style encoders: saved once like a base model, and loaded with a classification head."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

from stimmung.engine.base.base_model import count_parameters, digest_of, keep_weights_unpacked
from stimmung.engine.base.devices import default_device
from stimmung.engine.base.model_files import WEIGHTS_AND_TOKENIZER, check_files, save_base
from stimmung.vocabulary.errors import InputError


def save_encoder(source: str, revision: str | None, compute_dtype: str, output: Path) -> dict[str, Any]:
    """Load an encoder from a directory or the hub and save it with its tokenizer, as safetensors.

    Parameters
    ----------
    source, revision
        A directory, or a hub id and its commit.
    compute_dtype
        'float32' or 'bfloat16': what its weights are saved in.
    output
        The directory to write.

    Returns
    -------
    dict
        What model.json holds: source, revision, files, digest, sizes.

    Raises
    ------
    InputError
        If the model is absent, pickled, or asks for code of its own.
    """
    options = {"revision": revision, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
        model = AutoModel.from_pretrained(
            source, dtype=getattr(torch, compute_dtype), use_safetensors=True, **options
        )
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot load the encoder '{source}': {str(error).splitlines()[0]}",
            "It must be there as safetensors, and downloaded first where jobs have no network: "
            "`hf download ID --revision REVISION`.",
        ) from error
    save_base(model, tokenizer, output)
    return {
        "source": source,
        "revision": revision,
        "quantization": "none",
        "compute_dtype": compute_dtype,
        "architecture": type(model).__name__,
        "n_parameters": count_parameters(model),
        "max_length": longest_text(model, tokenizer),
        "files": list(WEIGHTS_AND_TOKENIZER),
        "digest": digest_of(output),
    }


def longest_text(model: Any, tokenizer: Any) -> int:
    """Return how many tokens the model reads, special ones included."""
    # RoBERTa has two positions more than it can use; its tokenizer knows.
    return int(min(tokenizer.model_max_length, model.config.max_position_embeddings))


def load_classifier(path: Path, n_options: int, seed: int) -> tuple[Any, Any]:
    """Return a model with a new classification head, and its tokenizer. The seed draws the head.

    Raises
    ------
    InputError
        If the directory is absent, holds files of another model, or its architecture has no classification head.
    """
    check_files(path)
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
        torch.manual_seed(seed)
        with _expecting_a_new_head():
            model = AutoModelForSequenceClassification.from_pretrained(
                path,
                num_labels=n_options,
                use_safetensors=True,
                trust_remote_code=False,
                device_map=default_device(),
            )
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot load a classifier from {path}: {str(error).splitlines()[0]}",
            "The arm `classifier` needs an architecture that transformers has a sequence classifier for.",
        ) from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    model.config.pad_token_id = tokenizer.pad_token_id
    keep_weights_unpacked(model)
    return model, tokenizer


@contextmanager
def _expecting_a_new_head() -> Iterator[None]:
    """Keep transformers from warning, for every fold, that the head has no weights yet."""
    logger = logging.getLogger("transformers.modeling_utils")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
