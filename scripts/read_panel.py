"""Read the posts of a panel into a table for each week, and say what was dropped and why."""

from pathlib import Path

from stimmung.data.posts.authors import load_salt
from stimmung.data.posts.panel_reader import PostReader
from stimmung.data.posts.panel_reader import read_panel as read_files
from stimmung.data.posts.post_files import find_post_files
from stimmung.vocabulary.atomic_files import write_json
from stimmung.vocabulary.posts import Cleaning, PostColumns, PostFilters, PostFormat
from stimmung.vocabulary.weeks import Weeks
from stimmung.workflow.run import run


def read_panel(
    *,
    files: list[str],
    columns: PostColumns,
    format: PostFormat,
    weeks: Weeks,
    cleaning: Cleaning,
    filters: PostFilters,
    salt_file: Path,
    posts: Path,
    report: Path,
) -> None:
    """Write ``posts/{week}.parquet`` where it is new, and the report."""
    reader = PostReader(columns, format, weeks, filters, cleaning, salt=load_salt(salt_file))
    write_json(read_files(find_post_files(files, weeks.labels()), reader, posts), report)


if __name__ == "__main__":
    run(read_panel, snakemake)
