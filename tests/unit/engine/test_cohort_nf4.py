"""A cohort on a 4-bit base with bfloat16 products, as it is used: rounding differs, what is learned must not."""

import json

import pytest

from stimmung.engine.base.base_model import load_base
from stimmung.engine.base.preparing import quantize_base
from stimmung.engine.base.tiny import _build_tokenizer
from stimmung.engine.cohort.train import train_adapters
from stimmung.store.paths import RECORD, Store
from stimmung.vocabulary.pace import Pace
from tests.unit.engine.conftest import VOCABULARY, random_llama


@pytest.fixture(scope="module")
def quantised(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nf4")
    random_llama().save_pretrained(folder / "source")
    _build_tokenizer(["Vote: left"], VOCABULARY).save_pretrained(folder / "source")
    quantize_base(str(folder / "source"), None, "nf4", "bfloat16", folder / "base")
    return load_base(folder / "base")


def final_losses(base, training, tasks, folder, mode):
    store = Store(folder)
    keys = train_adapters(base, training, tasks, store, pace=Pace(cohort=mode))
    losses = [json.loads((store.adapter(key) / RECORD).read_text())["losses"] for key in keys]
    return [(one[0], sum(one[-5:]) / 5) for one in losses]


@pytest.mark.slow
def test_final_losses_of_a_cohort_are_those_of_adapters_trained_alone(quantised, training, tasks, tmp_path):
    training = training.model_copy(update={"num_train_epochs": 4, "learning_rate": 1e-2})
    together = final_losses(quantised, training, tasks, tmp_path / "together", "stacked")
    alone = final_losses(quantised, training, tasks, tmp_path / "alone", "sequential")
    for (_, one), (first, other) in zip(together, alone, strict=True):
        assert one == pytest.approx(other, rel=0.01)
        assert other < 0.95 * first, "nothing was learned"
