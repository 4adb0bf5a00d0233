"""What is shared through Snakemake's between-workflow cache: prepared models, and in a group's store what they say."""

import os
import stat
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from stimmung.vocabulary.errors import InputError

VARIABLE = "SNAKEMAKE_OUTPUT_CACHE"
MODEL_RULES = {"build_tiny", "prepare_model"}


@dataclass(frozen=True)
class Cached:
    """Whether ``models`` are taken from the cache and left there, and whether lists of adapters, answers and predictions are."""

    models: bool
    results: bool


def cached_or_exit(asked: Collection[str] | None, store: Path) -> Cached:
    """Return what is cached; if the cache cannot be used as it is asked for, say so and exit with 1.

    A list of adapters is of use where these are: in the store. So results are cached if the cache is a folder in it. What is in
    the cache can be read by all who reach it, and predictions are by respondent: such a cache must be closed to others.

    Snakemake itself tells that of a missing folder after the job, and removes what the job made. Of a folder that is
    named from here, its links lead nowhere; without a name it ends with a traceback.

    Parameters
    ----------
    asked
        The rules that ``--cache`` names, none for all; None if there was no ``--cache``.
    store
        The folder of adapters and checkpoints, or a link to it.
    """
    if asked is None:
        return Cached(models=False, results=False)
    place = os.environ.get(VARIABLE, "")
    # A storage of Snakemake's is named by its address.
    remote = "://" in place
    if not remote and not (place.startswith("/") and os.access(place, os.W_OK | os.X_OK)):
        _exit(
            f"--cache needs the full path of a folder that you can write to in {VARIABLE}; it is {place or 'not set'}",
            f"Make the folder with `mkdir`, and set the variable as in `export {VARIABLE}=/group/cache`.",
        )
    in_store = not remote and Path(place).resolve().is_relative_to(store.resolve())
    if not in_store and (others := sorted(set(asked) - MODEL_RULES)):
        _exit(
            f"--cache {' '.join(others)} needs a cache in the store, where the adapters are; {VARIABLE} is {place}",
            f"Make the folder `cache` in {store}, and set the variable to its full path; docs/executors.md says how a group does it.",
        )
    if in_store and not (_is_closed(Path(place)) or _is_closed(store)):
        _exit(
            f"{VARIABLE} is {place}, which everybody on this machine can enter, and predictions by respondent would stand there",
            f"Close it with `chmod o= {place}`.",
        )
    return Cached(models=True, results=in_store)


def _is_closed(folder: Path) -> bool:
    return not folder.stat().st_mode & stat.S_IXOTH


def _exit(problem: str, hint: str) -> None:
    print(InputError(problem, hint), file=sys.stderr)
    raise SystemExit(1)
