"""Adapters as far as the store knows them: three files, the weights with safetensors' header."""

import json

import numpy as np
from safetensors.numpy import save_file

from stimmung.store.paths import CONFIG, RECORD, WEIGHTS


def write_adapter(folder, key, value=0.0):
    folder.mkdir(parents=True)
    save_file({"weight": np.full(2, value, dtype=np.float32)}, folder / WEIGHTS)
    (folder / RECORD).write_text(json.dumps({"key": key}))
    (folder / CONFIG).write_text("{}")
    return folder


def damage(folder, how):
    """Make an adapter's weights absent or cut off, without touching what they are linked to."""
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).unlink()
    if how == "cut off":
        (folder / WEIGHTS).write_bytes(content[:-1])
