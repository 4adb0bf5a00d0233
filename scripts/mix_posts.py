"""Mix joyful and sad posts with known shares: the constructed weeks of the internal check."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from stimmung.data.posts.cleaning import clean_texts
from stimmung.data.simulate.mood_mix import mix_posts as mix
from stimmung.data.simulate.mood_mix import read_goemotions, simulate_labelled_posts
from stimmung.vocabulary.moods_schemas import POSTS, TRACKER
from stimmung.vocabulary.parquet_tables import write_table
from stimmung.vocabulary.posts import Cleaning
from stimmung.vocabulary.weeks import Weeks
from stimmung.workflow.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def mix_posts(
    *,
    source: str,
    weeks: Weeks,
    joy_shares: Sequence[float],
    n_posts: int,
    options: Mapping[str, str],
    seed: int,
    cleaning: Cleaning,
    posts: Path,
    tracker: Path,
) -> None:
    """Write ``posts/{week}.parquet``, and the known shares as the tracker to compare with."""
    simulated = source == "simulated"
    labelled = simulate_labelled_posts(n_posts, seed) if simulated else read_goemotions(Path(source))
    cleaned = clean_texts(pa.array(labelled["text"].tolist(), pa.string()), cleaning).to_pylist()
    labelled = labelled.assign(text=cleaned).query("text != ''")
    tables, truth = mix(labelled, weeks, shares=joy_shares, n_posts=n_posts, options=options, seed=seed)
    for week, table in tables.items():
        write_table(table, posts / f"{week}.parquet", POSTS)
    write_table(truth, tracker, TRACKER)


if __name__ == "__main__":
    with job(snakemake):
        mix_posts(
            **snakemake.params.mix,
            weeks=Weeks(**snakemake.params.weeks),
            cleaning=Cleaning(**snakemake.params.cleaning),
            posts=Path(snakemake.params.posts),
            tracker=Path(snakemake.output.tracker),
        )
