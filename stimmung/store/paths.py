"""Where adapters, what they answered and checkpoints live: a side folder, by what they were made from, no rule's output.

Snakemake deletes the outputs of a failed job and of one that it is about to run again. What stands here it does not know of, so a
finished adapter survives its failed siblings and is never trained again from the same inputs.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stimmung.engine.cohort.adapter_files import FILES
from stimmung.engine.cohort.batching import TrainingRow


@dataclass(frozen=True)
class Store:
    """A folder of adapters, answers, predictions and checkpoints, by key."""

    root: Path

    def adapter(self, key: str) -> Path:
        """Return the directory of a finished adapter, there or not."""
        return self.root / "adapters" / key

    def has(self, key: str) -> bool:
        """Return whether the adapter is finished."""
        return all((self.adapter(key) / name).exists() for name in FILES)

    def answers(self, key: str) -> Path:
        """Return the file of what an adapter answered, there or not."""
        return self.root / "answers" / f"{key}.json"

    def predictions(self, key: str) -> Path:
        """Return the predictions table of the adapters of one seed, there or not."""
        return self.root / "predictions" / f"{key}.parquet"

    def checkpoint(self, keys: Sequence[str]) -> Path:
        """Return the checkpoint file of a cohort, there or not."""
        return self.root / "checkpoints" / f"{digest_of_content(list(keys))}.safetensors"


def adapter_key(*, base_digest: str, data_digest: str, settings: dict[str, Any], seed: int, code: str) -> str:
    """Return the name of an adapter in the store: a digest of everything that its weights depend on."""
    return digest_of_content([base_digest, data_digest, settings, seed, code])


def data_digest(rows: Sequence[TrainingRow]) -> str:
    """Return the SHA-256 of training rows in their order."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps([row.input_ids, row.loss_from]).encode())
    return digest.hexdigest()


def digest_of_content(content: Any) -> str:
    """Return the SHA-256 of anything that JSON can hold."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
