"""Training with the same version gives the same adapters: keys in the store hold that version, and no digest of the code.

If this fails because the mathematics of training was changed on purpose, raise TRAINING_VERSION and enter the numbers that the message
shows under it; adapters in users' stores are then trained again. If the change was meant to alter no number, it did.
"""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from stimmung.engine.base.base_model import Base, prepare_loaded
from stimmung.engine.cohort.adapter_files import load_adapter
from stimmung.engine.cohort.train import train_adapters
from stimmung.engine.cohort.training_config import TRAINING_VERSION
from stimmung.store.paths import RECORD, Store
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.training import Training
from tests.unit.engine.conftest import random_llama

# No default of the config is relied on: those may change without a change of the mathematics.
COMMON = {
    "r": 4,
    "lora_alpha": 8,
    "learning_rate": 0.01,
    "per_device_train_batch_size": 4,
    "bias": "none",
    "optim": "adamw_torch",
}
TRAININGS = {
    "stacked": Training(
        **COMMON, use_rslora=False, lora_dropout=0.2, lr_scheduler_type="linear", warmup_ratio=0.2, num_train_epochs=1.5,
        max_steps=None, gradient_accumulation_steps=2, weight_decay=0.0, max_grad_norm=1.0, target_modules="all-linear",
    ),
    "sequential": Training(
        **COMMON, use_rslora=True, lora_dropout=0.0, lr_scheduler_type="cosine", warmup_ratio=0.0, num_train_epochs=None,
        max_steps=6, gradient_accumulation_steps=1, weight_decay=3.0, max_grad_norm=0.05, target_modules=("q_proj", "down_proj"),
    ),
}  # fmt: skip
GOLDEN = {
    2: {
        "stacked": [[6.16582, 5.27758, -1.41698, 0.33899], [5.96154, 5.92047, 0.33736, -0.73481]],
        "sequential": [[5.96745, 5.89119, 1.37891, 0.37637], [5.9197, 5.97233, -1.24428, -0.20056]],
    }
}
# Other CPUs sum in another order; a change of the mathematics moves the numbers by far more.
TOLERANCE = 2e-3


@pytest.fixture
def known_base():
    """A small Llama whose weights do not depend on torch's random numbers."""
    model = random_llama()
    rng = np.random.default_rng(0)
    for name, weight in model.named_parameters():
        if "norm" not in name:
            weight.data = torch.from_numpy(rng.normal(0, 0.08, tuple(weight.shape))).float()
    prepare_loaded(model)
    return Base(model, None, "a-base", "digest")


def numbers(folder):
    """First and last loss, and a projection of all A and of all B: sums of their entries with fixed factors in [-1, 1]."""
    sums = {"lora_A": 0.0, "lora_B": 0.0}
    for name, weight in sorted(load_adapter(folder).weights.items()):
        values = weight.double().flatten()
        sums[name.rsplit(".", 1)[-1]] += float(values @ torch.cos(torch.arange(len(values)).double()))
    losses = json.loads((folder / RECORD).read_text())["losses"]
    return [round(number, 5) for number in (losses[0], losses[-1], *sums.values())]


@pytest.mark.parametrize("mode", TRAININGS)
def test_the_same_version_of_training_gives_the_same_weights(known_base, tasks, tmp_path, mode):
    survey, posts = tasks[0], replace(tasks[1], rows=[replace(row, loss_from=1) for row in tasks[1].rows])
    store = Store(tmp_path)
    keys = train_adapters(known_base, TRAININGS[mode], [survey, posts], store, pace=Pace(cohort=mode))
    found = [numbers(store.adapter(key)) for key in keys]
    expected = GOLDEN.get(TRAINING_VERSION, {}).get(mode)
    assert expected is not None, f"enter the numbers of version {TRAINING_VERSION}, {mode}: {found}"
    assert np.allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE), (
        f"training gives other weights than version {TRAINING_VERSION}: {found} instead of {expected}; see the head of this file"
    )
