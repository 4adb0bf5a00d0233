"""The classifiers of a survey's folds as a scorer of answer options."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from peft import PeftModel
from transformers import DataCollatorWithPadding

from stimmung.engine.base.encoders import load_classifier
from stimmung.engine.classifier.classifier import encoded
from stimmung.engine.scoring.float32 import in_float32
from stimmung.engine.scoring.scorer import Asked, Scored
from stimmung.store.adapter_folders import DAMAGE
from stimmung.vocabulary.errors import InputError

BATCH_ROWS = 64  # a choice


@dataclass(frozen=True)
class ClassifierScorer:
    """Reads each respondent's answers with the classifier of a fold; ``base`` and ``adapters`` are directories."""

    base: Path
    adapters: Sequence[Path]
    n_options: int

    def score(self, asked: Sequence[Asked]) -> list[Scored]:
        """Return each respondent's probabilities; errors as of ``classify``."""
        found: dict[int, Scored] = {}
        for fold, adapter in enumerate(self.adapters):
            places = [place for place, one in enumerate(asked) if one.reader == fold]
            texts = [asked[place].messages[-1]["content"] for place in places]
            probabilities, lengths = classify(self.base, adapter, self.n_options, texts)
            for place, chances, length in zip(places, probabilities, lengths, strict=True):
                # A head has no answers except the options, so all probability is on them.
                found[place] = Scored(chances, 1.0, length, "none")
        return [found[place] for place in range(len(asked))]


def classify(base: Path, adapter: Path, n_options: int, texts: Sequence[str]) -> tuple[np.ndarray, list[int]]:
    """Return the probability of each option for each text, shape (texts, options), and the texts' lengths in tokens.

    Raises an InputError if the adapter cannot be read, or a text is longer than the model reads.
    """
    model, tokenizer = load_classifier(base, n_options, seed=0)
    try:
        tuned = PeftModel.from_pretrained(model, adapter).eval()
    except torch.OutOfMemoryError:  # not the files' fault
        raise
    except (*DAMAGE, AttributeError, RuntimeError) as error:  # PEFT raises all of these for a damaged config
        raise InputError(
            f"no readable classifier in {adapter}", "Delete the folder and run snakemake again."
        ) from error
    rows = encoded(tokenizer, model, texts)
    collate = DataCollatorWithPadding(tokenizer)
    # Rows of similar length together, so that little is padding.
    order = sorted(range(len(rows)), key=lambda place: (len(rows[place]["input_ids"]), place))
    found = np.empty((len(rows), n_options))
    with torch.inference_mode(), in_float32(tuned):
        for start in range(0, len(order), BATCH_ROWS):
            part = order[start : start + BATCH_ROWS]
            batch = collate([rows[place] for place in part]).to(model.device)
            found[part] = tuned(**batch).logits.double().softmax(dim=-1).cpu().numpy()
    return found, [len(row["input_ids"]) for row in rows]
