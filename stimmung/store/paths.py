"""The store: a folder where finished work is kept by its key; Snakemake, which deletes a failed job's outputs, does not know it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stimmung.store.keys import digest_of_content

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
RECORD = "training.json"
# An adapter's files. The weights come last: where they are, the others are too.
FILES = (CONFIG, RECORD, WEIGHTS)


@dataclass(frozen=True)
class Store:
    """Where adapters, answers, predictions, prepared models, checkpoints and locks are, whether or not they exist yet."""

    root: Path

    def adapter(self, key: str) -> Path:
        """Return the folder of a finished adapter."""
        return self.root / "adapters" / key

    def has(self, key: str) -> bool:
        """Return whether the adapter is finished."""
        return all((self.adapter(key) / name).exists() for name in FILES)

    def answers(self, key: str) -> Path:
        """Return the file of an adapter's answers to a panel's questions."""
        return self.root / "answers" / f"{key}.json"

    def predictions(self, key: str) -> Path:
        """Return the predictions table of one seed."""
        return self.root / "predictions" / f"{key}.parquet"

    def model(self, key: str) -> Path:
        """Return the folder of a prepared base model."""
        return self.root / "models" / key

    def checkpoint(self, keys: Sequence[str]) -> Path:
        """Return the checkpoint of the adapters that are trained together."""
        return self.root / "checkpoints" / f"{digest_of_content(list(keys))}.safetensors"

    def lock(self, key: str) -> Path:
        """Return the lock file of whatever has this key."""
        return self.root / "locks" / key
