"""The adapters of a job, taken from the store or trained, and exported: neither base nor GPU is touched if all are stored."""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from stimmung.engine.base.model_files import read_description
from stimmung.engine.cohort.memory_plan import load_base_for_training
from stimmung.engine.cohort.parallel import train_on_all_devices
from stimmung.engine.cohort.training_config import Task, adapter_keys, by_key
from stimmung.store.adapter_folders import export_adapter, reimport
from stimmung.store.lock import lock
from stimmung.store.paths import Store
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.training import Training

logger = logging.getLogger(__name__)


def train_missing(
    base: Path,
    training: Training,
    tasks: Sequence[Task],
    folders: Sequence[Path],
    store: Store,
    *,
    pace: Pace,
    stop: Callable[[], bool],
) -> list[str]:
    """Export each task's adapter to its folder, after training those that the store lacks; return their keys.

    ``base`` is the folder of a prepared base model. Adapters that ``folders`` hold already are put back into a store that was
    emptied. Raises what ``train_adapters`` raises, and Interrupted if ``stop`` was true while another job trained one of them.
    """
    keys = adapter_keys(read_description(base)["digest"], training, tasks)
    wanted = by_key(keys, tasks)
    with ExitStack() as stack:
        # In the same order everywhere, so that no two jobs wait for each other.
        locks = [
            stack.enter_context(lock(store.lock(key), wanted[key].name, stop=stop)) for key in sorted(wanted)
        ]

        def must_stop() -> bool:
            return stop() or any(one.is_lost() for one in locks)

        for folder in folders:
            reimport(folder, store)
        missing = [task for key, task in wanted.items() if not store.has(key)]
        logger.info("%d adapters, %d of them to be trained", len(keys), len(missing))
        if missing:
            # All of them, or a checkpoint would not be found: it is of adapters that trained together, finished ones included.
            loaded = load_base_for_training(base, training)
            train_on_all_devices(loaded, training, tasks, store, pace=pace, stop=must_stop)
        for folder, key in zip(folders, keys, strict=True):
            export_adapter(store.adapter(key), folder)
    return keys
