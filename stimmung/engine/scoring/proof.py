"""Proof that a base is read here as plain transformers reads it, in scores of options and a loss of training, before it is used.

The passes over options take shortcuts, which an architecture may not allow: what layers see, positions, shared beginnings. An
architecture that nobody has tried is tried here, on a few prompts of random tokens.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from stimmung.engine.base.attention import NAME, use_own_attention
from stimmung.engine.base.base_model import Base, load_base
from stimmung.engine.base.devices import release_memory
from stimmung.engine.base.float32_product import has_split_products
from stimmung.engine.base.full_attention import options_can_share_a_row
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.forward_backward import Part, forward_backward, loss_per_token
from stimmung.engine.cohort.lora import Cohort, attached, initial_weights
from stimmung.engine.cohort.slices import Slice
from stimmung.engine.scoring.float32 import in_float32
from stimmung.engine.scoring.prompt_batches import Prompt
from stimmung.engine.scoring.score import score_options
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.training import Lora

logger = logging.getLogger(__name__)

# In float32, in nats: orders of sums differ, in SmolLM2-135M by 1.6e-5. Rounding grows with the numbers that are summed, so that of
# scores beyond so many nats the same share is tolerated.
TOLERANCE = 1e-4
TOLERATED_UP_TO_NATS = 10
# A sliding window or chunk is set to so many tokens meanwhile, so that a prompt longer than it costs little.
WINDOW = 32
# Tokens of a prompt, and of what all prompts begin with: within the window, and beyond it and linear attention's chunks of 64.
LENGTHS = {"short": (20, 10), "long": (72, 40)}
N_PROMPTS = 2
OPTION_TOKENS = (1, 2, 3, 4)
# One longer than a piece of attention in training (see ``attention.py``).
ROW_TOKENS = (140, 30)
LOSS_TOKENS = 4
# Large enough to be seen in a loss.
ADAPTER, ADAPTER_SIZE = Lora(r=2, lora_alpha=2, lora_dropout=0), 0.1
WINDOW_NAMES = ("sliding_window", "attention_chunk_size")


def prove_scores(folder: Path) -> dict[str, Any]:
    """Compare the model in ``folder`` with one plain forward of transformers for each option; return what model.json holds of it.

    Prompts shorter and longer than any window are scored alone and in a batch, all in float32 as ever, and the loss of a training step
    is computed. ``noise_nats`` is the largest error of a log-odds between two options; ``noise_in_bfloat16_nats``, for a base of
    that type, what it would be if scores were computed as training is.

    Raises InputError if a difference is more than rounding, or the architecture fails.
    """
    release_memory()  # of the model that was saved there
    base = load_base(folder)
    try:
        with _narrow_windows(base.model):
            return _compare(base)
    except (InputError, torch.cuda.OutOfMemoryError):
        raise
    except Exception as error:  # an architecture fails in its own way
        logger.exception("the model cannot be read")
        raise InputError(
            f"the {base.model.config.model_type} model cannot be scored here: {type(error).__name__} ({str(error)[:200]})",
            "Its architecture is not supported: use a model of another one.",
        ) from None


def _compare(base: Base) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    ids = ordinary_tokens(base)
    short_type = base.model.dtype != torch.float32
    differences, errors, rounding, passes = [], [], [], {}
    for name, (length, n_shared) in LENGTHS.items():
        prompts = _prompts(rng, ids, min(length, base.max_length - max(OPTION_TOKENS)), n_shared)
        with _plain_attention(base.model), torch.inference_mode():
            if short_type:
                rounding.append(plain_scores(base.model, prompts))
            with in_float32(base.model, exact=True):
                expected = plain_scores(base.model, prompts)
        # Whether the passes are right is seen in exact products; how exact the scores of a study are, in those that it has.
        score = partial(score_options, base, exact_products=True)
        together, alone = np.array(score(prompts)), np.array([score([prompt])[0] for prompt in prompts])
        for found in (together, alone):
            differences.append(_checked(base, "its scores", found, expected))
        if has_split_products(base.device, base.model.dtype):
            together = np.array(score_options(base, prompts))
        errors += [np.ptp(found - expected, axis=1).max() for found in (together, alone)]
        if short_type:
            rounding[-1] = np.ptp(rounding[-1] - expected, axis=1).max()
        shares = options_can_share_a_row(base.model, length + max(OPTION_TOKENS))
        passes[name] = "options in one row" if shares else "a row for each option"
    proof = {
        "tolerance": TOLERANCE,
        "largest_difference": max(differences),
        "loss_difference": _checked(base, "its loss", *_losses(base, rng, ids)),
        "passes": passes,
        "noise_nats": float(max(errors)),
    }
    if short_type:
        proof[f"noise_in_{str(base.model.dtype).removeprefix('torch.')}_nats"] = float(max(rounding))
    return proof


def _checked(base: Base, what: str, found: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference; raise InputError if it is more than rounding."""
    difference = np.abs(found - expected)
    allowed = TOLERANCE * np.maximum(1, np.abs(expected) / TOLERATED_UP_TO_NATS)
    if not (difference <= allowed).all():  # NaN is not
        raise InputError(
            f"the {base.model.config.model_type} model is read wrongly: {what} would differ by {difference.max():.2g} nats"
            f" from plain transformers', more than {TOLERANCE:g}",
            "Its architecture is not supported: use a model of another one.",
        )
    return float(difference.max())


def plain_scores(model: Any, prompts: Sequence[Prompt]) -> np.ndarray:
    """Return loglikelihoods, shape (prompts, options), from one plain forward for each option."""
    return np.array(
        [[_plain_score(model, one.context_ids, option) for option in one.option_ids] for one in prompts]
    )


def _plain_score(model: Any, context: tuple[int, ...], option: tuple[int, ...]) -> float:
    ids = torch.tensor([context + option], device=next(model.parameters()).device)
    logits = model(input_ids=ids, use_cache=False).logits[0, len(context) - 1 : -1].float()
    return float(logits.log_softmax(-1).gather(1, ids[0, len(context) :, None]).double().sum())


def ordinary_tokens(base: Base) -> list[int]:
    """Return the tokens that are text: those of images, turns and the like may mean more to a model."""
    special = {*base.tokenizer.all_special_ids, *base.tokenizer.added_tokens_decoder}
    return [one for one in range(min(len(base.tokenizer), base.vocabulary_size)) if one not in special]


def _prompts(rng: np.random.Generator, ids: Sequence[int], length: int, n_shared: int) -> list[Prompt]:
    """Draw prompts of different lengths that begin alike, and options of which two begin alike."""
    drawn = rng.choice(ids, len(OPTION_TOKENS), replace=False)
    first, *others = [
        [int(one), *rng.choice(ids, n - 1).tolist()] for one, n in zip(drawn, OPTION_TOKENS, strict=True)
    ]
    others[-1][0] = others[-2][0]
    others[-1][1] = next(int(one) for one in rng.choice(ids, 100) if one != others[-2][1])
    options = tuple(map(tuple, [first, *others]))
    shared = rng.choice(ids, n_shared).tolist()
    return [
        Prompt((*shared, *rng.choice(ids, length - n_shared - nth).tolist()), options)
        for nth in range(N_PROMPTS)
    ]


def _losses(base: Base, rng: np.random.Generator, ids: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the loss of a training step of two adapters, in nats per token, and that of plain transformers with each of them."""
    lengths = [min(n, base.max_length) for n in ROW_TOKENS]
    rows = [TrainingRow(tuple(rng.choice(ids, n).tolist()), n - LOSS_TOKENS) for n in lengths]
    with attached(base, ADAPTER) as cohort:
        adapters = [_drawn(cohort, seed) for seed in range(len(rows))]
    expected = []
    for adapter, row in zip(adapters, rows, strict=True):
        with (
            _plain_attention(base.model),
            torch.inference_mode(),
            in_float32(base.model, exact=True),
            _hooked(base, adapter),
        ):
            expected.append(_plain_loss(base.model, row))
    with attached(base, ADAPTER) as cohort:
        for adapter in adapters:
            cohort.add(adapter)
        if base.model.dtype == torch.float32:
            found = forward_backward(
                cohort, [Part(k, [row], LOSS_TOKENS, 0) for k, row in enumerate(rows)], 1
            ).tolist()
        else:  # gradients would need all weights in float32
            cohort.layout.slices = [Slice(k, k, k + 1) for k in range(len(rows))]
            with torch.inference_mode(), in_float32(base.model, exact=True):
                found = loss_per_token(base, rows).view(len(rows), -1).mean(1).tolist()
    return np.array(found), np.array(expected)


def _drawn(cohort: Cohort, seed: int) -> dict[str, torch.Tensor]:
    """Return an adapter that changes what the base says."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.empty_like(one).normal_(std=ADAPTER_SIZE, generator=generator)
        if name.endswith("lora_B")
        else one
        for name, one in initial_weights(cohort, seed).items()
    }


@contextmanager
def _hooked(base: Base, adapter: dict[str, torch.Tensor]) -> Iterator[None]:
    """Let the layers of a plain model add ``B A x``."""

    def added(name: str, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        a, b = (adapter[f"{name}.{matrix}"].to(x) for matrix in ("lora_A", "lora_B"))
        return y + ADAPTER.scale * (x @ a.T) @ b.T

    with ExitStack() as stack:
        for name in {one.rpartition(".")[0] for one in adapter}:
            hook = partial(lambda name, _, x, y: added(name, x[0], y), name)
            stack.callback(base.model.get_submodule(name).register_forward_hook(hook).remove)
        yield


def _plain_loss(model: Any, row: TrainingRow) -> float:
    ids = torch.tensor([row.input_ids], device=next(model.parameters()).device)
    logits = model(input_ids=ids, use_cache=False).logits[0, row.loss_from - 1 : -1].float()
    return float(functional.cross_entropy(logits, ids[0, row.loss_from :]))


@contextmanager
def _plain_attention(model: Any) -> Iterator[None]:
    """Let a model attend as transformers loads it."""
    if model.config._attn_implementation == NAME:
        model.set_attn_implementation("sdpa")
    try:
        yield
    finally:
        use_own_attention(model)


@contextmanager
def _narrow_windows(model: Any) -> Iterator[None]:
    """Let sliding windows and chunks be ``WINDOW`` tokens at most."""
    configs = {id(one.config): one.config for one in model.modules() if hasattr(one, "config")}.values()
    wide = [
        (config, name, getattr(config, name))
        for config in configs
        for name in WINDOW_NAMES
        if isinstance(getattr(config, name, None), int)
    ]
    try:
        for config, name, window in wide:
            setattr(config, name, min(WINDOW, window))
        yield
    finally:
        for config, name, window in wide:
            setattr(config, name, window)
