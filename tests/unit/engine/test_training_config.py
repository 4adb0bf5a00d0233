from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from transformers import get_scheduler

from stimmung.engine.cohort.training_config import Recipe

CONFIG = Path(__file__).parents[3] / "config.yaml"


@pytest.mark.parametrize("kind", ["linear", "cosine", "constant_with_warmup"])
def test_the_schedule_is_that_of_transformers(recipe, kind):
    recipe = replace(recipe, lr_scheduler_type=kind.removesuffix("_with_warmup"), warmup_ratio=0.12)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=recipe.learning_rate)
    schedule = get_scheduler(kind, optimizer, num_warmup_steps=3, num_training_steps=25)
    for step in range(25):
        assert recipe.learning_rate_at(step, 25) == pytest.approx(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()


def test_every_preset_of_the_config_is_a_recipe_and_no_value_gets_lost():
    for name, given in yaml.safe_load(CONFIG.read_text())["training"].items():
        record = Recipe.from_config(given).record()
        kept = record | record["lora"]
        assert {key for key in given if key not in kept} <= {"block_size"}, (
            "how posts are cut is no part of it"
        )
        assert all(kept[key] == value for key, value in given.items() if key in kept), name
