"""The engine on a device that is not the CPU: that everything is brought there, and back, and that the numbers are the CPU's."""

import numpy as np
import pytest
import torch

from stimmung.engine.base.base_model import Base, prepare_loaded
from stimmung.engine.cohort import train as trainer
from stimmung.engine.cohort.adapter_files import load_adapter
from stimmung.engine.cohort.lora import attached, initial_weights
from stimmung.engine.cohort.train import train_adapters
from stimmung.engine.scoring.prompt_batches import Prompt
from stimmung.engine.scoring.readouts import READOUTS
from stimmung.engine.scoring.score import score_options
from stimmung.store.paths import Store
from stimmung.vocabulary.errors import Interrupted
from stimmung.vocabulary.pace import Pace
from tests.unit.engine.conftest import random_llama
from tests.unit.engine.second_device import MixedDevicesError, move, second_device

pytestmark = pytest.mark.slow

GENERATOR = torch.Generator


@pytest.fixture
def elsewhere(monkeypatch):
    """The same small Llama on the second device."""
    # Neither the fused AdamW nor a generator of its own can be had for a device that torch knows nothing of.
    monkeypatch.setattr(
        trainer,
        "make_optimizer",
        lambda training, weights: torch.optim.AdamW(weights, training.learning_rate),
    )
    monkeypatch.setattr(torch, "Generator", lambda **_: GENERATOR())
    with second_device():
        model = move(random_llama())
        prepare_loaded(model)
        yield Base(model, None, "a-base", "digest")


def test_an_operation_of_both_devices_is_refused():
    with second_device(), pytest.raises(MixedDevicesError):
        torch.ones(3, device="meta") + torch.ones(3)
    with second_device():
        assert (torch.tensor([1.0, 2.0], device="meta") * 2).tolist() == [2.0, 4.0]


@pytest.mark.parametrize("mode", ["stacked", "sequential"])
@pytest.mark.parametrize("recompute", [False, True])
def test_training_elsewhere_is_training_here(base, elsewhere, training, tasks, tmp_path, mode, recompute):
    training = training.model_copy(
        update={"gradient_checkpointing": recompute, "num_train_epochs": None, "max_steps": 3}
    )
    weights = []
    for where, folder in ((elsewhere, "there"), (base, "here")):
        store = Store(tmp_path / folder)
        keys = train_adapters(where, training, tasks, store, pace=Pace(cohort=mode))
        weights.append([load_adapter(store.adapter(key)).weights for key in keys])
    for there, here in zip(*weights, strict=True):
        for name, weight in here.items():
            torch.testing.assert_close(there[name], weight, atol=1e-5, rtol=0)


def test_training_elsewhere_goes_on_from_its_checkpoint(elsewhere, training, tasks, tmp_path):
    training = training.model_copy(update={"num_train_epochs": None, "max_steps": 4})
    whole, cut = Store(tmp_path / "whole"), Store(tmp_path / "cut")
    keys = train_adapters(elsewhere, training, tasks, whole, pace=Pace(cohort="stacked"))
    asked = iter([False] * 2 + [True])
    with pytest.raises(Interrupted):
        train_adapters(elsewhere, training, tasks, cut, pace=Pace(cohort="stacked"), stop=lambda: next(asked))
    train_adapters(elsewhere, training, tasks, cut, pace=Pace(cohort="stacked"))
    for key in keys:
        expected = load_adapter(whole.adapter(key)).weights
        for name, weight in load_adapter(cut.adapter(key)).weights.items():
            assert torch.equal(weight, expected[name])


@pytest.mark.parametrize(
    "options, readout",
    [
        (((5,), (6,), (7,)), "exact"),
        (((5,), (6, 7), (6, 8, 9), (6, 4)), "exact"),
        (((5,), (6,), (7,)), "first-token"),
    ],
)
def test_scores_elsewhere_are_scores_here(base, elsewhere, training, options, readout):
    prompts = [
        Prompt((1, 2, 3, 4, 5, *range(10, 10 + length)), options, adapter=adapter)
        for adapter in (-1, 0, 1)
        for length in (3, 9, 4)
    ]
    found = []
    for where in (elsewhere, base):
        with attached(where, training) as cohort:
            for seed in range(2):
                weights = initial_weights(cohort, seed)
                cohort.add({name: weight + 0.05 for name, weight in weights.items()})
            found.append(
                score_options(where, prompts, cohort=cohort, tokens_per_batch=60, readout=READOUTS[readout])
            )
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)
