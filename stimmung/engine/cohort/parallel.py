"""All GPUs of a node: each trains a cohort of its own on a base of its own, in a process that asks nothing of the others."""

import logging
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import torch
from torch import multiprocessing

from stimmung.engine.base.base_model import Base
from stimmung.engine.base.devices import use_threads
from stimmung.engine.cohort.interruption import StopOnSignal
from stimmung.engine.cohort.memory_plan import load_base_for_training
from stimmung.engine.cohort.train import train_adapters
from stimmung.engine.cohort.training_config import Task, adapter_keys, by_key
from stimmung.store.paths import Store
from stimmung.vocabulary.errors import InputError, Interrupted, warn
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.redacted_traceback import redacted_traceback
from stimmung.vocabulary.training import Training

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5


def train_on_all_devices(
    base: Base,
    training: Training,
    tasks: Sequence[Task],
    store: Store,
    *,
    pace: Pace,
    stop: Callable[[], bool] = lambda: False,
    n_devices: int | None = None,
) -> list[str]:
    """Train all tasks as :func:`train_adapters` does, every n-th one on each of ``n_devices``, by default all GPUs that it sees.

    This process works on the first device, with its own base. What another process did not finish, because it failed, was killed
    or ran out of memory, is said in one line and trained here in the end, so that errors are reported in one place. A job that is
    resumed with another number of devices keeps what was finished, but not the checkpoints of the rest.
    """
    wanted = by_key(adapter_keys(base.digest, training, tasks), tasks)
    n = min(len(wanted), n_devices or max(1, torch.cuda.device_count()))
    first, *shares = [dict(list(wanted.items())[device::n]) for device in range(n)]
    context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
    settings = (base.path, training, store, pace, torch.get_num_threads())
    others = {
        device: context.Process(target=_train, args=(device, list(share.values()), *settings), daemon=True)
        for device, share in enumerate(shares, 1)
        if not all(map(store.has, share))
    }
    try:
        for process in others.values():
            process.start()
        if others:
            # An adapter that fails here must not end the others' training; it is trained again, and reported, below.
            with suppress(InputError):
                train_adapters(base, training, list(first.values()), store, pace=pace, stop=stop)
        for process in others.values():
            while process.is_alive() and not stop():
                process.join(POLL_SECONDS)
    finally:
        # After a signal, or an error here: each writes its checkpoint and ends.
        for process in others.values():
            if process.is_alive():
                process.terminate()
        for process in others.values():
            if process.pid is not None:
                process.join()
    for device, process in others.items():
        n_left = sum(not store.has(key) for key in shares[device - 1])
        if process.exitcode and n_left and not stop():
            how = _end_of(process.exitcode)
            warn(
                logger, f"device {device}: {how}; the {n_left} adapters that it left are trained on device 0"
            )
    return train_adapters(base, training, tasks, store, pace=pace, stop=stop)


def _end_of(exit_code: int) -> str:
    if exit_code < 0:
        return f"its process was killed by {signal.Signals(-exit_code).name}"
    return f"its process ended with exit code {exit_code}"


def _train(
    device: int, tasks: Sequence[Task], path: str, training: Training, store: Store, pace: Pace, threads: int
) -> None:
    """Train the share of a further device, in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process hears it and says what to do
    asked, first = StopOnSignal(), multiprocessing.parent_process()

    def stop() -> bool:
        # If the first process was killed, its locks are void, and this one must not go on beside the next job.
        return asked() or (first is not None and not first.is_alive())

    use_threads(threads)
    try:
        if torch.cuda.is_available():
            torch.cuda.set_device(device)
        base = load_base_for_training(Path(path), training)
        train_adapters(base, training, tasks, store, pace=pace, stop=stop)
    except (Interrupted, InputError):
        raise SystemExit(1) from None
    except Exception as error:
        # The first process trains what is missing and reports what is wrong; Python would print data that the error quotes.
        print(redacted_traceback(error), file=sys.stderr)
        raise SystemExit(1) from None
