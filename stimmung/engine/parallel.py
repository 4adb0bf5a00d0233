"""All GPUs of a node: each trains a cohort of its own on a base of its own.

Adapters have nothing to do with each other, so the devices need not talk: a process for each further one, no gradients between them.
Not through accelerate (1.15): its launchers fork, which CUDA does not survive once a base is loaded, refuse to start once
bitsandbytes is imported, open a process group that nobody here would talk over, and end all processes when one fails.
"""

import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import multiprocessing

from stimmung.engine.base import Base, load_base
from stimmung.engine.devices import use_threads
from stimmung.engine.interruption import StopOnSignal
from stimmung.engine.recipe import Pace, Recipe, Task
from stimmung.engine.store import Store
from stimmung.engine.training import train_adapters
from stimmung.vocabulary.errors import InputError, Interrupted
from stimmung.vocabulary.stacks import stack_of

ASKED_EVERY_SECONDS = 0.5


def train_on_all_devices(
    base: Base,
    recipe: Recipe,
    tasks: Sequence[Task],
    store: Store,
    *,
    pace: Pace,
    code: str = "",
    stop: Callable[[], bool] = lambda: False,
    n_devices: int | None = None,
) -> list[str]:
    """Train all tasks as :func:`train_adapters` does, spread over the GPUs that this process sees.

    This process works on the first device, with the base that it has. What another process did not finish, because it failed or ran
    out of memory, is trained here in the end, so that there is one place where errors are told. A job that is resumed with another
    number of devices keeps what was finished, but not the checkpoints of what was not.

    Parameters
    ----------
    base, recipe, tasks, store, pace, code, stop
        As for ``train_adapters``.
    n_devices
        How many processes; none: one for each GPU, one without a GPU.
    """
    n = min(len(tasks), n_devices or max(1, torch.cuda.device_count()))
    if n < 2:
        return train_adapters(base, recipe, tasks, store, pace=pace, code=code, stop=stop)
    others = [
        _begin(base.path, recipe, tasks[device::n], store, pace, code, device) for device in range(1, n)
    ]
    try:
        train_adapters(base, recipe, tasks[::n], store, pace=pace, code=code, stop=stop)
        for process in others:
            while process.is_alive() and not stop():
                process.join(ASKED_EVERY_SECONDS)
    finally:
        # After a signal, or an error here: each writes its checkpoint and ends.
        for process in others:
            if process.is_alive():
                process.terminate()
        for process in others:
            process.join()
    return train_adapters(base, recipe, tasks, store, pace=pace, code=code, stop=stop)


def _begin(
    path: str, recipe: Recipe, tasks: Sequence[Task], store: Store, pace: Pace, code: str, device: int
) -> "multiprocessing.Process":
    """Start a process that trains ``tasks`` on a device. Spawned, since CUDA does not survive a fork."""
    context = multiprocessing.get_context("spawn")
    arguments = (path, recipe, tasks, store, pace, code, device, torch.get_num_threads())
    process = context.Process(target=_train, args=arguments, daemon=True)
    process.start()
    return process


def _train(
    path: str,
    recipe: Recipe,
    tasks: Sequence[Task],
    store: Store,
    pace: Pace,
    code: str,
    device: int,
    threads: int,
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process hears it and says what to do
    stop = StopOnSignal()
    use_threads(threads)
    if torch.cuda.is_available():
        torch.cuda.set_device(device)
    try:
        train_adapters(load_base(Path(path)), recipe, tasks, store, pace=pace, code=code, stop=stop)
    except (Interrupted, InputError):
        raise SystemExit(1) from None
    except Exception as error:
        # The first process trains what is missing, and tells what is wrong; Python would print what the error quotes.
        print(stack_of(error), file=sys.stderr)
        raise SystemExit(1) from None
