"""Small panels of made-up posts, and a reader for them."""

import csv
import json
from dataclasses import replace

from stimmung.data.posts.panel_reader import PostReader, read_panel
from stimmung.data.posts.post_files import find_post_files
from stimmung.vocabulary.moods_schemas import POSTS
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.posts import Cleaning, PostColumns, PostFilters, PostFormat
from stimmung.vocabulary.weeks import Weeks

WEEKS = Weeks(first="2020-01-01", last="2020-01-15", anchor="WED")
ANY_LOSS = PostFormat(max_lost_share=1)  # for tests of what is lost, where few rows are whole
READER = PostReader(
    columns=PostColumns(),
    format=PostFormat(),
    weeks=WEEKS,
    filters=PostFilters(),
    cleaning=Cleaning(),
    salt=b"the salt of the tests",
)


def write_csv(path, rows, header=("time", "author", "text"), **options):
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, **options).writerows([header, *rows] if header else rows)


def write_jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def read(folder, *patterns, **changes):
    """Read the files of a folder; return the report and a table for each week."""
    reader = replace(READER, **changes)
    labels = reader.weeks.labels()
    files = find_post_files([str(folder / pattern) for pattern in patterns or ["*.csv"]], labels)
    report = read_panel(files, reader, folder / "weeks")
    return report, {label: read_table(folder / "weeks" / f"{label}.parquet", POSTS) for label in labels}


def texts(tables):
    return sorted(text for table in tables.values() for text in table["text"])
