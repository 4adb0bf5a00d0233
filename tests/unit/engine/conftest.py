"""A small Llama with random weights, and rows for it."""

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from stimmung.engine.base.base_model import Base, prepare_loaded
from stimmung.engine.base.tiny import _build_tokenizer
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.training_config import Task
from stimmung.vocabulary.training import Training

VOCABULARY = 320


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def random_llama(seed=0):
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
    )
    model = LlamaForCausalLM(config).eval()
    model.requires_grad_(False)
    return model


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """An ordinary model directory."""
    directory = tmp_path_factory.mktemp("source")
    random_llama().save_pretrained(directory)
    _build_tokenizer(["Vote: left", "Vote: right"], VOCABULARY).save_pretrained(directory)
    return directory


@pytest.fixture
def base():
    model = random_llama()
    prepare_loaded(model)
    return Base(model, None, "a-base", "digest")


def rows(count, seed, low=5, high=40):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(low, high, count)
    return [
        TrainingRow(tuple(rng.integers(2, VOCABULARY, length).tolist()), int(length) - 2)
        for length in lengths
    ]


@pytest.fixture
def tasks():
    """Three adapters with different amounts of data, so that they finish at different steps."""
    return [Task(f"adapter {seed}", rows(count, seed), seed) for seed, count in enumerate([40, 17, 61])]


@pytest.fixture
def training():
    return Training(
        r=4,
        lora_alpha=8,
        lora_dropout=0.1,
        learning_rate=2e-3,
        warmup_ratio=0.1,
        num_train_epochs=2,
        per_device_train_batch_size=4,
    )
