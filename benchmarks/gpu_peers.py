"""The part of gpu_acceptance.py that measures others: TRL's SFTTrainer and the Hugging Face Trainer, at their defaults and better."""

import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from itertools import pairwise
from time import perf_counter
from typing import Any

import torch
from gpu_bench import Bench, Finding, free_memory, synchronize

from stimmung.engine.base.tiny import _build_tokenizer
from stimmung.engine.cohort.batching import TrainingRow


def peers(bench: Bench) -> Iterator[Finding]:
    """TRL's SFTTrainer and the Hugging Face Trainer, on the same model, still packed as they take it."""
    from peft import LoraConfig, get_peft_model

    training = bench.training(r=bench.ranks[-1])
    config = LoraConfig(
        r=training.r,
        lora_alpha=int(training.lora_alpha),
        lora_dropout=training.lora_dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    model = get_peft_model(bench.large_base.model, config)
    model.enable_input_require_grads()
    settings: list[tuple[str, Callable[..., float], int, dict[str, Any]]] = [
        ("Hugging Face Trainer", _hugging_face, 1, {}),
        ("Hugging Face Trainer", _hugging_face, 8, {}),
    ]
    if find_spec("trl") and find_spec("datasets"):
        settings = [
            ("TRL", _trl, 1, {}),
            ("TRL", _trl, 8, {}),
            ("TRL, activations kept", _trl, 1, {"gradient_checkpointing": False}),
            ("TRL, packing", _trl, 2, {"packing": True, "max_length": 1024}),
            *settings,
        ]
    else:
        yield Finding("TRL", "not installed")
    try:
        for name, of, batch, changes in settings:
            model.base_model.model.gradient_checkpointing_disable()  # the one before may have enabled it
            try:
                found = of(bench, model, batch, changes)
            except Exception as error:  # of another library: the next one may run
                what = str(error).splitlines()[0] if str(error) else ""
                yield Finding(f"{name}, batch {batch}: ended with", f"{type(error).__name__}: {what}")
                continue
            finally:
                free_memory()
            bench.measured[name, batch] = found
            yield Finding(f"{name}, rank {training.r}, batch {batch}: ms an example", 1000 * found)
    finally:
        model.unload()
        # What asked for the gradient of the embeddings stays otherwise, and makes our backward pass longer.
        bench.large_base.model.get_input_embeddings()._forward_hooks.clear()
        model.base_model.model.gradient_checkpointing_disable()
        bench.large_base.model.requires_grad_(False).eval()
        bench.large_base.model.config.use_cache = True


def _trl(bench: Bench, model: Any, batch: int, changes: dict[str, Any]) -> float:
    from datasets import Dataset, disable_progress_bars
    from trl import SFTConfig, SFTTrainer

    disable_progress_bars()
    rows = bench.rows(bench.peer_steps * batch * (6 if changes.get("packing") else 1))
    with tempfile.TemporaryDirectory() as folder:
        trainer = SFTTrainer(
            model=model,
            args=SFTConfig(output_dir=folder, per_device_train_batch_size=batch, **_common(bench), **changes),
            train_dataset=Dataset.from_list(_labelled(rows)),
            processing_class=_build_tokenizer(["Vote: left", "Vote: right"], 320),
        )
        return _seconds_per_example(trainer, len(rows) / len(trainer.train_dataset), batch, bench.device)


def _hugging_face(bench: Bench, model: Any, batch: int, changes: dict[str, Any]) -> float:
    from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments

    rows = bench.rows(bench.peer_steps * batch)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                output_dir=folder, bf16=True, per_device_train_batch_size=batch, **_common(bench), **changes
            ),
            train_dataset=_labelled(rows),
            data_collator=DataCollatorForSeq2Seq(_build_tokenizer(["Vote: left", "Vote: right"], 320)),
        )
        return _seconds_per_example(trainer, 1, batch, bench.device)


def _common(bench: Bench) -> dict[str, Any]:
    return {
        "max_steps": bench.peer_steps,
        "use_cpu": bench.dry,
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
        "logging_strategy": "no",
    }


def _labelled(rows: Sequence[TrainingRow]) -> list[dict[str, list[int]]]:
    return [
        {
            "input_ids": list(row.input_ids),
            "labels": [-100] * row.loss_from + list(row.input_ids[row.loss_from :]),
        }
        for row in rows
    ]


def _seconds_per_example(trainer: Any, examples_per_row: float, batch: int, device: torch.device) -> float:
    """Return the median time of an optimizer step, behind the first ones, for each example in it."""
    from transformers import PrinterCallback, TrainerCallback

    ends: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            synchronize(device)
            ends.append(perf_counter())

    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(Clock())
    trainer.train()
    trainer.model.zero_grad(set_to_none=True)
    times = [after - before for before, after in pairwise(ends[1:])]
    return statistics.median(times) / (batch * examples_per_row)
