import json
from dataclasses import replace

import pytest
import torch

from stimmung.engine.cohort import early_stopping as stopping
from stimmung.engine.cohort.adapter_files import load_adapter
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.forward_backward import loss_per_token
from stimmung.engine.cohort.lora import attached
from stimmung.engine.cohort.slices import Slice
from stimmung.engine.cohort.train import train_adapters
from stimmung.engine.cohort.training_config import Task, adapter_keys, held_out_rows
from stimmung.store.paths import RECORD, WEIGHTS, Store
from stimmung.vocabulary.errors import InputError, Interrupted
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.training import EarlyStopping
from tests.unit.engine.conftest import rows

STACKED, ALONE = Pace(cohort="stacked"), Pace(cohort="sequential")


@pytest.fixture
def stopping_training(training):
    """Answers of the rows are random, so that what is learned from some soon harms others."""
    rule = EarlyStopping(share=0.2, eval_steps=2, patience=2)
    return training.model_copy(
        update={"early_stopping": rule, "learning_rate": 2e-2, "lr_scheduler_type": "constant"}
    )


def trained(base, training, tasks, folder, pace, **options):
    store = Store(folder)
    keys = train_adapters(base, training, tasks, store, pace=pace, **options)
    records = [json.loads((store.adapter(key) / RECORD).read_text()) for key in keys]
    return [load_adapter(store.adapter(key)).weights for key in keys], records


def largest_difference(first, second):
    return max(
        (one[n] - two[n]).abs().max().item() for one, two in zip(first, second, strict=True) for n in one
    )


def test_an_adapter_leaves_its_cohort_as_it_would_stop_alone(base, stopping_training, tasks, tmp_path):
    together, records = trained(base, stopping_training, tasks, tmp_path / "together", STACKED)
    alone = [trained(base, stopping_training, [task], tmp_path / task.name, ALONE) for task in tasks]
    assert len({record["steps"] for record in records}) > 1, "one must leave while others go on"
    assert [one["steps"] for one in records] == [found[0]["steps"] for _, found in alone]
    assert largest_difference(together, [weights for (weights,), _ in alone]) <= 1e-5
    ways = {record["early_stopping"]["stopped"] is None for record in records}
    assert ways == {True, False}, "one does all its steps"


def test_its_weights_are_those_after_the_step_with_the_lowest_loss(base, stopping_training, tasks, tmp_path):
    (stopped,), (record,) = trained(base, stopping_training, tasks[:1], tmp_path / "a", ALONE)
    about = record["early_stopping"]
    assert about["best_step"] == 2 < record["steps"] == 6 < about["planned_steps"]
    short = stopping_training.model_copy(update={"num_train_epochs": None, "max_steps": about["best_step"]})
    short = short.model_copy(update={"warmup_ratio": 0.0})
    longer = stopping_training.model_copy(update={"warmup_ratio": 0.0})
    (until_then,), _ = trained(base, short, tasks[:1], tmp_path / "b", ALONE)
    (as_long,), (again,) = trained(base, longer, tasks[:1], tmp_path / "c", ALONE)
    assert again["early_stopping"]["best_step"] == 2
    assert largest_difference([until_then], [as_long]) == 0
    assert largest_difference([stopped], [as_long]) > 1e-3, "the warm-up changes the steps"


def test_the_loss_is_the_weighted_mean_over_the_held_out_tokens_without_dropout(
    base, stopping_training, tasks, tmp_path
):
    many = TrainingRow(tasks[0].rows[0].input_ids, 2, 0.5)  # rows with more tokens that carry loss count more
    task = replace(tasks[0], rows=[many, *tasks[0].rows[1:], many])
    (found,), (record,) = trained(base, stopping_training, [task], tmp_path, ALONE)
    chosen = [task.rows[row] for row in held_out_rows(task, stopping_training.early_stopping)]
    with attached(base, stopping_training) as cohort, torch.no_grad():
        cohort.add(found)
        cohort.layout.slices = [Slice(adapter=0, start=0, stop=len(chosen))]
        weights = torch.tensor([row.weight for row in chosen for _ in range(row.n_loss_tokens)])
        expected = (weights * loss_per_token(base, chosen)).mean().item()
    about = record["early_stopping"]
    assert min(about["held_out_losses"]) == pytest.approx(expected, abs=1e-5)
    assert len(chosen) == about["held_out_rows"]


def test_stopped_at_any_step_it_goes_on_to_the_same_bytes(base, stopping_training, tasks, tmp_path):
    undisturbed, interrupted = Store(tmp_path / "a"), Store(tmp_path / "b")
    keys = train_adapters(base, stopping_training, tasks, undisturbed, pace=STACKED)
    n_interrupted = 0
    while True:
        asked = iter([False, True])
        try:
            train_adapters(
                base,
                stopping_training,
                tasks,
                interrupted,
                pace=STACKED,
                stop=lambda asked=asked: next(asked),
            )
        except Interrupted:
            n_interrupted += 1
            continue
        break
    assert n_interrupted > 6, "also between the lowest loss and the end"
    for key in keys:
        one, other = (store.adapter(key) for store in (undisturbed, interrupted))
        assert (one / WEIGHTS).read_bytes() == (other / WEIGHTS).read_bytes()
        records = [json.loads((folder / RECORD).read_text())["early_stopping"] for folder in (one, other)]
        assert records[0] == records[1]


def test_memory_that_runs_out_while_measuring_halves_the_cohort_and_loses_no_measurement(
    base, stopping_training, tasks, tmp_path, monkeypatch
):
    undisturbed, _ = trained(base, stopping_training, tasks, tmp_path / "a", STACKED)
    real = stopping.forward_backward

    def short_of_memory(cohort, parts, passes, *, learn):
        if len(parts) > 2:
            raise torch.cuda.OutOfMemoryError
        return real(cohort, parts, passes, learn=learn)

    monkeypatch.setattr(stopping, "forward_backward", short_of_memory)
    found, records = trained(base, stopping_training, tasks, tmp_path / "b", STACKED)
    assert largest_difference(undisturbed, found) <= 1e-5
    assert {record["cohort_size"] for record in records} == {1, 2}


def test_a_held_out_loss_that_is_not_finite_fails_that_adapter(
    base, stopping_training, tasks, tmp_path, monkeypatch
):
    monkeypatch.setattr(stopping, "forward_backward", lambda *_, **__: torch.tensor([float("nan")]))
    for _ in range(2):  # the second time from its checkpoint, or anew
        with pytest.raises(InputError, match="adapter 0: the loss on held-out rows is nan after step 2"):
            train_adapters(base, stopping_training, tasks[:1], Store(tmp_path), pace=ALONE)
    assert not list(tmp_path.glob("adapters/*"))


def test_a_respondent_is_held_out_with_all_rows_or_not_at_all():
    task = Task("a", rows(40, 1), 3, [f"person {row % 10}" for row in range(40)])
    chosen = held_out_rows(task, EarlyStopping(share=0.3))
    owners = {task.respondents[row] for row in chosen}
    assert len(owners) == 3
    assert chosen == [row for row in range(40) if task.respondents[row] in owners]
    assert chosen != held_out_rows(replace(task, seed=4), EarlyStopping(share=0.3))
    doubled = Task("a sample with replacement", rows(6, 1) * 3, 3)
    chosen = held_out_rows(doubled, EarlyStopping(share=0.3))
    assert len(chosen) == 6
    assert len({doubled.rows[row] for row in chosen}) == 2
    options = [TrainingRow((1, 2, group, option), 3, 0.5) for group in range(10) for option in (5, 6)]
    chosen = held_out_rows(Task("distributions", options, 3, distributions=True), EarlyStopping(share=0.3))
    assert len(chosen) == 6 and {row // 2 * 2 for row in chosen} <= set(chosen), "all options of a group"
    posts = [TrainingRow((1, 2, number), 1) for number in range(10)]
    assert len(held_out_rows(Task("posts", posts, 3), EarlyStopping(share=0.3))) == 3
    with pytest.raises(InputError, match="the rows of two respondents at least"):
        held_out_rows(Task("a", rows(1, 0) * 5, 0), EarlyStopping())


def test_whose_rows_they_are_is_part_of_the_key_only_where_it_matters(training, stopping_training):
    plain = Task("a", rows(20, 1), 3)
    owned = replace(plain, respondents=[str(row // 2) for row in range(20)])
    assert len(set(adapter_keys("base", training, [plain, owned]))) == 1
    assert len(set(adapter_keys("base", stopping_training, [plain, owned]))) == 2
    other = stopping_training.model_copy(update={"early_stopping": EarlyStopping(share=0.2, patience=5)})
    assert adapter_keys("base", other, [plain]) != adapter_keys("base", stopping_training, [plain])
