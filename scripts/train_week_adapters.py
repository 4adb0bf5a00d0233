"""Tune adapters of some weeks of a panel, one for each week and seed."""

from pathlib import Path

from stimmung.engine.base.devices import use_threads
from stimmung.engine.base.model_files import load_tokenizer
from stimmung.engine.cohort.interruption import StopOnSignal
from stimmung.engine.cohort.missing_adapters import train_missing
from stimmung.engine.cohort.training_config import Task
from stimmung.engine.scoring.panel_scoring import post_rows
from stimmung.store.adapter_manifest import WeekAdapter, adapter_folder, write_manifest
from stimmung.store.paths import Store
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import POSTS
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.training import Training
from stimmung.workflow.run import run


def train_week_adapters(
    *,
    base: Path,
    record: Path,
    manifest: Path,
    posts: Path,
    weeks: list[str],
    seeds: list[int],
    min_posts: int,
    skip_small_weeks: bool,
    training: Training,
    pace: Pace,
    store: Path,
    threads: int,
) -> None:
    """Write ``manifest``, the list of the adapters in the folders beside it; ``record`` only makes the job wait for the posts."""
    del record
    tables = {week: read_table(posts / f"{week}.parquet", POSTS) for week in weeks}
    few = [f"{week}: {len(table)}" for week, table in tables.items() if len(table) < min_posts]
    if few and not skip_small_weeks:
        raise InputError(
            f"weeks with fewer than {min_posts} posts: {', '.join(few)}",
            "The panel's `too_few_posts: skip` leaves such weeks out; `min_posts` sets the limit.",
        )
    use_threads(threads)
    tokenizer = load_tokenizer(base.parent)
    rows = {
        week: post_rows(tokenizer, list(table.text), training.block_size)
        for week, table in tables.items()
        if len(table) >= min_posts
    }
    wanted = [(week, seed) for week in rows for seed in seeds]
    tasks = [Task(f"week {week}, seed {seed}", rows[week], seed) for week, seed in wanted]
    folders = [adapter_folder(manifest, week, seed) for week, seed in wanted]
    keys = train_missing(base.parent, training, tasks, folders, Store(store), pace=pace, stop=StopOnSignal())
    adapters = [
        WeekAdapter(folder, key, week, seed)
        for folder, key, (week, seed) in zip(folders, keys, wanted, strict=True)
    ]
    write_manifest(adapters, manifest)


if __name__ == "__main__":
    run(train_week_adapters, snakemake)
