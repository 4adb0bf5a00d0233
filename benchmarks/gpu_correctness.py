"""The parts of gpu_acceptance.py that compare numbers, on a small model: a card gives what a CPU gives, however it is disturbed."""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from bitsandbytes.optim import PagedAdamW8bit
from gpu_bench import Bench, Finding, free_memory, random_llama
from torch.nn.attention import SDPBackend, sdpa_kernel

from stimmung.engine.base.base_model import Base, load_base
from stimmung.engine.base.preparing import quantize_base
from stimmung.engine.base.tiny import _build_tokenizer
from stimmung.engine.cohort import optimizer_step
from stimmung.engine.cohort import train as trainer
from stimmung.engine.cohort.adapter_files import load_adapter
from stimmung.engine.cohort.dropout import hashes
from stimmung.engine.cohort.train import train_adapters
from stimmung.engine.cohort.training_config import Task
from stimmung.engine.cohort.uneven_slices import gives_grouped_products
from stimmung.engine.scoring.prompt_batches import Prompt
from stimmung.engine.scoring.proof import prove_scores
from stimmung.engine.scoring.score import score_options, score_with_adapters
from stimmung.store.paths import RECORD, Store
from stimmung.vocabulary.errors import InputError, Interrupted
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.training import Training

ADAPTERS = 3
STACKED, ALONE = Pace(cohort="stacked"), Pace(cohort="sequential")
Weights = list[dict[str, torch.Tensor]]


def nf4(bench: Bench) -> Iterator[Finding]:
    """A saved 4-bit base computes what it computed before, and the same held dequantised as packed."""
    with tempfile.TemporaryDirectory() as folder:
        source, prepared = Path(folder) / "source", Path(folder) / "base"
        random_llama(bench.small, torch.bfloat16, torch.device("cpu")).save_pretrained(source)
        _build_tokenizer(["Vote: left", "Vote: right"], 320).save_pretrained(source)
        quantize_base(str(source), None, "nf4", "bfloat16", prepared)
        packed, held = load_base(prepared, dequantized_mb=0), load_base(prepared, dequantized_mb=1e6)
    for length in (256, 5):
        ids = torch.tensor([bench.full_rows(1, length)[0].input_ids], device=bench.device)
        with torch.inference_mode():
            one, other = (base.model(input_ids=ids).logits.float() for base in (packed, held))
        difference = (one - other).abs().max().item()
        yield Finding(
            f"held and packed weights, logits of {length} tokens differ by",
            difference,
            difference == 0 if length == 256 else None,
        )


def float32(bench: Bench) -> Iterator[Finding]:
    """The card gives a CPU's adapters, and a cohort those of training alone."""
    training = bench.training(lora_dropout=0.0, max_steps=bench.steps, per_device_train_batch_size=2)
    with _trained(bench, training, bench.small_base(torch.float32, packed=False)) as here:
        cpu = bench.small_base(torch.float32, packed=False, device=torch.device("cpu"))
        with _trained(bench, training, cpu) as there:
            yield _within("weights here and on a CPU differ by", largest_difference(here, there), 1e-4)
    base, training = (
        bench.small_base(torch.float32, packed=False),
        bench.training(max_steps=bench.steps, per_device_train_batch_size=2),
    )
    with _trained(bench, training, base) as together, _trained(bench, training, base, pace=ALONE) as alone:
        yield _within(
            "weights of a cohort and of training alone differ by", largest_difference(together, alone), 1e-5
        )


def kernels(bench: Bench) -> Iterator[Finding]:
    """What has a kernel of its own on CUDA gives what torch's operations give."""
    if bench.dry:
        yield Finding("kernels of CUDA", "none here")
        return
    from stimmung.engine.cohort.dropout_kernel import drop_hashed

    keys, n, shared, text, share = [[12345, 0], [4000000000, 7]], 21 * 64, 3 * 64, 6 * 64, round(0.05 * 2**32)
    for dtype in (torch.float32, torch.bfloat16):
        of_adapters = torch.tensor(keys, device=bench.device)
        x = torch.randn(2, 21, 64, device=bench.device, dtype=dtype)
        drop_hashed(x, found := torch.empty_like(x), of_adapters, 223, shared, text, share)
        expected = x.masked_fill((hashes(of_adapters, 223, n, shared, text) < share).view(x.shape), 0)
        same = torch.equal(found, expected)
        yield Finding(f"the dropout kernel drops what torch's operations drop, {dtype}", same, same)
    same = gives_grouped_products(bench.device, torch.bfloat16)
    yield Finding("grouped products are those one by one", same)


def proof(bench: Bench) -> Iterator[Finding]:
    """A base of bfloat16 is read as plain transformers reads it, as it is proved where one is prepared."""
    with tempfile.TemporaryDirectory() as folder:
        random_llama(bench.small, torch.bfloat16, torch.device("cpu")).save_pretrained(folder)
        _build_tokenizer(["Vote: left", "Vote: right"], 320).save_pretrained(folder)
        try:
            found = prove_scores(Path(folder))
        except InputError as error:
            yield Finding("proof", str(error).splitlines()[0], False)
            return
    limit = found["tolerance"]
    yield _within(
        "scores by exact products and plain transformers' differ by", found["largest_difference"], limit
    )
    yield _within("the loss and plain transformers' differ by", found["loss_difference"], limit)
    yield _within("noise of a log-odds, nats", found["noise_nats"], limit)
    yield Finding("noise of a log-odds in bfloat16, nats", found["noise_in_bfloat16_nats"])


def resume(bench: Bench) -> Iterator[Finding]:
    """What is stopped and resumed is what was never stopped."""
    base = bench.small_base(torch.bfloat16, packed=True)
    ways: dict[str, dict[str, Any]] = {
        "AdamW": {},
        "paged 8-bit AdamW": {"optim": "paged_adamw_8bit"},
        "gradient checkpointing": {"gradient_checkpointing": True},
    }
    for name, changes in ways.items():
        training = bench.training(max_steps=bench.steps // 2, **changes)
        with (
            _deterministic(),
            _trained(bench, training, base) as whole,
            _trained(bench, training, base, stop_at=bench.steps // 4) as resumed,
        ):
            difference = largest_difference(whole, resumed)
            yield _within(f"{name}: stopped and resumed, weights differ by", difference, 0)
    with _trained(bench, training, base) as one, _trained(bench, training, base) as other:
        yield Finding("two runs without deterministic kernels differ by", largest_difference(one, other))


def out_of_memory(bench: Bench) -> Iterator[Finding]:
    """Memory that runs out, wherever, changes no weight."""
    base = bench.small_base(torch.float32, packed=False)
    with _deterministic():
        for optim, owner, step in (
            ("adamw_torch", torch.optim.AdamW, "step"),
            ("paged_adamw_8bit", PagedAdamW8bit, "update_step"),
        ):
            training = bench.training(max_steps=bench.steps // 2, optim=optim)
            places: dict[str, tuple[Any, str, int]] = {
                "the forward pass": (optimizer_step, "forward_backward", 4),
                "the backward pass": (torch.Tensor, "backward", 4),
                "making the adapters": (trainer, "initial_weights", 2),
                "an optimizer step": (owner, step, 5),
            }
            free_memory()
            with _trained(bench, training, base) as undisturbed:
                peak = torch.cuda.max_memory_allocated() if not bench.dry else 0
                for place, (where, name, call) in places.items():
                    with _fails_once(where, name, call), _trained(bench, training, base) as found:
                        difference = largest_difference(undisturbed, found)
                        yield _within(
                            f"{optim}, out of memory in {place}: weights differ by", difference, 1e-5
                        )
                for share in () if bench.dry else (0.7, 0.45):
                    with _limited_to(share * peak), _trained(bench, training, base) as found:
                        difference = largest_difference(undisturbed, found)
                        yield _within(
                            f"{optim}, {share:.0%} of the memory it took: weights differ by", difference, 1e-5
                        )
                        yield Finding("  adapters at once and passes, of each adapter", found.how)


def exact_scores(bench: Bench) -> Iterator[Finding]:
    """Scores are those of one forward pass for each option, and PEFT reads our adapters."""
    from peft import PeftModel

    base = bench.small_base(torch.float32, packed=False)
    prompts = [Prompt(context, bench.option_ids) for context in bench.contexts(24)]
    difference = np.abs(np.array(score_options(base, prompts)) - one_forward_per_option(base, prompts)).max()
    yield _within("scores and those of one forward per option differ by", float(difference), 1e-4)
    with _trained(bench, bench.training(max_steps=bench.steps // 2, lora_dropout=0.0), base) as trained:
        ours = score_with_adapters(
            base,
            [Prompt(one.context_ids, one.option_ids, 0) for one in prompts],
            trained.folders[:1],
            "exact",
            16384,
        )
        other = bench.small_base(torch.float32, packed=False)
        peft = PeftModel.from_pretrained(other.model, str(trained.folders[0])).eval()
        theirs = one_forward_per_option(Base(peft, None, "", ""), prompts)
    yield _within(
        "scores with an adapter and PEFT's differ by", float(np.abs(np.array(ours) - theirs).max()), 1e-4
    )


def one_forward_per_option(base: Base, prompts: Sequence[Prompt]) -> np.ndarray:
    """Score as the published scripts do: each option with a forward pass of its own and the full vocabulary everywhere."""
    device = next(base.model.parameters()).device
    found = np.zeros((len(prompts), len(prompts[0].option_ids)))
    with torch.inference_mode():
        for number, prompt in enumerate(prompts):
            for place, option in enumerate(prompt.option_ids):
                ids = torch.tensor([prompt.context_ids + option], device=device)
                logits = base.model(input_ids=ids).logits[0].float().log_softmax(-1)
                read = logits[len(prompt.context_ids) - 1 : -1].gather(
                    1, ids[0, len(prompt.context_ids) :, None]
                )
                found[number, place] = read.sum().item()
    return found


class Trained:
    """The adapters of a run: their folders, weights, and how many were in memory at once in how many passes."""

    def __init__(self, folders: list[Path]) -> None:
        self.folders = folders
        self.weights: Weights = [load_adapter(folder).weights for folder in folders]
        records = [json.loads((folder / RECORD).read_text()) for folder in folders]
        self.how = [f"{record['cohort_size']} in {record['passes_per_batch']}" for record in records]


@contextmanager
def _trained(
    bench: Bench, training: Training, base: Base, *, pace: Pace = STACKED, stop_at: int | None = None
) -> Iterator[Trained]:
    """Train three adapters, stopped and resumed at a step if asked, in a store that is there meanwhile."""
    tasks = [Task(f"adapter {number}", bench.rows(16, 16 * number), number) for number in range(ADAPTERS)]
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        if stop_at is not None:
            asked = iter([False] * stop_at + [True])
            try:
                train_adapters(base, training, tasks, store, pace=pace, stop=lambda: next(asked))
            except Interrupted:
                free_memory()
        keys = train_adapters(base, training, tasks, store, pace=pace)
        yield Trained([store.adapter(key) for key in keys])


def largest_difference(one: Trained, other: Trained) -> float:
    return max(
        (mine[name] - theirs[name]).abs().max().item()
        for mine, theirs in zip(one.weights, other.weights, strict=True)
        for name in mine
    )


def _within(what: str, difference: float, limit: float) -> Finding:
    return Finding(f"{what} (at most {limit:g})", difference, difference <= limit)


@contextmanager
def _deterministic() -> Iterator[None]:
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        with sdpa_kernel(SDPBackend.MATH):  # the backward passes of the quicker ones sum in any order
            yield
    finally:
        torch.use_deterministic_algorithms(False)


@contextmanager
def _fails_once(owner: Any, name: str, call: int) -> Iterator[None]:
    """Let one call of a function run out of memory, the ``call``-th of all."""
    real: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def limited(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise torch.cuda.OutOfMemoryError
        return real(*arguments, **options)

    with patch.object(owner, name, limited):
        yield
    if calls < call:
        raise AssertionError(f"{name} was called {calls} times only: it never ran out of memory")


@contextmanager
def _limited_to(n_bytes: float) -> Iterator[None]:
    """Let this process have no more of the card's memory."""
    free_memory()
    torch.cuda.set_per_process_memory_fraction(n_bytes / torch.cuda.mem_get_info()[1])
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
