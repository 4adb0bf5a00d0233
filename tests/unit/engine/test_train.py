import json
import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import get_linear_schedule_with_warmup

from stimmung.engine.base.base_model import Base
from stimmung.engine.cohort import optimizer_step as steps
from stimmung.engine.cohort import train as trainer
from stimmung.engine.cohort.adapter_files import load_adapter
from stimmung.engine.cohort.batching import TrainingRow, plan_steps
from stimmung.engine.cohort.forward_backward import Part, forward_backward
from stimmung.engine.cohort.lora import attached, initial_weights
from stimmung.engine.cohort.slices import Slice
from stimmung.engine.cohort.train import choose_mode, train_adapters
from stimmung.engine.cohort.training_config import Task
from stimmung.store.paths import RECORD, WEIGHTS, Store
from stimmung.vocabulary.errors import InputError, Interrupted
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.training import Lora
from tests.unit.engine.conftest import random_llama, rows

STACKED, ALONE = Pace(cohort="stacked"), Pace(cohort="sequential")


def trained(base, training, tasks, folder, pace, **options):
    store = Store(folder)
    keys = train_adapters(base, training, tasks, store, pace=pace, **options)
    return [load_adapter(store.adapter(key)).weights for key in keys]


def largest_difference(first, second):
    return max(
        (one[name] - other[name]).abs().max().item()
        for one, other in zip(first, second, strict=True)
        for name in one
    )


def records(folder):
    return [json.loads(path.read_text()) for path in sorted(folder.glob(f"adapters/*/{RECORD}"))]


def test_adapters_of_a_cohort_equal_those_trained_alone(base, training, tasks, tmp_path):
    # One adapter's rows have weights, beside others whose rows have none.
    tasks = [weighted(tasks[0]), *tasks[1:]]
    together = trained(base, training, tasks, tmp_path / "together", STACKED)
    alone = [trained(base, training, [task], tmp_path / task.name, ALONE)[0] for task in tasks]
    assert len({record["steps"] for record in records(tmp_path / "together")}) == 3, (
        "all must end at another step"
    )
    assert max(record["steps"] for record in records(tmp_path / "together")) >= 30
    assert largest_difference(together, alone) <= 1e-5


def weighted(task):
    """Rows of a design: some count much more than others."""
    weights = np.random.default_rng(task.seed).lognormal(0, 1, len(task.rows))
    return replace(
        task, rows=[replace(row, weight=float(w)) for row, w in zip(task.rows, weights, strict=True)]
    )


@pytest.mark.parametrize("with_weights", [False, True])
def test_an_adapter_equals_plain_peft_with_torch_adamw(base, training, tasks, tmp_path, with_weights):
    training = training.model_copy(
        update={"lora_dropout": 0.0, "max_grad_norm": 0.5, "gradient_accumulation_steps": 2}
    )
    task = weighted(tasks[0]) if with_weights else tasks[0]
    ours = trained(base, training, [task], tmp_path, ALONE)[0]
    with attached(base, training) as cohort:
        start = initial_weights(cohort, task.seed)
    theirs = _plain_peft(training, task, start)
    assert max((ours[name] - theirs[name]).abs().max().item() for name in ours) <= 1e-5
    assert max((ours[name] - start[name]).abs().max().item() for name in ours) > 1e-3, "nothing was learned"


def _plain_peft(training, task, start):
    """The same training with PEFT's layers, full logits, an attention mask and transformers' schedule."""
    lora = LoraConfig(
        r=training.r, lora_alpha=training.lora_alpha, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    model = get_peft_model(random_llama(), lora)
    named = {
        name.removeprefix("base_model.model.").replace(".default.weight", ""): parameter
        for name, parameter in model.named_parameters()
        if "lora_" in name
    }
    for name, parameter in named.items():
        parameter.data.copy_(start[name])
    plan = plan_steps(
        [len(row.input_ids) for row in task.rows],
        batch_size=training.per_device_train_batch_size,
        accumulation=training.gradient_accumulation_steps,
        epochs=training.num_train_epochs,
        max_steps=None,
        seed=task.seed,
    )
    optimizer = torch.optim.AdamW(named.values(), lr=training.learning_rate, weight_decay=0.0)
    schedule = get_linear_schedule_with_warmup(
        optimizer, int(np.ceil(training.warmup_ratio * len(plan))), len(plan)
    )
    for step in plan:
        chosen = [task.rows[row] for batch in step for row in batch]
        total = sum(row.n_loss_tokens for row in chosen)
        for row in chosen:
            ids = torch.tensor([row.input_ids])
            labels = ids.clone()
            labels[:, : row.loss_from] = -100
            loss = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels).loss
            (loss * row.weight * row.n_loss_tokens / total).backward()
        torch.nn.utils.clip_grad_norm_(named.values(), training.max_grad_norm)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return {name: parameter.detach() for name, parameter in named.items()}


def test_plain_peft_loads_an_adapter_and_gives_the_same_logits(base, training, tasks, tmp_path):
    store = Store(tmp_path)
    key = train_adapters(base, training, tasks[:1], store, pace=ALONE)[0]
    ids = torch.tensor([[5, 6, 7, 8, 9]])
    with attached(base, training) as cohort, torch.no_grad():
        cohort.add(load_adapter(store.adapter(key)).weights)
        cohort.layout.slices = [Slice(adapter=0, start=0, stop=1)]
        ours = base.model(ids).logits
    theirs = PeftModel.from_pretrained(random_llama(), store.adapter(key)).eval()(ids).logits
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert not torch.allclose(theirs, random_llama()(ids).logits, atol=1e-2)


def test_rank_stabilised_scale_is_pefts():
    assert Lora(r=16, lora_alpha=8, use_rslora=True).scale == 2.0
    assert Lora(r=16, lora_alpha=8).scale == 0.5


def test_the_base_is_as_it_was_after_training(base, training, tasks, tmp_path):
    before = {name: tensor.clone() for name, tensor in base.model.state_dict().items()}
    trained(base, training, tasks, tmp_path, STACKED)
    after = base.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_smaller_passes_give_the_same_gradients(base, training):
    data = rows(6, 9)
    gradients = []
    for splits in (1, 3):
        with attached(base, training) as cohort:
            weights = {name: torch.randn(tensor.shape, generator=torch.Generator().manual_seed(1)) * 0.05
                       for name, tensor in initial_weights(cohort, 0).items()}  # fmt: skip
            for _ in range(2):
                cohort.add(weights)
            parts = [
                Part(adapter, data, sum(row.n_loss_tokens for row in data), 7 + adapter)
                for adapter in range(2)
            ]
            forward_backward(cohort, parts, splits)
            gradients.append({name: parameter.grad for name, parameter in cohort.parameters_of(1).items()})
    assert max((gradients[0][name] - gradients[1][name]).abs().max().item() for name in gradients[0]) < 1e-5


def test_out_of_memory_repeats_the_step_in_smaller_passes(base, training, tasks, tmp_path, monkeypatch):
    undisturbed = trained(base, training, tasks, tmp_path / "a", STACKED)
    real = steps.forward_backward

    def short_of_memory(cohort, parts, splits):
        losses = real(cohort, parts, splits)
        if splits == 1:
            raise torch.cuda.OutOfMemoryError
        return losses

    monkeypatch.setattr(steps, "forward_backward", short_of_memory)
    assert largest_difference(undisturbed, trained(base, training, tasks, tmp_path / "b", STACKED)) < 1e-5
    assert {record["passes_per_batch"] for record in records(tmp_path / "b")} == {2}


def test_recomputed_activations_change_nothing(base, training, tasks, tmp_path):
    kept = trained(base, training, tasks, tmp_path / "a", STACKED)
    recomputed = trained(
        base, training.model_copy(update={"gradient_checkpointing": True}), tasks, tmp_path / "b", STACKED
    )
    assert largest_difference(kept, recomputed) < 1e-5


@pytest.mark.slow
def test_the_8_bit_optimizer_learns_and_is_not_the_32_bit_one(base, training, tasks, tmp_path):
    training = training.model_copy(update={"r": 64, "num_train_epochs": 4})
    full = trained(base, training, tasks, tmp_path / "32", ALONE)
    small = trained(
        base, training.model_copy(update={"optim": "paged_adamw_8bit"}), tasks, tmp_path / "8", ALONE
    )
    assert 0 < largest_difference(full, small) < 0.05
    for one in records(tmp_path / "8"):
        assert one["losses"][-1] < one["losses"][0]


def test_a_finished_adapter_is_never_trained_again(base, training, tasks, tmp_path, monkeypatch):
    trained(base, training, tasks[:2], tmp_path, STACKED)
    seen = []
    real = trainer.do_step

    def watched(cohort, training, runs):
        seen.extend(run.task.name for run in runs)
        real(cohort, training, runs)

    monkeypatch.setattr(trainer, "do_step", watched)
    trained(base, training, tasks, tmp_path, STACKED)
    assert set(seen) == {tasks[2].name}


@pytest.mark.parametrize("change", [{"seed": 5}, {"rows": rows(40, 99)}])
def test_other_data_or_another_seed_is_another_adapter(base, training, tasks, tmp_path, change):
    trained(base, training, tasks[:1], tmp_path, ALONE)
    trained(base, training, [replace(tasks[0], **change)], tmp_path, ALONE)
    assert len(records(tmp_path)) == 2


def test_a_loss_that_is_not_finite_stops_that_adapter_and_leaves_the_others(
    base, training, tasks, tmp_path, monkeypatch
):
    undisturbed = trained(base, training, [tasks[0], tasks[2]], tmp_path / "a", STACKED)
    real = trainer.initial_weights

    def poisoned(cohort, seed):
        weights = real(cohort, seed)
        if seed == tasks[1].seed:
            next(iter(weights.values()))[0, 0] = float("nan")
        return weights

    monkeypatch.setattr(trainer, "initial_weights", poisoned)
    with pytest.raises(InputError, match=r"adapter 1: the loss is nan at step 1"):
        trained(base, training, tasks, tmp_path / "b", STACKED)
    assert sorted(record["name"] for record in records(tmp_path / "b")) == ["adapter 0", "adapter 2"]
    survivors = trained(base, training, [tasks[0], tasks[2]], tmp_path / "b", STACKED)
    assert largest_difference(undisturbed, survivors) < 1e-5


def test_a_prompt_longer_than_the_context_is_refused(base, training, tasks, tmp_path):
    long = replace(tasks[0], rows=rows(1, 0, 300, 301))
    with pytest.raises(InputError, match="300 tokens does not fit the model's context of 256"):
        trained(base, training, [long], tmp_path, ALONE)
    assert not records(tmp_path)


@pytest.mark.parametrize("optim", ["adamw_torch", "paged_adamw_8bit"])
def test_stopping_saves_a_checkpoint_and_the_next_run_goes_on(base, training, tasks, tmp_path, optim):
    # Of rank 64, so that the matrices have the 4,096 entries from which bitsandbytes takes 8 bits.
    training = training.model_copy(update={"optim": optim, "r": 64})
    undisturbed = Store(tmp_path / "a")
    keys = train_adapters(base, training, tasks, undisturbed, pace=STACKED)
    interrupted = Store(tmp_path / "b")
    for _ in range(100):
        asked = iter([False] * 3 + [True])
        try:
            train_adapters(
                base, training, tasks, interrupted, pace=STACKED, stop=lambda asked=asked: next(asked)
            )
        except Interrupted:
            continue
        break
    assert [(interrupted.adapter(key) / WEIGHTS).read_bytes() for key in keys] == [
        (undisturbed.adapter(key) / WEIGHTS).read_bytes() for key in keys
    ]
    assert not list((tmp_path / "b").glob("checkpoints/*")), "a finished cohort leaves no checkpoint"


def test_tasks_that_make_the_same_adapter_are_trained_once_however_often_stopped(
    base, training, tasks, tmp_path
):
    """As conditions do that happen to leave out the same respondents."""
    expected = trained(base, training, tasks[:2], tmp_path / "a", STACKED)
    twins = [tasks[0], replace(tasks[0], name="twin"), tasks[1]]
    for _ in range(100):
        asked = iter([False] * 3 + [True])
        try:
            found = trained(
                base, training, twins, tmp_path / "b", STACKED, stop=lambda asked=asked: next(asked)
            )
        except Interrupted:
            continue
        break
    assert largest_difference([expected[0], expected[0], expected[1]], found) == 0
    assert sorted(record["name"] for record in records(tmp_path / "b")) == ["adapter 0", "adapter 1"]


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_with_the_same_bytes(base, training, tasks, tmp_path):
    store, killed = Store(tmp_path / "a"), Store(tmp_path / "b")
    began = time.monotonic()
    keys = train_adapters(base, training, tasks, store, pace=STACKED)
    duration = time.monotonic() - began
    rng = np.random.default_rng(3)
    kills = 0
    often = Pace(cohort="stacked", checkpoint_minutes=1e-9)
    while kills < 20:
        # A fork has the model and the data already, so the kill can hit any moment of the training itself.
        child = os.fork()
        if child == 0:
            try:
                train_adapters(base, training, tasks, killed, pace=often)
            finally:
                os._exit(0)
        time.sleep(rng.uniform(0.01, 0.3 * duration))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        kills += 1
    assert train_adapters(base, training, tasks, killed, pace=often) == keys
    for key in keys:
        assert (killed.adapter(key) / WEIGHTS).read_bytes() == (store.adapter(key) / WEIGHTS).read_bytes()


def test_every_linear_layer_but_the_head_is_tuned(base):
    with attached(base, Lora()) as cohort:
        assert len(cohort.layers) == 2 * 7
        assert not any("lm_head" in name for name in cohort.layers)


def test_an_unknown_target_module_is_refused(base):
    settings = Lora(target_modules=("q_projection",))
    with pytest.raises(InputError, match="no linear layer 'q_projection'"), attached(base, settings):
        pass


def test_records_say_what_was_trained(base, training, tasks, tmp_path):
    trained(Base(base.model, None, "a-base", "1234"), training, tasks[:1], tmp_path, ALONE)
    record = records(tmp_path)[0]
    assert record["base_digest"] == "1234"
    assert record["steps"] == len(record["losses"]) == 20
    assert record["longest_sequence"] == max(len(row.input_ids) for row in tasks[0].rows)
    assert record["cohort"] == "sequential"


def test_seconds_of_a_record_hold_the_optimizer_too(base, training, tasks, tmp_path, monkeypatch):
    def slowly(self, closure=None):
        del self, closure
        time.sleep(0.05)

    monkeypatch.setattr(torch.optim.AdamW, "step", slowly)
    short = training.model_copy(update={"num_train_epochs": None, "max_steps": 2})
    trained(base, short, tasks[:1], tmp_path, ALONE)
    assert records(tmp_path)[0]["seconds"] >= 0.1


@pytest.mark.parametrize(
    ("batch", "length", "chosen"),
    [(8, 1000, "stacked"), (40, 200, "stacked"), (9, 1000, "sequential"), (50, 200, "sequential")],
)
def test_a_cpu_stacks_batches_of_few_tokens_times_their_width(base, training, batch, length, chosen):
    """2^19 numbers are 8,192 tokens of 64 features."""
    training = training.model_copy(update={"per_device_train_batch_size": batch})
    tasks = [Task(str(seed), [TrainingRow(tuple(range(length)), length - 1)] * 3, seed) for seed in range(2)]
    assert choose_mode(base, training, tasks, "auto") == chosen
    assert choose_mode(base, training, tasks[:1], "auto") == "sequential", "one adapter is no cohort"
    assert {choose_mode(base, training, tasks, wanted) for wanted in ("stacked", "sequential")} == {
        "stacked",
        "sequential",
    }


def test_a_damaged_checkpoint_is_told_and_training_begins_anew(base, training, tasks, tmp_path, caplog):
    store = Store(tmp_path / "a")
    keys = train_adapters(base, training, tasks[:1], store, pace=ALONE)
    damaged = Store(tmp_path / "b")
    damaged.checkpoint(keys).parent.mkdir(parents=True)
    damaged.checkpoint(keys).write_bytes(b"half a file")
    train_adapters(base, training, tasks[:1], damaged, pace=ALONE)
    assert "cannot be read, so training starts over" in caplog.text
    assert (damaged.adapter(keys[0]) / WEIGHTS).read_bytes() == (
        store.adapter(keys[0]) / WEIGHTS
    ).read_bytes()
