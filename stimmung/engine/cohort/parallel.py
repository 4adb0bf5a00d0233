"""All GPUs of a node: each trains a cohort of its own on a base of its own.

Accelerate tells each process its device and its share. Its launchers are not used: they fork, which CUDA does not survive once a
base is loaded, refuse to start once bitsandbytes is imported, and end all processes when one fails. Adapters are independent of
each other, so after the processes have met they do not communicate, and none waits for another.
"""

import logging
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from accelerate import PartialState
from accelerate.utils import patch_environment
from torch import distributed, multiprocessing
from torch.distributed import FileStore

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

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5
# Until then all processes must have imported their libraries, also from a slow file system.
MET_WITHIN = timedelta(minutes=5)


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
    """Train all tasks as :func:`train_adapters` does, spread over the GPUs that this process sees.

    This process works on the first device, with its own base. What another process did not finish, because it failed or ran
    out of memory, is trained here in the end, so that errors are reported in one place. A job that is resumed with another
    number of devices keeps what was finished, but not the checkpoints of the rest.

    There are ``n_devices`` processes; by default one for each GPU, or one if there is none.
    """
    wanted = list(by_key(adapter_keys(base.digest, training, tasks), tasks).values())
    n = min(len(wanted), n_devices or max(1, torch.cuda.device_count()))
    if n < 2:
        return train_adapters(base, training, tasks, store, pace=pace, stop=stop)
    with TemporaryDirectory() as folder:
        meeting, threads = Path(folder) / "meeting", torch.get_num_threads()
        train = partial(_train, base.path, training, wanted, store, pace, threads, n, meeting)
        # Spawned, since CUDA does not survive a fork.
        context = multiprocessing.get_context("spawn")
        others = [context.Process(target=train, args=(device,), daemon=True) for device in range(1, n)]
        try:
            for process in others:
                process.start()
            with _share(wanted, 0, n, meeting) as own:
                train_adapters(base, training, own, store, pace=pace, stop=stop)
            for process in others:
                while process.is_alive() and not stop():
                    process.join(POLL_SECONDS)
        except TimeoutError as error:
            logger.warning("%s: training on the first one alone", error)
        finally:
            # After a signal, or an error here: each writes its checkpoint and ends.
            for process in others:
                if process.is_alive():
                    process.terminate()
            for process in others:
                process.join()
    return train_adapters(base, training, tasks, store, pace=pace, stop=stop)


@contextmanager
def _share(tasks: Sequence[Task], device: int, n_devices: int, meeting: Path) -> Iterator[list[Task]]:
    """Meet the other processes at a file and make ``device`` the current one; yield the tasks to be trained on it.

    Raises
    ------
    TimeoutError
        If not all have come within ``MET_WITHIN``.
    """
    place = {"RANK": device, "LOCAL_RANK": device, "WORLD_SIZE": n_devices, "LOCAL_WORLD_SIZE": n_devices}
    # Else gloo looks for the host's name, which not every cluster can resolve, and accelerate chooses a number of threads. NCCL is
    # not used, but without its two variables accelerate refuses to work on GeForce cards.
    quiet = {"GLOO_SOCKET_IFNAME": "lo", "NCCL_P2P_DISABLE": 1, "NCCL_IB_DISABLE": 1}
    with patch_environment(**place, **quiet, OMP_NUM_THREADS=torch.get_num_threads()):
        try:
            state = _meet(device, n_devices, meeting)
            with state.split_between_processes(list(tasks)) as own:
                yield own
        finally:
            if distributed.is_initialized():
                distributed.destroy_process_group()
            PartialState._reset_state()


def _meet(device: int, n_devices: int, meeting: Path) -> PartialState:
    # A library may have initialised accelerate in this process, which keeps the first state whatever is requested later.
    PartialState._reset_state()
    try:
        return PartialState(
            cpu=not torch.cuda.is_available(),
            backend="gloo",
            store=FileStore(str(meeting), n_devices),
            rank=device,
            world_size=n_devices,
            timeout=MET_WITHIN,
        )
    except RuntimeError as error:  # torch's way of saying that it waited too long
        raise TimeoutError(f"not all {n_devices} devices were ready within {MET_WITHIN}") from error


def _train(
    path: str,
    training: Training,
    tasks: Sequence[Task],
    store: Store,
    pace: Pace,
    threads: int,
    n_devices: int,
    meeting: Path,
    device: int,
) -> None:
    """Train the share of a further device, in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process hears it and says what to do
    stop = StopOnSignal()
    use_threads(threads)
    try:
        with _share(tasks, device, n_devices, meeting) as own:
            train_adapters(load_base(Path(path)), training, own, store, pace=pace, stop=stop)
    except (Interrupted, InputError, TimeoutError):
        raise SystemExit(1) from None
    except Exception as error:
        # The first process trains what is missing and reports what is wrong; Python would print data that the error quotes.
        print(redacted_traceback(error), file=sys.stderr)
        raise SystemExit(1) from None
