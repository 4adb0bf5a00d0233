"""All GPUs of a node: each trains a cohort of its own on a base of its own, in a process that asks nothing of the others."""

import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import multiprocessing

from stimmung.engine.base.base_model import Base, load_base
from stimmung.engine.base.devices import use_threads
from stimmung.engine.cohort.interruption import StopOnSignal
from stimmung.engine.cohort.train import train_adapters
from stimmung.engine.cohort.training_config import Task, adapter_keys, by_key
from stimmung.store.paths import Store
from stimmung.vocabulary.errors import InputError, Interrupted
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.redacted_traceback import redacted_traceback
from stimmung.vocabulary.training import Training

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

    This process works on the first device, with its own base. What another process did not finish, because it failed or ran
    out of memory, is trained here in the end, so that errors are reported in one place. A job that is resumed with another
    number of devices keeps what was finished, but not the checkpoints of the rest.
    """
    wanted = list(by_key(adapter_keys(base.digest, training, tasks), tasks).values())
    n = min(len(wanted), n_devices or max(1, torch.cuda.device_count()))
    context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
    settings = (base.path, training, store, pace, torch.get_num_threads())
    others = [
        context.Process(target=_train, args=(device, wanted[device::n], *settings), daemon=True)
        for device in range(1, n)
    ]
    try:
        for process in others:
            process.start()
        if others:
            train_adapters(base, training, wanted[::n], store, pace=pace, stop=stop)
        for process in others:
            while process.is_alive() and not stop():
                process.join(POLL_SECONDS)
    finally:
        # After a signal, or an error here: each writes its checkpoint and ends.
        for process in others:
            if process.is_alive():
                process.terminate()
        for process in others:
            if process.pid is not None:
                process.join()
    return train_adapters(base, training, tasks, store, pace=pace, stop=stop)


def _train(
    device: int, tasks: Sequence[Task], path: str, training: Training, store: Store, pace: Pace, threads: int
) -> None:
    """Train the share of a further device, in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process hears it and says what to do
    stop = StopOnSignal()
    use_threads(threads)
    try:
        if torch.cuda.is_available():
            torch.cuda.set_device(device)
        train_adapters(load_base(Path(path)), training, tasks, store, pace=pace, stop=stop)
    except (Interrupted, InputError):
        raise SystemExit(1) from None
    except Exception as error:
        # The first process trains what is missing and reports what is wrong; Python would print data that the error quotes.
        print(redacted_traceback(error), file=sys.stderr)
        raise SystemExit(1) from None
