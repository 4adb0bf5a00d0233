"""Predictions kept by key, so that none is computed twice from the same adapters, prompts and settings."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack

import pandas as pd

from stimmung.store.lock import lock
from stimmung.store.paths import Store
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import PREDICTIONS


def cached_predictions(
    store: Store,
    keys: Sequence[str],
    what: str,
    predict: Callable[[Sequence[int]], Sequence[pd.DataFrame]],
    *,
    stop: Callable[[], bool] = lambda: False,
) -> list[pd.DataFrame]:
    """Return the predictions table of each of ``keys`` from the store; what it lacks is predicted, once even if several jobs ask.

    ``predict`` gets the places of the keys whose tables the store lacks, and returns these. ``what`` is the tables' name in
    messages; ``stop`` is asked while waiting for another job.

    Raises InputError if a kept table is damaged, and Interrupted if ``stop`` was true.
    """
    files = [store.predictions(key) for key in keys]
    if not all(file.exists() for file in files):
        with ExitStack() as stack:
            # In the same order everywhere, so that no two jobs wait for each other.
            for key in sorted(set(keys)):
                stack.enter_context(lock(store.lock(key), what, stop=stop))
            missing = [place for place, file in enumerate(files) if not file.exists()]
            if missing:
                for place, table in zip(missing, predict(missing), strict=True):
                    write_table(table, files[place], PREDICTIONS)
    return [read_table(file, PREDICTIONS) for file in files]
