"""The manifest of a panel's adapters, which are in folders beside it: which weeks have any is known once the posts are read."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stimmung.vocabulary.atomic_files import write_json
from stimmung.vocabulary.errors import InputError


@dataclass(frozen=True)
class WeekAdapter:
    """An adapter tuned on a week's posts: its folder, its key in the store, its week and its seed."""

    directory: Path
    key: str
    week: str
    seed: int


def adapter_folder(manifest: Path, week: str, seed: int) -> Path:
    """Return the folder of an adapter that a manifest lists."""
    return manifest.parent / week / f"seed-{seed}"


def write_manifest(adapters: Sequence[WeekAdapter], manifest: Path) -> None:
    """Write week, seed and key of some adapters."""
    write_json([{"week": one.week, "seed": one.seed, "key": one.key} for one in adapters], manifest)


def read_manifests(manifests: Sequence[Path]) -> list[WeekAdapter]:
    """Return the adapters of all manifests, in their order; raise InputError if a manifest cannot be read."""
    adapters = []
    for manifest in manifests:
        try:
            for one in json.loads(manifest.read_text(encoding="utf-8")):
                folder = adapter_folder(manifest, one["week"], one["seed"])
                adapters.append(WeekAdapter(folder, one["key"], one["week"], one["seed"]))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InputError(
                f"{manifest} is not a manifest of adapters", "Delete it and run snakemake again."
            ) from error
    return adapters
