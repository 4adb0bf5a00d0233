"""How much of a GPU's memory training takes, reckoned before it is taken: arithmetic on a model's sizes, without torch.

What is a guess until a card has measured it is named so; `benchmarks/gpu_acceptance.py` prints what it measured beside what is
reckoned here. A guess that is too small costs a retry with fewer adapters or a smaller pass, one that is too large costs time.
"""

import math
from dataclasses import dataclass

from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.training import Training

GB = 10**9

# A choice: at most so many float32 logits (tokens x vocabulary, half a GiB) are held at once.
MAX_LOGITS = 2**27

# Bytes of memory for each weight of an adapter in training: weight, gradient and moments, in float32 (4 + 4 + 8) or with moments
# of 8 bits (4 + 4 + 2).
OPTIMIZER_BYTES = {"adamw_torch": 16, "paged_adamw_8bit": 10}
# Of these, what cannot be moved to main memory: paged moments can.
RESIDENT_BYTES = {"adamw_torch": 16, "paged_adamw_8bit": 8}

# What the backward pass of a Llama's layer keeps of each token, in numbers for each hidden or intermediate feature: counted by
# autograd's hooks on a CPU in bfloat16 (tests/unit/engine/test_memory_reckoning.py). A GUESS for other layers, whose norms may keep 2
# numbers more. With one adapter of 8B and rank 256 an H200 took 1 per cent less (BENCHMARKS.md).
KEPT_PER_HIDDEN = 9
KEPT_PER_INTERMEDIATE = 4.25
# GUESSES: bytes of each logit in the loss and its backward pass; the share of free memory that can be used, since blocks do not fit
# exactly; and what CUDA's kernels take for themselves.
BYTES_PER_LOGIT = 16
USABLE_SHARE = 0.94
KERNELS_BYTES = GB

# A choice: with more adapters at once, a pass has enough rows for any card.
MOST_AT_ONCE = 32
# Choices: a CPU's memory is shared with other jobs, and its time gains nothing beyond a few adapters.
CPU_AT_ONCE = 8
CPU_BYTES = 3 * GB


@dataclass(frozen=True)
class ModelSizes:
    """A base model in numbers, and one adapter of it."""

    n_layers: int
    hidden: int
    intermediate: int
    vocabulary: int
    itemsize: int  # bytes of an activation
    base_bytes: int  # as it is loaded
    four_bit: bool
    held_bytes: int  # how much more it takes if its 4-bit weights are held dequantised
    adapter_weights: int
    expert_inputs: int = (
        0  # features that adapters of experts read of a token, in all experts that it visits, in one layer
    )


@dataclass(frozen=True)
class Plan:
    """What is in memory at a time: how many adapters, in how many passes the batch of each, and the base in which form."""

    adapters_at_once: int
    passes: int = 1
    hold_dequantized: bool = False


def adapter_bytes(sizes: ModelSizes, training: Training) -> int:
    """Return the bytes that one adapter takes as long as it is trained; its weights are copied in the type of the activations."""
    copies = sizes.itemsize if sizes.itemsize < 4 else 0
    return sizes.adapter_weights * (OPTIMIZER_BYTES[training.optim] + copies)


def pass_bytes(
    sizes: ModelSizes, training: Training, rows: int, longest: int, loss_tokens: int, *, spared: int = 0
) -> int:
    """Return the bytes that a forward and backward pass takes over ``rows`` rows of ``longest`` tokens, ``loss_tokens`` with loss.

    ``spared`` of all these tokens are not read, since rows of an adapter begin alike.
    """
    kept = KEPT_PER_HIDDEN * sizes.hidden + KEPT_PER_INTERMEDIATE * sizes.intermediate + sizes.expert_inputs
    # Recomputed activations are those of one layer at a time, from each layer's input. Gradients are another layer's.
    of_layers = (
        sizes.n_layers * sizes.hidden + 2 * kept
        if training.gradient_checkpointing
        else (sizes.n_layers + 1) * kept
    )
    logits = min(MAX_LOGITS, rows * loss_tokens * sizes.vocabulary)
    return round((rows * longest - spared) * of_layers * sizes.itemsize) + logits * BYTES_PER_LOGIT


def plan(
    sizes: ModelSizes,
    training: Training,
    free_bytes: int,
    *,
    n_adapters: int,
    longest: int,
    loss_tokens: int,
    at_once: int | None = None,
    shared: int = 0,
) -> Plan:
    """Return what to have in memory, of which ``free_bytes`` are free beside the loaded base.

    ``longest`` is the number of tokens of the longest row, ``loss_tokens`` that of those which carry loss in one row. As many rows
    as fit are in one pass; of equally many, those of fewer adapters, which leave more room. What is left then may hold the base's
    dequantised weights. ``at_once`` is how many adapters the user wants; None: what is best. The rows of each adapter begin with
    ``shared`` tokens that a pass reads once.
    """
    batch = training.per_device_train_batch_size
    usable = USABLE_SHARE * free_bytes - KERNELS_BYTES

    def needed(adapters: int, passes: int) -> int:
        rows = adapters * math.ceil(batch / passes)
        fixed = adapters * adapter_bytes(sizes, training)
        spared = (rows - adapters) * shared
        return fixed + pass_bytes(sizes, training, rows, longest, loss_tokens, spared=spared)

    splits = [2**power for power in range((batch - 1).bit_length() + 1)]
    # Parts of equal size: 5 and 5 rather than 8 and 2.
    numbers = {math.ceil(n_adapters / parts) for parts in range(1, n_adapters + 1)}
    if at_once:
        numbers = {min(n_adapters, at_once)}
    fitting = [
        (number, passes)
        for number in numbers
        for passes in splits
        if number <= (at_once or MOST_AT_ONCE) and needed(number, passes) <= usable
    ]
    number, passes = max(
        fitting,
        key=lambda one: (one[0] * math.ceil(batch / one[1]), -one[0]),
        default=(min(numbers), splits[-1]),
    )
    holds = sizes.held_bytes > 0 and needed(number, passes) + sizes.held_bytes <= usable
    return Plan(number, passes, holds)


def cpu_plan(sizes: ModelSizes, training: Training, *, longest: int, loss_tokens: int) -> Plan:
    """Return how many adapters a CPU has in memory at a time; arguments as for ``plan``."""

    def needed(adapters: int) -> int:
        rows = adapters * training.per_device_train_batch_size
        return adapters * adapter_bytes(sizes, training) + pass_bytes(
            sizes, training, rows, longest, loss_tokens
        )

    fitting = [number for number in range(2, CPU_AT_ONCE + 1) if needed(number) <= CPU_BYTES]
    return Plan(max(fitting, default=1))


def check_fits(name: str, sizes: ModelSizes, training: Training, free_bytes: int) -> None:
    """Raise InputError if base and one adapter cannot be in ``free_bytes`` of memory at all, which no smaller batch would mend.

    ``sizes.base_bytes`` is 0 if the base is loaded already.

    Only what is certain counts, so that nothing is refused that might run: weights, gradients and moments, no activations.
    """
    needed = _least_bytes(sizes, training.optim)
    if needed <= free_bytes:
        return
    what = "base and one adapter" if sizes.base_bytes else "one adapter beside the loaded base"
    raise InputError(
        f"{name}: {what} of rank {training.r} need at least {needed / GB:.1f} GB of GPU memory, of which"
        f" {free_bytes / GB:.1f} GB are free",
        _what_fits(sizes, training, free_bytes),
    )


def _least_bytes(sizes: ModelSizes, optim: str, rank_share: float = 1) -> int:
    return sizes.base_bytes + round(rank_share * sizes.adapter_weights * RESIDENT_BYTES[optim])


def _what_fits(sizes: ModelSizes, training: Training, free_bytes: int) -> str:
    """Return what a user can change so that it fits."""
    ways = []
    if _least_bytes(sizes, "paged_adamw_8bit") <= free_bytes < _least_bytes(sizes, training.optim):
        ways.append("`optim: paged_adamw_8bit`")
    rank = training.r
    while rank > 1 and _least_bytes(sizes, training.optim, rank / training.r) > free_bytes:
        rank //= 2
    if rank < training.r and _least_bytes(sizes, training.optim, rank / training.r) <= free_bytes:
        ways.append(f"`r: {rank}`")
    if ways:
        return f"Set {' or '.join(ways)}, or use a GPU with more memory."
    if not sizes.four_bit:
        return "Set `quantization: nf4`, or use a smaller model or a GPU with more memory."
    return "Use a smaller model or a GPU with more memory."
