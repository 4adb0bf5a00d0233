"""Tune the adapters of some weeks of a panel, one for each week and seed, as one cohort on one base."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stimmung.engine.base import load_base
from stimmung.engine.devices import use_threads
from stimmung.engine.interruption import StopOnSignal
from stimmung.engine.locks import only_one
from stimmung.engine.parallel import train_on_all_devices
from stimmung.engine.recipe import Pace, Recipe, Task, keys_of
from stimmung.engine.store import Store
from stimmung.engine.trained_adapters import TrainedAdapter, list_adapters, take_back
from stimmung.engine.weeks import post_rows
from stimmung.study.job import job
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import POSTS
from stimmung.vocabulary.tables import read_table

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def train_week_adapters(
    *,
    base: Path,
    posts: Mapping[str, Path],
    seeds: Sequence[int],
    min_posts: int,
    training: dict[str, Any],
    pace: dict[str, Any],
    code: str,
    threads: int,
    store: Path,
    output: Path,
) -> None:
    """Write the list of adapters, ``output``, and beside it ``{week}/seed-{seed}/`` for each week of ``posts``."""
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
    tasks = {
        (week, seed): Task(f"week {week}, seed {seed}", rows[week], seed) for week in tables for seed in seeds
    }
    recipe, wanted = Recipe.from_config(training), list(tasks.values())
    trained = [
        TrainedAdapter(output, f"{week}/seed-{seed}", key, week, seed)
        for (week, seed), key in zip(tasks, keys_of(loaded.digest, recipe, wanted, code), strict=True)
    ]
    with only_one(loaded, recipe, wanted, Store(store), code=code, stop=StopOnSignal()) as stop:
        take_back(trained, Store(store))
        train_on_all_devices(loaded, recipe, wanted, Store(store), pace=Pace(**pace), code=code, stop=stop)
    list_adapters(trained, Store(store), output)


if __name__ == "__main__":
    with job(snakemake):
        train_week_adapters(
            base=Path(snakemake.input.base).parent,
            posts=dict(zip(snakemake.params.weeks, map(Path, snakemake.input.posts), strict=True)),
            seeds=snakemake.params.seeds,
            min_posts=snakemake.params.min_posts,
            training=snakemake.params.training,
            pace=snakemake.params.pace,
            code=snakemake.params.code,
            threads=snakemake.threads,
            store=Path(snakemake.params.store),
            output=Path(snakemake.output.trained),
        )
