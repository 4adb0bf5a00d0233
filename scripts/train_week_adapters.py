"""Tune adapters of some weeks of a panel, each for a week and a seed, as one cohort on one base."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stimmung.engine.base.base_model import load_base
from stimmung.engine.base.devices import use_threads
from stimmung.engine.cohort.interruption import StopOnSignal
from stimmung.engine.cohort.parallel import train_on_all_devices
from stimmung.engine.cohort.training_config import Pace, Recipe, Task, keys_of
from stimmung.engine.scoring.panel_scoring import post_rows
from stimmung.store.adapter_manifest import TrainedAdapter, list_adapters, take_back
from stimmung.store.lock import only_one
from stimmung.store.paths import Store
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import POSTS
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.workflow.job import job
from stimmung.workflow.measured import measured
from stimmung.workflow.wait_for_twin_job import left_in_cache

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def train_week_adapters(
    *,
    base: Path,
    posts: Mapping[str, Path],
    adapters: Sequence[tuple[str, int]],
    min_posts: int,
    training: dict[str, Any],
    pace: dict[str, Any],
    code: str,
    threads: int,
    store: Path,
    output: Path,
) -> None:
    """Write the list of ``adapters``, ``output``, and beside it ``{week}/seed-{seed}/`` for each of them.

    An adapter is told by week and seed, and trained on the ``posts`` of its week.
    """
    tables = {week: read_table(path, POSTS) for week, path in posts.items()}
    few = [f"{week}: {len(table)}" for week, table in tables.items() if len(table) < min_posts]
    if few:
        raise InputError(
            f"weeks with fewer than {min_posts} posts: {', '.join(few)}",
            "The panel's `too_few_posts: skip` leaves such weeks out; `min_posts` says what is too few.",
        )
    use_threads(threads)
    loaded = load_base(base)
    rows = {
        week: post_rows(loaded.tokenizer, list(table.text), training["block_size"])
        for week, table in tables.items()
    }
    tasks = [Task(f"week {week}, seed {seed}", rows[week], seed) for week, seed in adapters]
    recipe = Recipe.from_config(training)
    trained = [
        TrainedAdapter(output, f"{week}/seed-{seed}", key, week, seed)
        for (week, seed), key in zip(adapters, keys_of(loaded.digest, recipe, tasks, code), strict=True)
    ]
    with only_one(loaded, recipe, tasks, Store(store), code=code, stop=StopOnSignal()) as stop:
        take_back(trained, Store(store))
        train_on_all_devices(loaded, recipe, tasks, Store(store), pace=Pace(**pace), code=code, stop=stop)
        left_in_cache([output])
        list_adapters(trained, Store(store), output)


if __name__ == "__main__":
    with job(snakemake), measured(Path(snakemake.log.cost)):
        weeks = dict.fromkeys(week for week, _ in snakemake.params.adapters)
        train_week_adapters(
            base=Path(snakemake.input.base).parent,
            posts=dict(zip(weeks, map(Path, snakemake.input.posts), strict=True)),
            adapters=snakemake.params.adapters,
            min_posts=snakemake.params.min_posts,
            training=snakemake.params.training,
            pace=snakemake.params.pace,
            code=snakemake.params.code,
            threads=snakemake.threads,
            store=Path(snakemake.params.store),
            output=Path(snakemake.output.trained),
        )
