"""A job that finds another one at work on its outputs waits for it, and then takes what it made."""

import hashlib
import json
import os
import shutil
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from stimmung.store.lock import unless_made
from stimmung.vocabulary.atomic_files import whole
from stimmung.workflow.cached import VARIABLE

# Between the end of a job's script and the last of its links.
SECONDS_TO_MOVE = 30.0


@contextmanager
def once(snakemake: Any) -> Iterator[bool]:
    """Yield whether a script's outputs are still to be made, with their lock held.

    The other job is one that a killed ``snakemake`` left behind. Training has locks of its own, for each adapter.

    Parameters
    ----------
    snakemake
        The object that Snakemake gives a script. Its parameter ``store`` is the folder in which locks stand.
    """
    # The default would end the process with the lock still there, and a job on another host would wait until it is stale.
    signal.signal(signal.SIGTERM, _leave)
    outputs = [Path(output) for output in snakemake.output]
    with unless_made(outputs, identity(snakemake), Path(snakemake.params.store) / "locks") as wanted:
        if not wanted:
            left_in_cache(outputs)
            _own(outputs)
        yield wanted


def left_in_cache(outputs: Sequence[Path]) -> None:
    """Wait until the snakemake of another job that has made some outputs has moved them into the between-workflow cache.

    On a cluster each job has its own snakemake. Ours would otherwise move away what the other one is about to move, or the links
    that it leaves, each to where it points.
    """
    until = time.monotonic() + SECONDS_TO_MOVE
    others = [output for output in outputs if output.exists()]
    while os.environ.get(VARIABLE) and time.monotonic() < until and not all(map(Path.is_symlink, others)):
        time.sleep(0.2)


def identity(snakemake: Any) -> str:
    """Return a digest of what decides a job's outputs: its rule, wildcards, parameters, and the bytes of its inputs."""
    about = [snakemake.rule, *(sorted(part.items()) for part in (snakemake.wildcards, snakemake.params))]
    digest = hashlib.sha256(json.dumps(about, sort_keys=True, default=str).encode())
    for path in snakemake.input:
        with Path(path).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _own(outputs: Iterable[Path]) -> None:
    """Put a file in the place of each link, since our snakemake will move it into the cache."""
    for output in outputs:
        if output.is_symlink():
            with whole(output) as draft:
                shutil.copyfile(output, draft)


def _leave(number: int, frame: FrameType | None) -> None:
    del frame
    raise SystemExit(128 + number)
