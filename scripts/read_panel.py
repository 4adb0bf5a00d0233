"""Read the posts of a panel into a table for each week, and say what was dropped and why."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from stimmung.data.posts.authors import load_salt
from stimmung.data.posts.cleaning import clean_texts, is_emoji_only
from stimmung.data.posts.panel_reader import PostReader
from stimmung.data.posts.panel_reader import read_panel as read_all
from stimmung.data.posts.post_files import find_post_files
from stimmung.vocabulary.atomic_files import write_json
from stimmung.vocabulary.posts import Cleaning, PostColumns, PostFilters, PostFormat
from stimmung.vocabulary.weeks import Weeks
from stimmung.workflow.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def read_panel(
    *,
    files: Sequence[str],
    columns: PostColumns,
    layout: PostFormat,
    weeks: Weeks,
    cleaning: Cleaning,
    filters: PostFilters,
    salt_file: Path,
    posts: Path,
    report: Path,
) -> None:
    """Write ``posts/{week}.parquet`` where it is new, and the report."""
    reader = PostReader(
        columns=columns,
        layout=layout,
        weeks=weeks,
        filters=filters,
        clean=partial(clean_texts, cleaning=cleaning),
        is_emoji_only=is_emoji_only,
        salt=load_salt(salt_file),
    )
    write_json(read_all(find_post_files(files, weeks.labels()), reader, posts), report)


if __name__ == "__main__":
    with job(snakemake):
        read_panel(
            files=snakemake.params.files,
            columns=PostColumns(**snakemake.params.columns),
            layout=PostFormat(**snakemake.params.format),
            weeks=Weeks(**snakemake.params.weeks),
            cleaning=Cleaning(**snakemake.params.cleaning),
            filters=PostFilters(**snakemake.params.filters),
            salt_file=Path(snakemake.params.salt_file),
            posts=Path(snakemake.params.posts),
            report=Path(snakemake.output.report),
        )
