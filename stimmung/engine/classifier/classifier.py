"""A classification head on a language model, tuned with LoRA by Hugging Face's Trainer: the BERT-style arm.

One adapter for each fold, in PEFT's format, the head among its weights. It is what a reader of the BERT literature would
try first, and a check that reading answers out of token probabilities costs nothing.
"""

import hashlib
import json
import logging
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

from stimmung.engine.base.devices import default_device, peak_memory_mb
from stimmung.engine.base.encoders import load_classifier, longest_text
from stimmung.engine.classifier.classifier_checkpoints import Checkpoints
from stimmung.engine.cohort.training_config import TRAINING_VERSION
from stimmung.store.adapter_folders import DAMAGE, new_folder
from stimmung.store.keys import adapter_key
from stimmung.store.lock import Lock, lock
from stimmung.store.paths import CONFIG, RECORD, Store
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.training import Training

logger = logging.getLogger(__name__)

LORA = ("r", "lora_alpha", "lora_dropout", "use_rslora", "target_modules")
TRAINER = (
    "learning_rate",
    "lr_scheduler_type",
    "num_train_epochs",
    "max_steps",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "max_grad_norm",
    "weight_decay",
    "optim",
    "gradient_checkpointing",
)
BATCH_ROWS = 64


@dataclass(frozen=True)
class Labelled:
    """The training rows of one fold: texts, and each one's answer as a place among the options."""

    name: str
    texts: Sequence[str]
    labels: Sequence[int]

    @property
    def digest(self) -> str:
        """SHA-256 of the rows in their order."""
        content = json.dumps([list(self.texts), list(self.labels)])
        return hashlib.sha256(content.encode()).hexdigest()


def train_classifier(
    base: Path,
    training: Training,
    fold: Labelled,
    options: Sequence[str],
    store: Store,
    *,
    seed: int,
    checkpoint_minutes: float = 10,
    stop: Callable[[], bool] = lambda: False,
) -> str:
    """Train a fold's classifier, if the store does not have it yet, and return its key there.

    Parameters
    ----------
    base
        A model's directory, with model.json.
    training
        A preset of the config's `training` section.
    fold
        The training rows.
    options
        The target's options, all of them, so that one that nobody in training chose can still be predicted.
    store
        Where finished adapters and checkpoints go.
    seed
        Of the head, the adapter, the order of rows and dropout.
    checkpoint_minutes
        How much training a sudden kill may cost.
    stop
        Asked before each step; once it is true, the checkpoint is written and training ends.

    Raises
    ------
    InputError
        If a text is longer than the model reads, or a loss is no longer finite.
    Interrupted
        If ``stop`` was true.
    """
    described = json.loads((base / "model.json").read_text())
    settings = training.model_dump(mode="json", include={*LORA, "warmup_ratio", *TRAINER})
    key = adapter_key(
        version=TRAINING_VERSION,
        base_digest=described["digest"],
        data_digest=fold.digest,
        settings={"arm": "classifier", "options": list(options), **settings},
        seed=seed,
    )
    if store.has(key):
        return key
    record = {
        "base": described["source"],
        "base_revision": described["revision"],
        "base_digest": described["digest"],
        "data_digest": fold.digest,
        "key": key,
        "options": list(options),
        "seed": seed,
        "n_rows": len(fold.texts),
        "settings": settings,
    }
    with lock(store.lock(key), fold.name, stop=stop) as held:
        # Another job may have trained it in the meantime.
        if not store.has(key):
            stopped = partial(_must_stop, stop, held)
            checkpoints = Checkpoints(store.checkpoint([key]), checkpoint_minutes, stopped)
            _train_one(base, settings, fold, len(options), store.adapter(key), seed, record, checkpoints)
    return key


def _must_stop(stop: Callable[[], bool], held: Lock) -> bool:
    return stop() or held.is_lost()


def _train_one(
    base: Path,
    settings: Mapping[str, Any],
    fold: Labelled,
    n_options: int,
    output: Path,
    seed: int,
    record: dict[str, Any],
    checkpoints: Checkpoints,
) -> None:
    model, tokenizer = load_classifier(base, n_options, seed)
    lora = {name: settings[name] for name in LORA if name in settings}
    tuned = get_peft_model(model, LoraConfig(task_type="SEQ_CLS", bias="none", **lora))
    rows = _encoded(tokenizer, fold.texts, longest_text(model, tokenizer))
    rows = [{**row, "labels": label} for row, label in zip(rows, fold.labels, strict=True)]
    with tempfile.TemporaryDirectory() as scratch:
        trainer = Trainer(
            model=tuned,
            args=_arguments(settings, seed, Path(scratch)),
            train_dataset=rows,
            data_collator=DataCollatorWithPadding(tokenizer),
            callbacks=[checkpoints],
        )
        trainer.train(resume_from_checkpoint=checkpoints.resume(tuned, Path(scratch) / "resumed"))
    losses = [float(one["loss"]) for one in trainer.state.log_history if "loss" in one]
    if not all(map(math.isfinite, losses)):
        checkpoints.remove()
        raise InputError(
            f"{fold.name}: the classifier's loss is no longer finite",
            "A lower learning_rate or a longer warm-up (warmup_ratio) usually helps.",
        )
    record = {
        **record,
        "steps": int(trainer.state.global_step),
        "losses": losses,
        "longest_sequence": max(len(row["input_ids"]) for row in rows),
        "seconds": round(checkpoints.seconds, 3),
        "peak_memory_mb": round(peak_memory_mb(), 1),
    }
    logger.info("%s: trained, %d steps, last loss %.4f", fold.name, record["steps"], losses[-1])
    _publish(tuned, output, record)
    checkpoints.remove()


def _arguments(settings: Mapping[str, Any], seed: int, scratch: Path) -> TrainingArguments:
    chosen = {name: settings[name] for name in TRAINER if settings.get(name) is not None}
    chosen.setdefault("max_steps", -1)
    on_cpu = default_device().type == "cpu"
    arguments = TrainingArguments(
        output_dir=str(scratch),
        **chosen,
        warmup_steps=settings.get("warmup_ratio", 0.0),  # below 1, transformers takes it for a ratio
        seed=seed,
        save_strategy="no",
        logging_strategy="steps",
        logging_steps=1,
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        use_cpu=on_cpu,
        dataloader_pin_memory=not on_cpu,
    )
    if arguments.n_gpu > 1:
        # Else the Trainer multiplies the batch by the number of GPUs, and another classifier comes out.
        arguments._n_gpu = 1
    return arguments


def _publish(tuned: Any, output: Path, record: dict[str, Any]) -> None:
    """Write the adapter as PEFT does, with the same bytes each time."""
    with new_folder(output) as draft:
        tuned.save_pretrained(draft)
        (draft / "README.md").unlink(missing_ok=True)
        config = json.loads((draft / CONFIG).read_text())
        for name in ("target_modules", "modules_to_save"):  # sets, which have another order in each process
            config[name] = sorted(config[name]) if isinstance(config[name], list) else config[name]
        (draft / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
        (draft / RECORD).write_text(json.dumps(record, indent=2) + "\n")


def classify(base: Path, adapter: Path, n_options: int, texts: Sequence[str]) -> tuple[np.ndarray, list[int]]:
    """Return the probability of each option for each text, shape (texts, options), and the texts' lengths in tokens.

    Raises
    ------
    InputError
        If the adapter cannot be read, or a text is longer than the model reads.
    """
    model, tokenizer = load_classifier(base, n_options, seed=0)
    try:
        tuned = PeftModel.from_pretrained(model, adapter).eval()
    except torch.OutOfMemoryError:  # no fault of the files
        raise
    except (*DAMAGE, AttributeError, RuntimeError) as error:  # peft raises all of these over a damaged config
        raise InputError(
            f"no readable classifier in {adapter}", "Delete the folder and run snakemake again."
        ) from error
    rows = _encoded(tokenizer, texts, longest_text(model, tokenizer))
    collate = DataCollatorWithPadding(tokenizer)
    # Rows of like length together, so that little is padding.
    order = sorted(range(len(rows)), key=lambda place: (len(rows[place]["input_ids"]), place))
    found = np.empty((len(rows), n_options))
    with torch.inference_mode():
        for start in range(0, len(order), BATCH_ROWS):
            part = order[start : start + BATCH_ROWS]
            batch = collate([rows[place] for place in part]).to(model.device)
            logits = tuned(**batch).logits
            found[part] = logits.double().softmax(dim=-1).cpu().numpy()
    return found, [len(row["input_ids"]) for row in rows]


def _encoded(tokenizer: Any, texts: Sequence[str], limit: int) -> list[dict[str, Any]]:
    encoded = tokenizer(list(texts), truncation=False)
    longest = max((len(ids) for ids in encoded["input_ids"]), default=0)
    if longest > limit:
        raise InputError(
            f"a respondent's text of {longest} tokens does not fit the {limit} that the model reads",
            "Shorten the codebook's wording or drop items; a text is never cut.",
        )
    return [
        {"input_ids": ids, "attention_mask": mask}
        for ids, mask in zip(encoded["input_ids"], encoded["attention_mask"], strict=True)
    ]
