"""A checkpoint gives back what was saved, and a damaged one costs the training time, never its result."""

import json
import logging

import pytest
import torch
from safetensors.torch import save_file

from stimmung.engine.cohort.checkpoint import Progress, Saved, load_checkpoint, save_checkpoint


@pytest.fixture
def saved(tmp_path):
    adapters = [
        Saved(
            Progress(key, step=3, losses=[1.5, 1.25], seconds=2.0),
            {"q.A": torch.randn(2, 3)},
            {"0.step": torch.tensor(3.0)},
        )
        for key in ("aa", "bb")
    ]
    save_checkpoint(tmp_path / "cohort.safetensors", adapters)
    return tmp_path / "cohort.safetensors", adapters


def test_what_is_saved_is_what_is_read(saved):
    path, adapters = saved
    for read, kept in zip(load_checkpoint(path), adapters, strict=True):
        assert read.progress == kept.progress
        assert read.weights.keys() == kept.weights.keys() and read.optimizer.keys() == kept.optimizer.keys()
        assert torch.equal(read.weights["q.A"], kept.weights["q.A"])
        assert torch.equal(read.optimizer["0.step"], kept.optimizer["0.step"])


def test_where_nothing_was_saved_there_is_nothing(tmp_path):
    assert load_checkpoint(tmp_path / "none.safetensors") is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:100]),
        lambda path: path.write_bytes(b""),
        lambda path: save_file({"0/weights/q.A": torch.ones(1)}, path),
        lambda path: save_file({"x": torch.ones(1)}, path, metadata={"progress": "[]"}),
        lambda path: save_file({"4/weights/q.A": torch.ones(1)}, path, metadata={"progress": "[]"}),
        lambda path: save_file({}, path, metadata={"progress": json.dumps([{"step": 3}])}),
        lambda path: save_file({}, path, metadata={"progress": json.dumps([{"key": "aa", "older": 1}])}),
    ],
)
def test_a_damaged_or_outdated_one_begins_anew_and_says_so(saved, damage, caplog):
    caplog.set_level(logging.WARNING)
    damage(saved[0])
    assert load_checkpoint(saved[0]) is None
    assert "cannot be read, so training starts over" in caplog.text
