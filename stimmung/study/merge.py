"""A study's files laid over config.yaml, as Snakemake merges them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stimmung.study.reading import read_yaml
from stimmung.vocabulary.errors import InputError


def merged_config(files: Sequence[Path], root: Path = Path()) -> dict[str, Any]:
    """Return config.yaml with the files laid over it, as ``--configfile`` does; raises InputError if one is not a map of keys."""
    config: dict[str, Any] = {}
    for path in [root / "config.yaml", *files]:
        content = read_yaml(path, "config", "Run this in the folder of the Snakefile.") or {}
        if not isinstance(content, dict):
            raise InputError(f"{path} is not a map of keys", "studies/beps1997.yaml is a short example.")
        config = _merged(config, content)
    return config


def _merged(below: Any, above: Any) -> Any:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return {**below, **{key: _merged(below.get(key), value) for key, value in above.items()}}
