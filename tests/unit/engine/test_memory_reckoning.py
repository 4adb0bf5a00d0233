"""What is reckoned for models and cards that everybody knows; and that the guess of what a layer keeps is near what one keeps."""

from dataclasses import replace

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3MoeConfig, Qwen3MoeForCausalLM

from stimmung.engine.base.base_model import Base, prepare_loaded
from stimmung.engine.base.memory_reckoning import (
    GB,
    ModelSizes,
    Plan,
    adapter_bytes,
    check_fits,
    cpu_plan,
    pass_bytes,
    plan,
)
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.forward_backward import Part, forward_backward
from stimmung.engine.cohort.lora import attached, initial_weights
from stimmung.engine.cohort.memory_plan import sizes_of
from stimmung.engine.cohort.optimizer_state import allocate_state, optimizer_tensors
from stimmung.engine.cohort.training_config import make_optimizer
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.training import Training

# Layers, hidden and intermediate features, features of keys, vocabulary: Llama 3's.
SHAPES = {
    "1B": (16, 2048, 8192, 512, 128256),
    "3B": (28, 3072, 8192, 1024, 128256),
    "8B": (32, 4096, 14336, 1024, 128256),
    "70B": (80, 8192, 28672, 1024, 128256),
}
# What CUDA leaves of them, in GB.
CARDS = {"H200": 149, "H100": 83.5, "A100": 41.5, "L4": 23.2}
BYTES_PER_PACKED = 0.516  # NF4 with double quantisation


def llama(name, rank):
    n_layers, hidden, intermediate, keys, vocabulary = SHAPES[name]
    linear = 2 * hidden * (hidden + keys) + 3 * hidden * intermediate
    features = 4 * hidden + 2 * (hidden + keys) + 3 * (hidden + intermediate)
    packed = round(n_layers * linear * BYTES_PER_PACKED)
    return ModelSizes(
        n_layers=n_layers,
        hidden=hidden,
        intermediate=intermediate,
        vocabulary=vocabulary,
        itemsize=2,
        base_bytes=packed + 2 * 2 * vocabulary * hidden,
        four_bit=True,
        held_bytes=2 * n_layers * linear - packed,
        adapter_weights=n_layers * rank * features,
    )


def planned(name, rank, card, *, batch=1, n_adapters=5, longest=220, at_once=None, shared=0, **settings):
    sizes = llama(name, rank)
    training = Training(r=rank, per_device_train_batch_size=batch, **settings)
    return plan(
        sizes,
        training,
        round(CARDS[card] * GB) - sizes.base_bytes,
        n_adapters=n_adapters,
        longest=longest,
        loss_tokens=4,
        at_once=at_once,
        shared=shared,
    )


@pytest.mark.parametrize(("name", "weights_millions"), [("1B", 180), ("3B", 389), ("8B", 671), ("70B", 3314)])
def test_the_weights_of_an_adapter_of_rank_256(name, weights_millions):
    assert round(llama(name, 256).adapter_weights / 1e6) == weights_millions


# Survey prompts of 220 tokens, five folds, batch 1: adapters at once, passes, whether the base is held.
@pytest.mark.parametrize(
    ("name", "rank", "card", "expected"),
    [
        ("1B", 16, "L4", Plan(5, 1, True)),
        ("1B", 256, "L4", Plan(5, 1, False)),
        ("1B", 256, "A100", Plan(5, 1, True)),
        ("3B", 16, "L4", Plan(5, 1, True)),
        ("3B", 256, "L4", Plan(2, 1, False)),
        ("3B", 256, "A100", Plan(3, 1, True)),
        ("3B", 256, "H100", Plan(5, 1, True)),
        ("8B", 16, "L4", Plan(5, 1, False)),
        ("8B", 16, "A100", Plan(5, 1, True)),
        ("8B", 256, "L4", Plan(1, 1, False)),
        ("8B", 256, "A100", Plan(2, 1, False)),
        ("8B", 256, "H100", Plan(5, 1, False)),
        ("8B", 256, "H200", Plan(5, 1, True)),
        ("70B", 16, "H100", Plan(3, 1, False)),
        ("70B", 16, "H200", Plan(5, 1, False)),
        ("70B", 256, "H200", Plan(1, 1, False)),
    ],
)
def test_five_folds_at_batch_1(name, rank, card, expected):
    assert planned(name, rank, card) == expected


# Posts of 1,024 tokens, batch 8: the pass decides.
@pytest.mark.parametrize(
    ("name", "rank", "card", "expected"),
    [
        ("1B", 16, "H200", Plan(5, 1, True)),
        ("1B", 16, "H100", Plan(5, 1, False)),
        ("8B", 16, "H200", Plan(2, 1, True)),
        ("8B", 16, "H100", Plan(5, 4, False)),
        ("8B", 16, "A100", Plan(1, 2, False)),
        ("8B", 16, "L4", Plan(1, 4, False)),
        ("8B", 256, "L4", Plan(1, 8, False)),
    ],
)
def test_long_rows_in_batches_of_8(name, rank, card, expected):
    assert planned(name, rank, card, batch=8, longest=1024) == expected


def test_more_memory_never_means_fewer_rows_in_a_pass():
    sizes, training = llama("8B", 64), Training(r=64, per_device_train_batch_size=4)
    rows = []
    for free_gb in range(5, 150, 5):
        found = plan(sizes, training, free_gb * GB, n_adapters=12, longest=500, loss_tokens=4)
        rows.append(found.adapters_at_once * -(-4 // found.passes))
    assert rows == sorted(rows) and rows[0] == 1 and rows[-1] > 16


def test_parts_have_equal_size():
    sizes, training = llama("1B", 256), Training(r=256, per_device_train_batch_size=1)
    room_for_eight = 8 * adapter_bytes(sizes, training) + 8 * GB
    found = plan(sizes, training, room_for_eight, n_adapters=10, longest=100, loss_tokens=1)
    assert found.adapters_at_once == 5, "rather than 8 and 2"


def test_a_number_of_the_user_s_is_taken_as_it_is():
    assert planned("8B", 256, "L4", at_once=3).adapters_at_once == 3
    assert planned("1B", 16, "H200", n_adapters=3, at_once=8).adapters_at_once == 3


def test_gradient_checkpointing_and_moments_of_8_bits_make_room():
    assert planned("8B", 16, "L4", batch=8, longest=1024, gradient_checkpointing=True).passes == 1
    assert planned("8B", 256, "A100", optim="paged_adamw_8bit").adapters_at_once == 3


@pytest.mark.parametrize(
    ("name", "rank", "card", "needed", "hint"),
    [
        ("70B", 16, "L4", "42.8", "Use a smaller model or a GPU with more memory."),
        (
            "70B",
            16,
            "A100",
            "42.8",
            "Set `optim: paged_adamw_8bit` or `r: 8`, or use a GPU with more memory.",
        ),
        (
            "70B",
            256,
            "H100",
            "92.5",
            "Set `optim: paged_adamw_8bit` or `r: 128`, or use a GPU with more memory.",
        ),
    ],
)
def test_what_cannot_fit_is_refused_with_what_would(name, rank, card, needed, hint):
    with pytest.raises(InputError) as error:
        check_fits("llama", llama(name, rank), Training(r=rank), round(CARDS[card] * GB))
    assert error.value.what == (
        f"llama: base and one adapter of rank {rank} need at least {needed} GB of GPU memory, of which"
        f" {CARDS[card]:.1f} GB are free"
    )
    assert error.value.hint == hint


def test_a_base_without_4_bits_is_told_of_them():
    sizes = replace(llama("8B", 16), base_bytes=16 * GB, four_bit=False)
    with pytest.raises(InputError) as error:
        check_fits("llama", sizes, Training(), 12 * GB)
    assert error.value.hint.startswith("Set `quantization: nf4`")


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("rank", [16, 256])
@pytest.mark.parametrize("card", CARDS)
def test_nothing_is_refused_that_is_planned(name, rank, card):
    """The check counts what is certain only: what the reckoning finds room for, it lets through."""
    sizes, training = llama(name, rank), Training(r=rank)
    free = round(CARDS[card] * GB)
    roomy = free - sizes.base_bytes - adapter_bytes(sizes, training) - pass_bytes(sizes, training, 1, 220, 4)
    if roomy > 0:
        check_fits("llama", sizes, training, free)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_what_a_layer_keeps_is_near_what_is_reckoned(dtype):
    training, n_tokens = Training(r=4), 64
    assert 0.8 < reckoned_share(small_llama, dtype, training, n_tokens) < 1.35


def test_what_adapters_of_experts_keep_is_near_what_is_reckoned():
    training = Training(r=4, target_parameters="all-experts")
    assert 0.8 < reckoned_share(small_mixture, torch.bfloat16, training, 64) < 1.1


def reckoned_share(model_of, dtype, training, n_tokens):
    """Return the bytes that are reckoned for two layers, divided by those that the backward pass keeps of them."""
    kept = [kept_bytes(model_of(n_layers, dtype), training, n_tokens) for n_layers in (1, 3)]
    sizes = [sizes_of(model_of(n_layers, dtype), training, 0) for n_layers in (1, 3)]
    one, three = (pass_bytes(one, training, 1, n_tokens, 1) for one in sizes)
    return (three - one) / (kept[1] - kept[0])


def small_llama(n_layers, dtype):
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=128,
        hidden_size=256,
        intermediate_size=896,
        num_hidden_layers=n_layers,
        num_attention_heads=4,
        num_key_value_heads=1,
        dtype=dtype,
    )
    model = LlamaForCausalLM(config).to(dtype)
    prepare_loaded(model)
    return model


def small_mixture(n_layers, dtype):
    torch.manual_seed(0)
    config = Qwen3MoeConfig(
        vocab_size=128,
        hidden_size=256,
        moe_intermediate_size=192,
        num_hidden_layers=n_layers,
        num_attention_heads=4,
        num_key_value_heads=1,
        num_experts=8,
        num_experts_per_tok=4,
        dtype=dtype,
    )
    model = Qwen3MoeForCausalLM(config).to(dtype)
    prepare_loaded(model)
    return model


def kept_bytes(model, training, n_tokens):
    """Return the bytes that the backward pass keeps of activations, each storage counted once."""
    base, kept = Base(model, None, "a-base", "digest"), {}
    with attached(base, training) as cohort:
        cohort.add(initial_weights(cohort, 0))
        weights = {one.untyped_storage().data_ptr() for one in base.model.parameters()}

        def keep(tensor):
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in weights:
                kept[storage.data_ptr()] = storage
            return tensor

        row = TrainingRow(tuple(range(2, 3 + n_tokens)), n_tokens)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            forward_backward(cohort, [Part(0, [row], 1, 0)], 1)
    return sum(storage.nbytes() for storage in kept.values())


@pytest.mark.parametrize("optim", ["adamw_torch", "paged_adamw_8bit"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_what_an_adapter_takes_is_its_weights_gradients_moments_and_copies(optim, dtype):
    """Each storage counted once: gradients are one buffer for all adapters, of which each has views."""
    training, n_adapters = Training(r=256, optim=optim), 2
    base = Base(small_llama(1, dtype), None, "a-base", "digest")
    expected = n_adapters * adapter_bytes(sizes_of(base.model, training, 0), training)
    with attached(base, training) as cohort:
        for seed in range(n_adapters):
            cohort.add(initial_weights(cohort, seed))
        cohort.allocate_gradients()
        held = [one for layer in cohort.layers.values() for one in layer.matrices.values()]
        n_weights = sum(one.numel() for one in held)
        held += [one.grad for one in held]
        for adapter in range(n_adapters):
            optimizer = make_optimizer(training, list(cohort.parameters_of(adapter).values()))
            allocate_state(optimizer)
            held += optimizer_tensors(optimizer).values()
    copies = (
        n_weights * dtype.itemsize if dtype == torch.bfloat16 else 0
    )  # made in a pass, kept for its way back
    storages = {one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() for one in held}
    assert (sum(storages.values()) + copies) / expected == pytest.approx(1, abs=0.01)


def test_a_beginning_that_rows_share_leaves_room_for_more_of_them():
    """As 20 adapters of an imputation at batch 8, whose prompts share 160 of 220 tokens: 640 of 1,760 tokens are read."""
    found = [planned("8B", 16, "L4", batch=8, n_adapters=20, shared=shared) for shared in (0, 160)]
    assert [one.adapters_at_once for one in found] == [1, 3]
    sizes, training = llama("8B", 16), Training(r=16)
    one_by_one = pass_bytes(sizes, training, 8, 220, 4)
    assert pass_bytes(sizes, training, 8, 220, 4, spared=7 * 160) < 0.4 * one_by_one


@pytest.mark.parametrize(("longest", "loss_tokens", "at_once"), [(20, 2, 8), (128, 127, 2), (1024, 1023, 1)])
def test_a_cpu_has_no_more_adapters_in_memory_than_other_jobs_leave_room_for(longest, loss_tokens, at_once):
    """SmolLM2-135M in float32: short prompts; blocks of posts, of which eight adapters took 9 GB; and long ones."""
    sizes = ModelSizes(30, 576, 1536, 49152, 4, 538_000_000, False, 0, 4_900_000)
    training = Training(r=16, per_device_train_batch_size=4)
    assert cpu_plan(sizes, training, longest=longest, loss_tokens=loss_tokens) == Plan(at_once)
