"""A CUDA device whose memory holds fewer adapters than the config says; played here by a pass that raises CUDA's error."""

from collections import Counter
from types import SimpleNamespace

import pytest
import torch
from safetensors import safe_open

from stimmung.engine.cohort import optimizer_step as steps
from stimmung.engine.cohort import train as trainer
from stimmung.engine.cohort.batching import plan_steps
from stimmung.engine.cohort.train import train_adapters
from stimmung.store.paths import Store
from stimmung.vocabulary.errors import InputError, Interrupted
from stimmung.vocabulary.pace import Pace
from tests.unit.engine.test_train import largest_difference, records, trained

pytestmark = pytest.mark.slow

STACKED = Pace(cohort="stacked")


@pytest.fixture
def device(monkeypatch):
    """A device that holds ``holds`` adapters from its fifth pass on; it keeps how many were tried, and each adapter's steps."""
    device = SimpleNamespace(holds=2, passes=0, tried=[], done=Counter())
    forward_backward, update = steps.forward_backward, steps._update

    def limited(cohort, parts, splits):
        device.passes += 1
        device.tried.append(cohort.size)
        if cohort.size > device.holds and device.passes > 4:
            raise torch.cuda.OutOfMemoryError
        return forward_backward(cohort, parts, splits)

    def counted(cohort, training, run, loss):
        device.done[run.task.name] += 1
        update(cohort, training, run, loss)

    monkeypatch.setattr(steps, "forward_backward", limited)
    monkeypatch.setattr(steps, "_update", counted)
    return device


def n_steps(training, task):
    lengths = [len(row.input_ids) for row in task.rows]
    plan = plan_steps(
        lengths,
        batch_size=training.per_device_train_batch_size,
        accumulation=training.gradient_accumulation_steps,
        epochs=training.num_train_epochs,
        max_steps=training.max_steps,
        seed=task.seed,
    )
    return len(plan)


def test_fewer_adapters_at_once_give_the_same_adapters_and_do_no_step_twice(
    base, training, tasks, tmp_path, device
):
    device.holds = 3
    undisturbed = trained(base, training, tasks, tmp_path / "a", STACKED)
    device.holds, device.passes, device.done = 2, 0, Counter()
    found = trained(base, training, tasks, tmp_path / "b", STACKED)
    assert largest_difference(undisturbed, found) < 1e-5
    assert device.done == {task.name: n_steps(training, task) for task in tasks}
    assert {record["cohort_size"] for record in records(tmp_path / "b")} == {1, 2}
    assert not list((tmp_path / "b").glob("checkpoints/*"))


def test_a_killed_job_goes_on_with_as_many_adapters_as_it_had_found(base, training, tasks, tmp_path, device):
    device.holds = 1
    store = Store(tmp_path)
    for wanted in (8, 30):
        asked = iter([False] * wanted + [True])
        with pytest.raises(Interrupted):
            train_adapters(base, training, tasks, store, pace=STACKED, stop=lambda asked=asked: next(asked))
        device.tried = []
    keys = train_adapters(base, training, tasks, store, pace=STACKED)
    assert set(device.tried) == {1}, "the memory was found too small once, and once is enough"
    assert device.done == {task.name: n_steps(training, task) for task in tasks}
    assert all(store.has(key) for key in keys) and not list(tmp_path.glob("checkpoints/*"))


@pytest.mark.parametrize(("first", "second"), [(2, 3), (3, 2), (2, 1)])
def test_a_job_goes_on_where_it_was_with_other_memory_free(
    base, training, tasks, tmp_path, device, first, second
):
    """The checkpoints are of the parts that the job took before, whatever is reckoned now."""
    device.holds = 3
    store, asked = Store(tmp_path), iter([False] * 9 + [True])
    with pytest.raises(Interrupted):
        pace = Pace(cohort="stacked", adapters_at_once=first)
        train_adapters(base, training, tasks, store, pace=pace, stop=lambda: next(asked))
    train_adapters(base, training, tasks, store, pace=Pace(cohort="stacked", adapters_at_once=second))
    assert device.done == {task.name: n_steps(training, task) for task in tasks}
    assert not list(tmp_path.glob("checkpoints/*"))


def test_a_device_too_small_for_one_adapter_is_told_in_one_line(base, training, tasks, tmp_path, device):
    device.holds = 0
    with pytest.raises(InputError, match=r"adapter 0: one adapter with one row of its batch does not fit"):
        train_adapters(base, training, tasks, Store(tmp_path), pace=STACKED)
    assert not records(tmp_path)


OPTIMIZERS = {
    "adamw_torch": (torch.optim.AdamW, "step"),
    "paged_adamw_8bit": (pytest.importorskip("bitsandbytes").optim.PagedAdamW8bit, "update_step"),
}


def fail_at(monkeypatch, owner, name, call):
    """Let one call of a function run out of memory, the ``call``-th of all; return the count of calls."""
    real, calls = getattr(owner, name), Counter()

    def limited(*arguments, **options):
        calls[name] += 1
        if calls[name] == call:
            raise torch.cuda.OutOfMemoryError
        return real(*arguments, **options)

    monkeypatch.setattr(owner, name, limited)
    return calls


@pytest.mark.parametrize("optim", ["adamw_torch", "paged_adamw_8bit"])
@pytest.mark.parametrize(
    ("where", "call"),
    [("forward", 1), ("forward", 9), ("backward", 6), ("state", 3), ("state", 20), ("step", 1), ("step", 30)],
)
def test_out_of_memory_anywhere_gives_the_adapters_of_an_undisturbed_run(
    base, training, tasks, tmp_path, monkeypatch, optim, where, call
):
    training = training.model_copy(update={"optim": optim})
    undisturbed = trained(base, training, tasks, tmp_path / "a", STACKED)
    optimizer, step = OPTIMIZERS[optim]
    owner, name = {
        "forward": (steps, "forward_backward"),
        "backward": (torch.Tensor, "backward"),
        "state": (torch, "zeros_like"),
        "step": (optimizer, step),
    }[where]
    if (where, optim) == ("state", "paged_adamw_8bit"):
        owner, name = optimizer, "get_state_buffer"
    with monkeypatch.context() as patch:
        calls = fail_at(patch, owner, name, call)
        found = trained(base, training, tasks, tmp_path / "b", STACKED)
        assert calls[name] > call, "the error was never raised, or nothing went on after it"
    assert largest_difference(undisturbed, found) < 1e-6
    assert not list((tmp_path / "b").glob("checkpoints/*"))


def test_a_checkpoint_holds_no_more_than_the_unfinished_adapters_need(
    base, training, tasks, tmp_path, monkeypatch
):
    sizes = []
    save = trainer.checkpoints.save_checkpoint

    def measured(path, adapters):
        save(path, adapters)
        with safe_open(path, framework="pt") as file:
            kinds = Counter(key.split("/")[0] + key.split("/")[1] for key in file.keys())  # noqa: SIM118
        sizes.append(
            (
                sum(
                    one.progress.step < n_steps(training, task)
                    for one, task in zip(adapters, tasks, strict=True)
                ),
                kinds,
            )
        )

    monkeypatch.setattr(trainer.checkpoints, "save_checkpoint", measured)
    trained(base, training, tasks, tmp_path, STACKED)
    # Three adapters that end at three steps: two checkpoints, for who goes on; the last adapter needs none.
    assert [unfinished for unfinished, _ in sizes] == [2, 1]
    for unfinished, kinds in sizes:
        assert sum(kind.endswith("optimizer") for kind in kinds) == unfinished
        assert sum(kind.endswith("weights") for kind in kinds) == unfinished + 1, (
            "one is about to be published"
        )
