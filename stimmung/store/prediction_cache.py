"""Predictions kept by key, so that none is computed twice from the same adapters, prompts and settings."""

from collections.abc import Callable

import pandas as pd

from stimmung.store.lock import lock
from stimmung.store.paths import Store
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import PREDICTIONS


def cached_predictions(
    store: Store,
    key: str,
    what: str,
    predict: Callable[[], pd.DataFrame],
    *,
    stop: Callable[[], bool] = lambda: False,
) -> pd.DataFrame:
    """Return the predictions table with this ``key`` from the store, or ``predict`` it, once even if several jobs ask for it.

    ``what`` is the table's name in messages; ``stop`` is asked while waiting for another job.

    Raises InputError if the kept table is damaged, and Interrupted if ``stop`` was true.
    """
    file = store.predictions(key)
    if not file.exists():
        with lock(store.lock(key), what, stop=stop):
            if not file.exists():
                write_table(predict(), file, PREDICTIONS)
    return read_table(file, PREDICTIONS)
