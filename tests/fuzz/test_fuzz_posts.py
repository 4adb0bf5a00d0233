import bz2
import csv
import gzip
import io
import json
import lzma
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from stimmung.vocabulary.posts import Cleaning, PostFilters, PostFormat
from tests.fuzz.budget import BUDGET, attempt
from tests.weekly_posts import WEEKS, read

KEPT = Cleaning(mentions="keep", links="keep", hash_signs="keep", whitespace="keep")
TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\t\"',;&<>@#"),
    min_size=1,
    max_size=40,
)
# Inside the declared weeks and just outside them.
TIMES = st.integers(-3 * 86_400, 24 * 86_400).map(
    lambda second: datetime(2020, 1, 1) + timedelta(seconds=second)
)
POSTS = st.lists(
    st.tuples(TIMES, st.sampled_from(["ann", "bob", "Żółć", "1", "007"]), TEXTS), min_size=1, max_size=12
)
KINDS = ("csv", "tsv", "jsonl", "parquet")
PACKED = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda content: pa.compress(content, codec="zstd", asbytes=True),
}
# What a damaged or badly exported csv file looks like.
PIECES = [
    *(
        b"time,author,text\n",
        b"2020-01-02,ann,hello\n",
        b"2020-01-02T10:00:00Z,bob,hi there\n",
        b"when,who,\n",
    ),
    *(b'"', b",", b"\r\n", b"\n", b"\r", b"\x00", b"\t", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xe9"),
    *(b"2020-13-45,a,b\n", b'2020-01-03,a,"b ""c"" d"\n', b"2020-01-03,a,b,c,d\n"),
    *(
        b'{"time": "2020-01-02", "author": "ann", "text": "hello"}\n',
        b"[",
        b"]",
        b"{",
        b"}",
        b"null\n",
        b'"\\ud800"',
    ),
]


def written(kind, posts):
    if kind == "parquet":
        stream = io.BytesIO()
        pd.DataFrame(posts, columns=["time", "author", "text"]).to_parquet(stream)
        return stream.getvalue()
    rows = [(time.isoformat(), author, text) for time, author, text in posts]
    if kind == "jsonl":
        return "".join(
            json.dumps(dict(zip(("time", "author", "text"), row, strict=True))) + "\n" for row in rows
        ).encode()
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter="\t" if kind == "tsv" else ",").writerows(
        [("time", "author", "text"), *rows]
    )
    return stream.getvalue().encode()


def check_panel(folder, pattern, **options):
    """Read the panel twice; every row is kept or counted, and both runs leave the same bytes."""
    found = attempt(read, folder, pattern, **options)
    if found is None:
        return None
    report, weeks = found
    assert report["rows"] == report["kept"] + sum(report["dropped"].values())
    assert report["kept"] == sum(map(len, weeks.values()))
    once = {path.name: path.read_bytes() for path in (folder / "weeks").iterdir()}
    for path in (folder / "weeks").iterdir():
        path.unlink()
    again, _ = read(folder, pattern, **options)
    assert again == report
    assert {path.name: path.read_bytes() for path in (folder / "weeks").iterdir()} == once
    return report, weeks


@BUDGET
@given(POSTS, st.sampled_from(KINDS), st.sampled_from(list(PACKED)))
def test_posts_are_read_back_as_written(posts, kind, packing):
    packing = "" if kind == "parquet" else packing
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / f"posts.{kind}{packing}").write_bytes(PACKED[packing](written(kind, posts)))
        filters = PostFilters(retweets="keep", removed="keep", duplicates="keep")
        found = check_panel(folder, "posts.*", cleaning=KEPT, filters=filters)
        declared = {post for post in posts if WEEKS.label_of(post[0].date()) in WEEKS.labels()}
        if found is None:
            assert not declared, "posts of the declared weeks were refused"
            return
        report, weeks = found
        expected = sorted((WEEKS.label_of(time.date()), text) for time, _, text in declared)
        assert sorted((week, text) for week, table in weeks.items() for text in table["text"]) == expected
        # Nothing else can be lost than what lies outside the weeks or is the same post.
        assert set(report["dropped"]) <= {"outside-weeks", "same-post"}


@BUDGET
@given(
    st.lists(st.sampled_from(PIECES), max_size=10),
    st.sampled_from(["csv", "tsv", "jsonl", "json", "csv.gz", "parquet", "jsonl.zst"]),
)
def test_whatever_stands_in_a_file_of_posts_is_counted_or_refused_in_one_line(pieces, kind):
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / f"posts.{kind}").write_bytes(b"".join(pieces))
        check_panel(folder, "posts.*", format=PostFormat())
