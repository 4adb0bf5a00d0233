"""Rows that share a row: the same losses and gradients as one below the other."""

import pytest
import torch

from stimmung.engine.base.base_model import Base, prepare_loaded
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.forward_backward import Part, forward_backward
from stimmung.engine.cohort.lora import attached, initial_weights
from stimmung.engine.cohort.rows import can_share_rows, plain_rows, shared_rows, shared_tokens
from stimmung.engine.cohort.train import train_adapters
from stimmung.engine.cohort.training_config import Task
from stimmung.store.paths import Store
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.training import Lora
from tests.unit.engine.conftest import rows
from tests.unit.engine.families import CONFIGS, random_model
from tests.unit.engine.test_train import largest_difference, trained

BEGINNING = tuple(range(30, 42))
SHARING = ["Llama", "Qwen2", "Qwen3-MoE", "Mistral, window 512", "GPT-2", "OPT", "GPT-NeoX"]
NOT_SHARING = [
    "Qwen3.5", "Gemma 2, window 512", "Mistral, window 20", "Falcon, ALiBi", "Granite hybrid", "Gemma 4, window 20",
]  # fmt: skip


def beginning_alike(count, seed):
    """Rows of 17 to 51 tokens, of which one to three carry loss."""
    return [
        TrainingRow(BEGINNING + row.input_ids, len(BEGINNING) + len(row.input_ids) - 1 - number % 3)
        for number, row in enumerate(rows(count, seed))
    ]


def gradients(base, shared, splits=1, **changes):
    with attached(base, Lora(r=4, **changes)) as cohort:
        for seed in range(2):
            generator = torch.Generator().manual_seed(seed)
            cohort.add(
                {
                    name: torch.randn(one.shape, generator=generator) * 0.05
                    for name, one in initial_weights(cohort, 0).items()
                }
            )
        parts = [Part(k, beginning_alike(6, k), 12, 7 + k, shared) for k in range(2)]
        losses = forward_backward(cohort, parts, splits)
        return losses, [{name: one.grad for name, one in cohort.parameters_of(k).items()} for k in range(2)]


@pytest.mark.parametrize("name", SHARING)
def test_gradients_of_rows_that_share_a_row_are_those_of_rows_by_themselves(name):
    model = random_model(CONFIGS[name]())
    prepare_loaded(model)
    base = Base(model, None, name, "")
    assert can_share_rows(base, 60)
    losses, expected = gradients(base, 0)
    for splits in (1, 4):
        found = gradients(base, len(BEGINNING), splits)
        assert torch.allclose(found[0], losses, atol=1e-5)
        assert largest_difference(found[1], expected) < 1e-5
    assert max(one.abs().max() for one in expected[1].values()) > 1e-3


@pytest.mark.parametrize("name", NOT_SHARING)
def test_where_layers_do_not_see_all_before_them_nothing_is_shared(name):
    model = random_model(CONFIGS[name]())
    prepare_loaded(model)
    assert not can_share_rows(Base(model, None, name, ""), 60)


def test_a_model_that_drops_the_mask_on_the_way_is_found_out(base, monkeypatch):
    assert can_share_rows(base, 60)
    decoder = type(base.decoder)
    real = decoder.forward
    monkeypatch.setattr(
        decoder, "forward", lambda self, **given: real(self, **{**given, "attention_mask": None})
    )
    assert not can_share_rows(base, 60)


def test_dropout_is_the_same_in_smaller_passes(base):
    whole, pieces = (gradients(base, len(BEGINNING), splits, lora_dropout=0.3)[1] for splits in (1, 3))
    assert largest_difference(whole, pieces) < 1e-5
    assert largest_difference(whole, gradients(base, len(BEGINNING))[1]) > 1e-3


def test_a_cohort_of_adapters_with_other_beginnings_equals_each_alone(base, training, tmp_path):
    training = training.model_copy(update={"lora_dropout": 0.05, "num_train_epochs": 1})
    longer = [TrainingRow((*BEGINNING, 50, *one.input_ids[12:]), one.loss_from + 1) for one in beginning_alike(9, 4)]  # fmt: skip
    tasks = [
        Task("alike", beginning_alike(13, 1), 1),
        Task("longer", longer, 2),
        Task("alike too", beginning_alike(18, 3), 3),
    ]
    assert [shared_tokens(task.rows) for task in tasks] == [12, 13, 12]
    together = trained(base, training, tasks, tmp_path / "together", Pace(cohort="stacked"))
    for task, one in zip(tasks, together, strict=True):
        store = tmp_path / task.name
        assert largest_difference([one], trained(base, training, [task], store, Pace())) <= 1e-5


def test_tokens_are_read_where_they_were():
    data = beginning_alike(6, 0)
    alone, together = plain_rows(data), shared_rows(data, 12, 3)
    assert torch.equal(alone.targets, together.targets)
    for one in (alone, together):
        assert [len(set(places)) for places in one.places.tolist()] == [one.places.shape[1]] * len(one.places)
    assert torch.equal(alone.ids.flatten()[alone.where], together.ids.flatten()[together.where])
    assert together.ids.shape[0] == 2 and together.positions[0, -1] == alone.ids.shape[1] - 1


def test_what_carries_loss_is_never_shared():
    same = (*BEGINNING, 7, 8)
    assert shared_tokens([TrainingRow(same, 13), TrainingRow(same, 13)]) == 12
    assert shared_tokens([TrainingRow(same, 10), TrainingRow(same, 13)]) == 9
    assert shared_tokens([TrainingRow(same, 1), TrainingRow(same, 1)]) == 0, "posts carry loss everywhere"
    assert shared_tokens([TrainingRow((1, 2, 3, 4), 3), TrainingRow((1, 2, 3, 5), 3)]) == 0, "too few to pay"


def test_recomputed_layers_share_nothing(base, training, tmp_path, monkeypatch):
    from stimmung.engine.cohort import train as trainer

    seen = []
    monkeypatch.setattr(trainer, "shared_tokens", lambda rows: seen.append(len(rows)) or 0)
    for recompute in (True, False):
        own = training.model_copy(
            update={"gradient_checkpointing": recompute, "num_train_epochs": None, "max_steps": 1}
        )
        task = Task("one", beginning_alike(5, 0), 0)
        train_adapters(base, own, [task], Store(tmp_path / str(recompute)), pace=Pace())
    assert len(seen) == 1
