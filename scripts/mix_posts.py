"""Mix joyful and sad posts with known shares: the constructed weeks of the internal check."""

from pathlib import Path

import pyarrow as pa

from stimmung.data.posts.cleaning import clean_texts
from stimmung.data.posts.post_weeks import keep_if_equal
from stimmung.data.simulate.mood_mix import mix_posts as mix_labelled_posts
from stimmung.data.simulate.mood_mix import read_labelled_posts, simulate_labelled_posts
from stimmung.study.panels import Mix
from stimmung.vocabulary.moods_schemas import POSTS, TRACKER
from stimmung.vocabulary.parquet_tables import write_table
from stimmung.vocabulary.posts import Cleaning, PostFormat
from stimmung.vocabulary.weeks import Weeks
from stimmung.workflow.run import run


def mix_posts(
    *, mix: Mix, format: PostFormat, weeks: Weeks, cleaning: Cleaning, posts: Path, tracker: Path
) -> None:
    """Write ``posts/{week}.parquet`` where it is new, and the known shares as the tracker to compare with."""
    if mix.source == "simulated":
        labelled = simulate_labelled_posts(mix.n_posts, mix.seed)
    else:
        labelled = read_labelled_posts(Path(mix.source), mix.columns, format)
    cleaned = clean_texts(pa.array(labelled["text"].tolist(), pa.string()), cleaning).to_pylist()
    labelled = labelled.assign(text=cleaned).query("text != ''")
    tables, truth = mix_labelled_posts(
        labelled, weeks, shares=mix.joy_shares, n_posts=mix.n_posts, options=mix.options, seed=mix.seed
    )
    for week, table in tables.items():
        draft = posts / f".{week}.parquet"
        write_table(table, draft, POSTS)
        keep_if_equal(draft, posts / f"{week}.parquet")
    write_table(truth, tracker, TRACKER)


if __name__ == "__main__":
    run(mix_posts, snakemake)
