import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import get_scheduler

from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.training_config import Task, adapter_keys, by_key, learning_rate_at
from stimmung.vocabulary.training import EarlyStopping, Training

CONFIG = Path(__file__).parents[3] / "config.yaml"


@pytest.mark.parametrize("kind", ["linear", "cosine", "constant_with_warmup"])
def test_the_schedule_is_that_of_transformers(training, kind):
    training = training.model_copy(
        update={"lr_scheduler_type": kind.removesuffix("_with_warmup"), "warmup_ratio": 0.12}
    )
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=training.learning_rate)
    schedule = get_scheduler(kind, optimizer, num_warmup_steps=3, num_training_steps=25)
    for step in range(25):
        assert learning_rate_at(training, step, 25) == pytest.approx(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()


def test_data_are_rows_in_their_order_and_where_their_loss_begins():
    one, other = TrainingRow((1, 2, 3), 2), TrainingRow((4, 5), 1)
    tasks = [
        Task("a", rows, 1) for rows in ([one, other], [other, one], [one], [TrainingRow((1, 2, 3), 1), other])
    ]
    assert len({task.data_digest for task in tasks}) == 4


def test_weights_change_the_data_unless_all_are_1():
    row = TrainingRow((1, 2, 3), 2)
    plain, of_1, of_2 = (Task("a", [row, one], 1) for one in (row, replace(row, weight=1.0), replace(row, weight=2.0)))  # fmt: skip
    assert plain.data_digest == of_1.data_digest != of_2.data_digest
    assert replace(plain, distributions=True).data_digest != plain.data_digest
    assert plain.data_digest == hashlib.sha256(b"[[1, 2, 3], 2][[1, 2, 3], 2]").hexdigest(), (
        "adapters are found again"
    )


def test_every_hyperparameter_but_the_block_size_changes_the_key(training, tasks):
    """How posts are cut is in the rows already, and a survey has no blocks."""
    other = {
        "r": 3, "lora_alpha": 7.0, "lora_dropout": 0.3, "use_rslora": True, "bias": "lora_only", "target_modules": ("q_proj",),
        "learning_rate": 1.0, "lr_scheduler_type": "cosine", "warmup_ratio": 0.5, "num_train_epochs": 9, "max_steps": 9,
        "per_device_train_batch_size": 9, "gradient_accumulation_steps": 9, "max_grad_norm": 9.0, "weight_decay": 9.0,
        "optim": "paged_adamw_8bit", "gradient_checkpointing": True, "block_size": 9,
        "early_stopping": EarlyStopping(), "target_parameters": ("mlp.experts.down_proj",),
    }  # fmt: skip
    assert other.keys() == Training.model_fields.keys()
    keys = {
        name: adapter_keys("base", training.model_copy(update={name: value}), tasks[:1])[0]
        for name, value in other.items()
    }
    assert keys.pop("block_size") == adapter_keys("base", training, tasks[:1])[0]
    assert len({*keys.values(), adapter_keys("base", training, tasks[:1])[0]}) == len(keys) + 1


def test_tasks_that_make_the_same_adapter_are_one(training, tasks):
    twins = [tasks[0], replace(tasks[0], name="twin"), tasks[1]]
    found = by_key(adapter_keys("base", training, twins), twins)
    assert [task.name for task in found.values()] == ["adapter 0", "adapter 1"]
