"""How long training takes by example, against TRL's SFTTrainer and the Hugging Face Trainer, and what a cohort saves.

    python benchmarks/training.py [--size 5m] [--device cpu|cuda] [--repetitions 3]

All settings train the same rank of LoRA on all linear layers of the same 4-bit base, on the same prompts with one answer each.
On a GPU with `--size 8b` the settings are the published recipe's: rank 256, five folds.
Writes results/benchmarks/training.json.
"""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from datasets import Dataset
from measure import (
    CONTEXT,
    alternating,
    arguments,
    encoded,
    load,
    load_as_base,
    ratio,
    report,
    saved,
    survey,
    table,
    time_of,
)
from padding import cohort_passes, padding_shares
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from saturation import saturation
from transformers import AutoTokenizer, DataCollatorForSeq2Seq, PrinterCallback, Trainer, TrainingArguments
from trl import SFTConfig, SFTTrainer
from variable_lengths import variable_lengths

from stimmung.engine.base.base_model import Base
from stimmung.engine.cohort.adapter_files import load_adapter
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.train import train_adapters
from stimmung.engine.cohort.training_config import Task
from stimmung.store.paths import Store
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.training import Training

FOLDS = 5
EXAMPLES = 32
COHORT_EXAMPLES = 16  # of each fold
PACKED_BATCH = {"cpu": 1, "cuda": 4}
PADDED_EXAMPLES = 1001  # so that folds differ in size, which parts the order of their lengths
RANK = {"unit": 16, "5m": 16, "135m": 16, "1b": 16, "8b": 256}
COMMON: dict[str, Any] = {
    "num_train_epochs": 1,
    "report_to": "none",
    "save_strategy": "no",
    "disable_tqdm": True,
    "logging_strategy": "no",
}
Prepare = Callable[[], Callable[[], Any]]


def main() -> None:
    options = arguments("Time of training.", "5m")
    batches = (1, 2, 4, 8) if options.device == "cpu" else (1, 4)
    tokenizer, texts = survey(FOLDS * COHORT_EXAMPLES)
    rows = [
        TrainingRow(one.context_ids + one.continuation_ids[n % 8], len(one.context_ids))
        for n, one in enumerate(encoded(tokenizer, texts))
    ]
    training = Training(
        r=RANK[options.size],
        lora_alpha=16,
        lora_dropout=0.05,
        learning_rate=2e-4,
        num_train_epochs=1,
        warmup_ratio=0.0,
        per_device_train_batch_size=16,
    )
    with tempfile.TemporaryDirectory() as folder:
        directory = saved(options.size, tokenizer, Path(folder) / "model")
        base = load_as_base(directory, "nf4")
        settings = _against_others(directory, base, rows[:EXAMPLES], training)
        peers = (
            [name for name in settings if not name.startswith("Stimmung")] if options.device == "cpu" else []
        )
        by_example = alternating(settings, options.repetitions, peers=peers)
        folds = [
            Task(f"fold {fold}", rows[fold * COHORT_EXAMPLES : (fold + 1) * COHORT_EXAMPLES], fold)
            for fold in range(FOLDS)
        ]
        cohorts = alternating(
            {
                f"five folds, batch {batch}, {mode}": partial(
                    _ours,
                    base,
                    training.model_copy(update={"per_device_train_batch_size": batch}),
                    folds,
                    mode,
                )
                for batch in batches
                for mode in ("sequential", "stacked")
            },
            options.repetitions,
            warm=True,
        )
        del base
        difference = _largest_difference(directory, rows, training) if options.device == "cpu" else None
        packed = variable_lengths(
            load_as_base(directory, "float32" if options.device == "cpu" else "nf4"),
            cohort_passes([task.rows for task in folds], PACKED_BATCH[options.device]),
            options.repetitions,
        )
    gain = {
        batch: ratio(
            cohorts[f"five folds, batch {batch}, sequential"], cohorts[f"five folds, batch {batch}, stacked"]
        )
        for batch in batches
    }
    tokens = sum(len(row.input_ids) for row in rows[:EXAMPLES])
    lines = table(by_example, EXAMPLES, "example")
    lines["tokens/s"] = [
        None if cost is None else round(tokens / time_of(cost)) for cost in by_example.values()
    ]
    keys = {
        # Each at the other's own batch size, so that nothing but the engine differs.
        "vs_trl_defaults": ratio(
            by_example["TRL SFTTrainer, defaults (batch 8)"], by_example["Stimmung, batch 8"]
        ),
        "vs_trl_published": ratio(
            by_example["TRL SFTTrainer, published (batch 1)"], by_example["Stimmung, batch 1"]
        ),
        "vs_trl_packed": ratio(
            by_example["TRL SFTTrainer, packed (2 blocks of 1024), activations kept"],
            by_example["Stimmung, batch 8"],
        ),
        "vs_trl_activations_kept": ratio(
            by_example["TRL SFTTrainer, batch 8, activations kept"], by_example["Stimmung, batch 8"]
        ),
        "vs_hf_trainer": ratio(by_example["Hugging Face Trainer, batch 4"], by_example["Stimmung, batch 4"]),
        "cohort_vs_one_by_one": gain[1],
        "cohort_vs_one_by_one_by_batch": gain,
        "max_abs_weight_difference": difference,
    }
    many = encoded(*survey(PADDED_EXAMPLES))
    lengths = [len(one.context_ids + one.continuation_ids[n % 8]) for n, one in enumerate(many)]
    keys["padding_shares"] = padding_shares(lengths, FOLDS)
    keys["variable_lengths"] = packed
    if options.device == "cuda":
        keys |= saturation(options.size, rows, training)
    both = pd.concat([lines, table(cohorts, FOLDS * COHORT_EXAMPLES, "example")])
    report(
        "training",
        keys,
        both,
        options,
        rank=training.r,
        examples=EXAMPLES,
        mean_tokens=round(tokens / EXAMPLES, 1),
    )


def _against_others(
    directory: Path, base: Base, rows: list[TrainingRow], training: Training
) -> dict[str, Prepare]:
    settings: dict[str, Prepare] = {
        "TRL SFTTrainer, defaults (batch 8)": partial(_trl, directory, rows, training),
        "TRL SFTTrainer, published (batch 1)": partial(
            _trl, directory, rows, training, per_device_train_batch_size=1
        ),
        "TRL SFTTrainer, batch 8, activations kept": partial(
            _trl, directory, rows, training, gradient_checkpointing=False
        ),
        # TRL's fairest: no padding, activations kept. Its loss never holds all logits at once, as it comes (since 1.16).
        "TRL SFTTrainer, packed (2 blocks of 1024), activations kept": partial(
            _trl,
            directory,
            rows,
            training,
            gradient_checkpointing=False,
            packing=True,
            max_length=CONTEXT,
            per_device_train_batch_size=2,
        ),
        "Hugging Face Trainer, batch 4": partial(
            _hugging_face, directory, rows, training, per_device_train_batch_size=4
        ),
    }
    for batch in (1, 4, 8, 16):
        own = training.model_copy(update={"per_device_train_batch_size": batch})
        settings[f"Stimmung, batch {batch}"] = partial(_ours, base, own, [Task("one", rows, 0)], "sequential")
    return settings


def _ours(base: Base, training: Training, tasks: list[Task], mode: str) -> Callable[[], Any]:
    def run() -> None:
        # A new store each time: a finished adapter would not be trained again.
        with tempfile.TemporaryDirectory() as folder:
            train_adapters(base, training, tasks, Store(Path(folder)), pace=Pace(cohort=mode))

    return run


def _trl(directory: Path, rows: list[TrainingRow], training: Training, **changes: Any) -> Callable[[], Any]:
    with tempfile.TemporaryDirectory() as folder:
        trainer = SFTTrainer(
            model=load(directory, "nf4"),
            args=SFTConfig(output_dir=folder, use_cpu=not torch.cuda.is_available(), **COMMON, **changes),
            train_dataset=_dataset(rows),
            peft_config=_peft(training),
            processing_class=AutoTokenizer.from_pretrained(directory),
        )
    trainer.remove_callback(PrinterCallback)
    return trainer.train


def _hugging_face(
    directory: Path, rows: list[TrainingRow], training: Training, **changes: Any
) -> Callable[[], Any]:
    model = prepare_model_for_kbit_training(load(directory, "nf4"), use_gradient_checkpointing=False)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=get_peft_model(model, _peft(training)),
            args=TrainingArguments(
                output_dir=folder, bf16=True, use_cpu=not torch.cuda.is_available(), **COMMON, **changes
            ),
            train_dataset=_dataset(rows),
            data_collator=DataCollatorForSeq2Seq(AutoTokenizer.from_pretrained(directory)),
        )
    trainer.remove_callback(PrinterCallback)
    return trainer.train


def _dataset(rows: list[TrainingRow]) -> Dataset:
    return Dataset.from_dict(
        {
            "input_ids": [list(row.input_ids) for row in rows],
            "labels": [[-100] * row.loss_from + list(row.input_ids[row.loss_from :]) for row in rows],
        }
    )


def _peft(training: Training) -> LoraConfig:
    return LoraConfig(
        r=training.r,
        lora_alpha=int(training.lora_alpha),
        lora_dropout=training.lora_dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def _largest_difference(directory: Path, rows: list[TrainingRow], training: Training) -> float:
    """Train three adapters in float32, of 30, 20 and 30 steps, as a cohort and one by one, and compare all weights."""
    base = load_as_base(directory, "float32")
    # Without a warm-up AdamW's first step goes by the signs of the gradient, and rounding has a say in those near zero.
    training = training.model_copy(update={"per_device_train_batch_size": 1, "warmup_ratio": 0.1})
    tasks = [Task(f"{n} rows", rows[first : first + n], first) for first, n in ((0, 30), (30, 20), (50, 30))]
    weights = []
    for mode in ("sequential", "stacked"):
        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder))
            keys = train_adapters(base, training, tasks, store, pace=Pace(cohort=mode))
            weights.append([load_adapter(store.adapter(key)).weights for key in keys])
    return max(
        (alone[name] - together[name]).abs().max().item()
        for alone, together in zip(*weights, strict=True)
        for name in alone
    )


if __name__ == "__main__":
    main()
