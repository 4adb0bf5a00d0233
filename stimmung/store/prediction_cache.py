"""Predictions of several seeds, one seed after another: what a seed's adapters have predicted before comes from the store.

Snakemake deletes the table of a job that it is about to run again, as when a seed is added or a job was killed. A seed's own
table stands in the store, so that it is never predicted twice from the same adapters, prompts and settings.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from stimmung.store.adapter_manifest import TrainedAdapter, make_whole
from stimmung.store.paths import Store, digest_of_content
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import PREDICTIONS


def predict_seeds(
    predict: Callable[[int, list[Path]], pd.DataFrame],
    *,
    condition: str,
    seeds: Sequence[int],
    adapters: Sequence[TrainedAdapter],
    folds: Sequence[int],
    about: Any,
    store: Store,
    method: str,
) -> pd.DataFrame:
    """Return a predictions table of a condition with all seeds, in their order.

    Parameters
    ----------
    predict
        Takes a seed and the directories of its adapters by fold, and returns a predictions table without ``method`` and ``seed``.
    condition, seeds
        Whose predictions.
    adapters
        Theirs, and maybe others.
    folds
        Those for which each seed has an adapter; none for a method without any.
    about
        All else that decides what is predicted, as JSON can hold it.
    store
        Keeps each seed's table.
    method
        What the table calls it.

    Raises
    ------
    InputError
        If a list lacks an adapter, if one is lost whose seed is still to be predicted, or if a kept table is damaged.
    """
    tables = []
    for seed in seeds:
        own = _of_folds(adapters, condition, seed, folds)
        file = store.predictions(digest_of_content([about, seed, [one.key for one in own]]))
        if not file.exists():
            make_whole(own, store)
            predicted = predict(seed, [one.directory for one in own])
            write_table(predicted.assign(method=method, seed=seed), file, PREDICTIONS)
        tables.append(read_table(file, PREDICTIONS).assign(method=method))
    return pd.concat(tables, ignore_index=True)


def _of_folds(
    adapters: Sequence[TrainedAdapter], condition: str, seed: int, folds: Sequence[int]
) -> list[TrainedAdapter]:
    by_fold = {one.fold: one for one in adapters if (one.sample, one.seed) == (condition, seed)}
    if folds and set(by_fold) != set(folds):
        lists = ", ".join(dict.fromkeys(str(one.listed) for one in adapters))
        raise InputError(
            f"no adapter for each fold of {condition}, seed {seed}, in {lists}",
            "An older study may have written it: delete it and run snakemake again. Nothing is trained twice.",
        )
    return [by_fold[fold] for fold in folds]
