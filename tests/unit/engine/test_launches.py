"""How many kernels an optimizer step starts: on a GPU each costs some 10 µs of the CPU, which bounds what a cohort can gain."""

from collections import Counter

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import LlamaConfig, LlamaForCausalLM

from stimmung.engine.base import attention, norms
from stimmung.engine.base.base_model import Base, prepare_loaded
from stimmung.engine.cohort import dropout, lora
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.checkpoint import Progress
from stimmung.engine.cohort.lora import attached, initial_weights
from stimmung.engine.cohort.optimizer_state import allocate_state
from stimmung.engine.cohort.optimizer_step import Run, do_step
from stimmung.engine.cohort.training_config import Task, make_optimizer
from stimmung.vocabulary.training import Training

LAYERS = 32  # of Llama-3-8B
# An estimate: kernels of an adapter's fused AdamW and of its norm, here one operation each; 448 matrices go by some thirty.
OPTIMIZER = 30
NO_KERNEL = {
    "empty", "empty_like", "new_empty", "empty_strided", "detach", "_unsafe_view", "lift_fresh", "scalar_tensor",
    "_local_scalar_dense",
}  # fmt: skip


class Launches(TorchDispatchMode):
    """Counts operations that would start a kernel: no views, and nothing that only allocates."""

    def __init__(self):
        super().__init__()
        self.counts = Counter()

    def __torch_dispatch__(self, operation, types, arguments=(), options=None):
        name = operation.overloadpacket.__name__
        if not operation.is_view and name not in NO_KERNEL:
            self.counts[name] += 1
        return operation(*arguments, **(options or {}))


def launches(n_adapters, n_layers):
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=320, hidden_size=64, intermediate_size=128, num_hidden_layers=n_layers, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, dtype=torch.bfloat16,
    )  # fmt: skip
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    prepare_loaded(model)
    base = Base(model, None, "", "")
    training = Training(
        r=4, lora_dropout=0.05, num_train_epochs=None, max_steps=3, per_device_train_batch_size=1
    )
    with attached(base, training) as cohort:
        task = Task("", [TrainingRow(tuple(range(20, 60)), 38)], 0)
        adapters = [cohort.add(initial_weights(cohort, seed)) for seed in range(n_adapters)]
        runs = [Run(task, adapter, [[[0]]] * 3, Progress(str(adapter))) for adapter in adapters]
        cohort.allocate_gradients()
        for run in runs:
            run.optimizer = make_optimizer(training, list(cohort.parameters_of(run.adapter).values()))
            allocate_state(run.optimizer)
        do_step(cohort, training, runs)
        with Launches() as counted:
            do_step(cohort, training, runs)
    return sum(counted.counts.values())


@pytest.fixture
def as_on_cuda(monkeypatch):
    """Attention and a norm are one kernel there, and so is dropout by hashing, which is played here by one that drops nothing."""
    monkeypatch.setattr(attention, "_pays", lambda *_: False)
    monkeypatch.setattr(norms, "is_fused", lambda _: True)
    monkeypatch.setattr(norms.functional, "rms_norm", lambda x, *_: -x)  # one kernel forwards, one back
    for module in (dropout, lora):
        monkeypatch.setattr(module, "is_hashed", lambda _: True)
    monkeypatch.setattr(dropout, "drop_hashed", lambda x, out, *_: out.copy_(x))


@pytest.mark.usefixtures("as_on_cuda")
@pytest.mark.parametrize(("n_adapters", "most"), [(5, 6300), (1, 6000)])
def test_a_step_of_llama_3_8b_starts_few_kernels(n_adapters, most):
    two, three = (launches(n_adapters, n_layers) for n_layers in (2, 3))
    found = two + (LAYERS - 2) * (three - two) + OPTIMIZER * n_adapters
    assert 5000 < found <= most
