"""Models with a classification head: BERT-style encoders, and decoders as well."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from stimmung.engine.base.base_model import context_length, keep_weights_unpacked
from stimmung.engine.base.devices import default_device
from stimmung.engine.base.model_files import check_files
from stimmung.vocabulary.errors import InputError


def longest_text(model: Any, tokenizer: Any) -> int:
    """Return how many tokens the model reads, special ones included."""
    # RoBERTa has two positions more than it can use; its tokenizer knows.
    return int(min(tokenizer.model_max_length, context_length(model.config, tokenizer)))


def load_classifier(path: Path, n_options: int, seed: int) -> tuple[Any, Any]:
    """Return a model with a new classification head, and its tokenizer. The seed draws the head.

    Raises InputError if the directory is absent, holds files of another model, or its architecture has no classification head.
    """
    check_files(path)
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
        torch.manual_seed(seed)
        options = {"use_safetensors": True, "trust_remote_code": False, "device_map": default_device()}
        with _expecting_a_new_head():
            model = AutoModelForSequenceClassification.from_pretrained(path, num_labels=n_options, **options)
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot load a classifier from {path}: {str(error).splitlines()[0]}",
            "The arm `classifier` needs an architecture with a sequence classifier in transformers.",
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
