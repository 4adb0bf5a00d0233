"""A classification head on a language model, tuned with LoRA by Hugging Face's Trainer: the BERT-style arm.

One adapter for each fold, in PEFT's format, with the head among its weights.
"""

import json
import logging
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peft import LoraConfig, get_peft_model
from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

from stimmung.engine.base.devices import default_device, peak_memory_mb
from stimmung.engine.base.encoders import load_classifier, longest_text
from stimmung.engine.base.model_files import read_description
from stimmung.engine.classifier.classifier_checkpoints import Checkpoints
from stimmung.store.adapter_folders import new_folder
from stimmung.store.keys import adapter_key, digest_of_content
from stimmung.store.lock import lock
from stimmung.store.paths import CONFIG, RECORD, Store
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.training import Lora, Training

logger = logging.getLogger(__name__)

# Part of a classifier's key: raise it with every change that changes its weights.
CLASSIFIER_VERSION = 1
# The model's biases stay frozen, no encoder of transformers has experts in one tensor, no text is cut into blocks, and all steps are
# done: a study with early_stopping here is refused.
UNUSED = {"bias", "target_parameters", "block_size", "early_stopping"}
LORA = set(Lora.model_fields) - UNUSED


@dataclass(frozen=True)
class Labelled:
    """The training rows of one fold: texts, and each one's answer as an index into the options."""

    name: str
    texts: Sequence[str]
    labels: Sequence[int]


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
    """Train a fold's classifier, unless the store has it, and return its key there.

    ``base`` is a model's directory, with model.json. ``options`` are all of the target's, so that one that no training respondent
    chose can still be predicted. ``seed`` draws the head, the adapter, the order of rows and dropout. ``checkpoint_minutes`` and
    ``stop`` are told ``Checkpoints``.

    Raises
    ------
    InputError
        If a text is longer than the model reads, or a loss is no longer finite.
    Interrupted
        If ``stop`` was true.
    """
    described = read_description(base)
    data_digest = digest_of_content([list(fold.texts), list(fold.labels)])
    settings = training.model_dump(mode="json", exclude=UNUSED)
    key = adapter_key(
        version=CLASSIFIER_VERSION,
        base_digest=described["digest"],
        data_digest=data_digest,
        settings={"arm": "classifier", "options": list(options), **settings},
        seed=seed,
    )
    if store.has(key):
        return key
    with lock(store.lock(key), fold.name, stop=stop) as held:
        if store.has(key):  # another job has trained it in the meantime
            return key
        checkpoints = Checkpoints(
            store.checkpoint([key]), checkpoint_minutes, lambda: stop() or held.is_lost()
        )
        tuned, record = _train(base, training, fold, len(options), seed, checkpoints)
        record = {
            "base": described["source"],
            "base_revision": described["revision"],
            "base_digest": described["digest"],
            "data_digest": data_digest,
            "key": key,
            "options": list(options),
            "seed": seed,
            "n_rows": len(fold.texts),
            "settings": settings,
            **record,
        }
        _publish(tuned, store.adapter(key), record)
        checkpoints.remove()
    return key


def _train(
    base: Path, training: Training, fold: Labelled, n_options: int, seed: int, checkpoints: Checkpoints
) -> tuple[Any, dict[str, Any]]:
    """Return the tuned model and what its record says of the training."""
    model, tokenizer = load_classifier(base, n_options, seed)
    lora = LoraConfig(task_type="SEQ_CLS", bias="none", **training.model_dump(mode="json", include=LORA))
    tuned = get_peft_model(model, lora)
    rows = encoded(tokenizer, model, fold.texts)
    with tempfile.TemporaryDirectory() as scratch:
        trainer = Trainer(
            model=tuned,
            args=_arguments(training, seed, scratch),
            train_dataset=[{**row, "labels": label} for row, label in zip(rows, fold.labels, strict=True)],
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
    logger.info("%s: trained, %d steps, last loss %.4f", fold.name, trainer.state.global_step, losses[-1])
    return tuned, {
        "steps": int(trainer.state.global_step),
        "losses": losses,
        "longest_sequence": max(len(row["input_ids"]) for row in rows),
        "seconds": round(checkpoints.seconds, 3),
        "peak_memory_mb": round(peak_memory_mb(), 1),
    }


def _arguments(training: Training, seed: int, scratch: str) -> TrainingArguments:
    chosen = training.model_dump(mode="json", exclude={*LORA, *UNUSED, "warmup_ratio"}, exclude_none=True)
    on_cpu = default_device().type == "cpu"
    arguments = TrainingArguments(
        output_dir=scratch,
        **{"max_steps": -1, **chosen},
        warmup_steps=training.warmup_ratio,  # below 1, transformers takes it as a ratio
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
        # Otherwise the Trainer multiplies the batch by the number of GPUs, and the classifier becomes another.
        arguments._n_gpu = 1
    return arguments


def _publish(tuned: Any, output: Path, record: dict[str, Any]) -> None:
    """Write the adapter as PEFT does, with the same bytes each time."""
    with new_folder(output) as draft:
        tuned.save_pretrained(draft)
        (draft / "README.md").unlink(missing_ok=True)
        config = json.loads((draft / CONFIG).read_text())
        for name in ("target_modules", "modules_to_save"):  # sets, whose order differs between processes
            config[name] = sorted(config[name]) if isinstance(config[name], list) else config[name]
        (draft / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
        (draft / RECORD).write_text(json.dumps(record, indent=2) + "\n")


def encoded(tokenizer: Any, model: Any, texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return input_ids and attention_mask of each text; raise InputError if one is longer than the model reads."""
    rows = tokenizer(list(texts), truncation=False, split_special_tokens=True)
    longest = max((len(ids) for ids in rows["input_ids"]), default=0)
    limit = longest_text(model, tokenizer)
    if longest > limit:
        raise InputError(
            f"a respondent's text of {longest} tokens does not fit the {limit} that the model reads",
            "Shorten the codebook's wording or drop items; a text is never cut.",
        )
    pairs = zip(rows["input_ids"], rows["attention_mask"], strict=True)
    return [{"input_ids": ids, "attention_mask": mask} for ids, mask in pairs]
