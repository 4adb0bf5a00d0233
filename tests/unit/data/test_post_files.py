import bz2
import gzip
import json
import lzma
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stimmung.data.posts import post_files
from stimmung.data.posts.post_files import find_post_files, read_post_file
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.posts import PostColumns, PostFormat
from tests.weekly_posts import write_csv, write_jsonl

ROWS = [("2020-01-01", "ann", 'one, "two"'), ("2020-01-02", "bob", "null"), ("2020-01-03", "bob", "nan")]
NAMES = ("time", "author", "text")


def columns_of(path, columns=None, **layout):
    batches = list(read_post_file(path, columns or PostColumns(), PostFormat(**layout)))
    dropped = sum((batch.dropped for batch in batches), Counter())
    return pa.concat_tables([batch.columns for batch in batches]).to_pydict(), dropped


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_every_kind_of_file_gives_the_same_posts(tmp_path, kind):
    path = tmp_path / f"posts.{kind}"
    if kind == "jsonl":
        write_jsonl(path, [dict(zip(NAMES, row, strict=True)) for row in ROWS])
    elif kind == "parquet":
        pd.DataFrame(ROWS, columns=NAMES).to_parquet(path)
    else:
        write_csv(path, ROWS, delimiter="\t" if kind == "tsv" else ",")
    columns, dropped = columns_of(path)
    assert list(zip(*(columns[name] for name in NAMES), strict=True)) == ROWS
    assert not dropped


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress), ("zst", pa.Codec("zstd").compress)],
)
def test_compressed_files_are_read_and_cut_off_ones_are_told(tmp_path, suffix, compress):
    rows = ROWS * 2000
    write_csv(tmp_path / "plain.csv", rows)
    content = compress((tmp_path / "plain.csv").read_bytes())
    content = content if isinstance(content, bytes) else content.to_pybytes()
    path = tmp_path / f"posts.csv.{suffix}"
    path.write_bytes(content)
    assert len(columns_of(path)[0]["text"]) == len(rows)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="damaged or truncated"):
        columns_of(path)


def test_broken_text_costs_its_row_and_is_counted(tmp_path):
    (tmp_path / "posts.csv").write_bytes(
        b"time,author,text\n1,ann,\xff\xfe\n2,ann,a\x00b\n3,ann,fine\n4,ann\n5,\xc3,x\n6,ann,last\n"
    )
    columns, dropped = columns_of(tmp_path / "posts.csv")
    assert columns["text"] == ["fine", "last"]
    assert dropped == {"broken-utf8": 2, "nul-bytes": 1, "malformed-row": 1}


def test_broken_text_in_parquet_costs_its_row_and_is_counted(tmp_path):
    raw = pa.array([b"\xff\xfe", b"a\x00b", b"fine", None], pa.binary())
    text = pa.Array.from_buffers(pa.string(), 4, raw.buffers())
    pq.write_table(
        pa.table({"time": ["1"] * 4, "author": ["ann"] * 4, "text": text}), tmp_path / "posts.parquet"
    )
    columns, dropped = columns_of(tmp_path / "posts.parquet")
    assert columns["text"] == ["fine", None]
    assert dropped == {"broken-utf8": 1, "nul-bytes": 1}


def test_lone_surrogates_and_nested_values_in_json_cost_their_row(tmp_path):
    (tmp_path / "posts.jsonl").write_text(
        '{"time": 1, "author": {"id": 5}, "text": "\\ud83d"}\n'
        '{"time": 1, "author": {"id": 5}, "text": "\\ud83d\\ude00"}\n'
        '{"time": 1, "author": {"id": 5}, "text": {"no": 1}}\n'
        '{"time": 1, "author": {"id": null}}\n'
    )
    columns, dropped = columns_of(tmp_path / "posts.jsonl", PostColumns(author="author.id"))
    assert columns["text"] == ["😀", None]
    assert columns["author"] == ["5", None]
    assert dropped == {"broken-utf8": 1, "malformed-row": 1}


def test_an_author_is_the_same_whether_the_file_has_numbers_or_floats_of_them(tmp_path):
    for kind, values in {"int": [12, 13], "float": [12.0, np.nan], "category": ["12", "13"]}.items():
        table = pd.DataFrame({"time": "2020-01-01", "author": values, "text": "x"})
        if kind == "category":
            table["author"] = table["author"].astype("category")
        table.to_parquet(tmp_path / "posts.parquet")
        assert columns_of(tmp_path / "posts.parquet")[0]["author"][0] == "12"


def test_batches_are_bounded_by_rows_and_by_characters(tmp_path, monkeypatch):
    monkeypatch.setattr(post_files, "BATCH_ROWS", 100)
    monkeypatch.setattr(post_files, "BATCH_CHARACTERS", 5000)
    write_csv(tmp_path / "posts.csv", [("1", "ann", "x" * 1000)] * 10 + [("1", "ann", "x")] * 250)
    sizes = [
        len(batch.columns) for batch in read_post_file(tmp_path / "posts.csv", PostColumns(), PostFormat())
    ]
    assert sum(sizes) == 260 and max(sizes) <= 100 and sizes[0] == 5


def test_a_file_without_a_header_takes_its_names_from_the_config(tmp_path):
    write_csv(tmp_path / "posts.csv", ROWS, header=None)
    assert columns_of(tmp_path / "posts.csv", PostColumns(names=list(NAMES)))[0]["text"][1:] == [
        "null",
        "nan",
    ]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_column_that_is_absent_is_named_with_what_is_near(tmp_path, kind):
    path = tmp_path / f"posts.{kind}"
    if kind == "csv":
        write_csv(path, ROWS, header=("time", "author", "texts"))
    elif kind == "jsonl":
        write_jsonl(path, [{"time": "1", "author": "a", "texts": "x"}])
    else:
        pd.DataFrame(ROWS, columns=["time", "author", "texts"]).to_parquet(path)
    with pytest.raises(InputError, match=r"posts\.\w+ has no column 'text'"):
        columns_of(path)


def test_the_first_line_of_a_file_without_a_header_is_not_shown(tmp_path):
    write_csv(tmp_path / "posts.csv", [("2020-01-01", "marked-author", "marked text")], header=None)
    with pytest.raises(InputError) as told:
        columns_of(tmp_path / "posts.csv")
    assert "marked" not in str(told.value)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("posts.csv", b"", "no header"),
        ("posts.csv.gz", b"not gzip at all", "damaged"),
        ("posts.parquet", b"not parquet at all", "damaged"),
        ("posts.txt", b"x", "not a kind of file that posts can be read from"),
        ("posts.json", b'[\n{"time": 1}\n]\n', "no column 'text'"),
    ],
)
def test_files_that_cannot_be_read_are_named(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=told):
        columns_of(tmp_path / name)


def test_a_column_of_another_kind_is_named(tmp_path):
    pd.DataFrame({"time": ["1"], "author": ["a"], "text": [1.5]}).to_parquet(tmp_path / "posts.parquet")
    with pytest.raises(InputError, match="column 'text' holds double"):
        columns_of(tmp_path / "posts.parquet")


def test_files_are_found_once_in_order_and_by_the_week_in_their_name(tmp_path):
    for name in ("b/2020-01-08.csv", "a/2020-01-01.csv", "a/2020-02-26.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    files = find_post_files(["a/*.csv", "*/2020-01-01.csv"], ["2020-01-01"], tmp_path)
    assert [file.path.relative_to(tmp_path).as_posix() for file in files] == [
        "a/2020-01-01.csv",
        "a/2020-02-26.csv",
    ]
    files = find_post_files(["*/{week}.csv"], ["2020-01-01", "2020-01-08"], tmp_path)
    assert [file.week for file in files] == ["2020-01-01", "2020-01-08"]
    with pytest.raises(InputError, match=r"no file of posts matches 'c/\*\.csv'"):
        find_post_files(["a/*.csv", "c/*.csv"], ["2020-01-01"], tmp_path)


def test_fault_y_nan_in_jsonl_and_in_floats_is_absent(tmp_path):
    (tmp_path / "a.jsonl").write_text(
        '{"time": 1, "author": NaN, "text": NaN}\n{"time": 1, "author": 5, "text": "nan"}\n'
    )
    columns, _ = columns_of(tmp_path / "a.jsonl")
    assert columns["author"] == [None, "5"] and columns["text"] == [None, "nan"]
    pq.write_table(
        pa.table({"time": ["1"] * 2, "author": [12.0, np.nan], "text": ["x"] * 2}), tmp_path / "a.parquet"
    )
    assert columns_of(tmp_path / "a.parquet")[0]["author"] == ["12", None]


def test_fault_bb_a_path_with_brackets_is_taken_as_it_stands(tmp_path):
    write_csv(tmp_path / "posts [1].csv", ROWS)
    (file,) = find_post_files(["posts [1].csv"], [], tmp_path)
    assert file.path == tmp_path / "posts [1].csv"


def test_fault_rr_a_missing_author_column_says_how_authors_are_left_out(tmp_path):
    (tmp_path / "a.csv").write_text("time,text\n2020-01-01,x\n")
    write_jsonl(tmp_path / "a.jsonl", [{"time": "2020-01-01", "text": "x"}])
    for name in ("a.csv", "a.jsonl"):
        with pytest.raises(InputError, match="no column 'author' for the author") as told:
            columns_of(tmp_path / name)
        assert "`columns.author: null`" in told.value.hint


def test_fault_rr_null_authors_of_json_are_absent_and_no_missing_column(tmp_path):
    write_jsonl(tmp_path / "a.jsonl", [{"time": "1", "author": None, "text": "x"}])
    assert columns_of(tmp_path / "a.jsonl")[0]["author"] == [None]


@pytest.mark.parametrize(
    ("value", "flag"),
    [
        ({"id": 5, "text": "x"}, "true"),
        ({}, "false"),
        (None, None),
        (True, "true"),
        ([{"type": "retweeted", "id": "1"}], "true"),
        ([{"type": "replied_to", "id": "1"}], "false"),
        ([], "false"),
    ],
)
def test_fault_rr_a_post_inside_a_post_marks_a_repost(tmp_path, value, flag):
    write_jsonl(tmp_path / "a.jsonl", [{"time": "1", "author": "a", "text": "x", "retweeted_status": value}])
    columns, dropped = columns_of(tmp_path / "a.jsonl", PostColumns(retweet="retweeted_status"))
    assert columns["retweet"] == [flag] and not dropped


def test_nested_fields_of_parquet_have_dotted_names_and_mark_reposts(tmp_path):
    rows = [
        {"time": "1", "text": "x", "user": {"id": 2**60 + 1, "n": {"k": "v"}}, "reblog": {"id": 1}},
        {"time": "1", "text": "y", "user": None, "reblog": None},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    columns = PostColumns(author="user.id", language="user.n.k", retweet="reblog")
    found, _ = columns_of(tmp_path / "a.parquet", columns)
    assert found["author"] == [str(2**60 + 1), None] and found["language"] == ["v", None]
    assert found["retweet"] == ["true", "false"]
    with pytest.raises(InputError, match=r"no column 'user\.name'"):
        columns_of(tmp_path / "a.parquet", PostColumns(author="user.name"))


def test_fault_rr_telegram_s_export_is_read_with_its_texts_in_pieces(tmp_path):
    pieces = ["see ", {"type": "link", "text": "x.org"}, "!"]
    messages = [
        {"id": 1, "type": "service", "date": "2020-01-01T10:00:00", "actor": "Ann", "text": ""},
        {"id": 2, "type": "message", "date": "2020-01-01T10:00:00", "from_id": "user1", "text": pieces},
        {"id": 3, "type": "message", "date": "2020-01-01T10:00:00", "from_id": "user2", "text": "plain"},
    ]
    columns = PostColumns(time="date", author="from_id", post_id="id")
    for indent in (None, 1):
        (tmp_path / "result.json").write_text(json.dumps({"name": "x", "messages": messages}, indent=indent))
        found, dropped = columns_of(tmp_path / "result.json", columns)
        assert found["text"] == ["", "see x.org!", "plain"] and found["post_id"] == ["1", "2", "3"]
        assert not dropped


def test_a_document_without_a_known_list_says_which_key_names_it(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"data": [{"time": "1", "author": "a", "text": "x"}]}))
    with pytest.raises(InputError, match="no column 'text'") as told:
        columns_of(tmp_path / "a.json")
    assert "format.records" in told.value.hint
    with pytest.raises(InputError, match="no list of posts at 'date'"):
        columns_of(tmp_path / "a.json", records="date")
    assert columns_of(tmp_path / "a.json", records="data")[0]["text"] == ["x"]


def test_reddit_s_dumps_have_no_suffix_but_that_of_their_compression(tmp_path):
    rows = [{"created_utc": 1577836800, "author": "a", "body": "x"}]
    write_jsonl(tmp_path / "plain.jsonl", rows)
    content = pa.compress((tmp_path / "plain.jsonl").read_bytes(), codec="zstd", asbytes=True)
    (tmp_path / "RC_2019-01.zst").write_bytes(content)
    columns = PostColumns(time="created_utc", text="body")
    assert columns_of(tmp_path / "RC_2019-01.zst", columns)[0]["text"] == ["x"]


@pytest.mark.parametrize("delimiter", [";", "|", "\t"])
def test_another_delimiter_is_found_by_the_columns_it_gives(tmp_path, delimiter):
    write_csv(tmp_path / "a.csv", ROWS, delimiter=delimiter)
    assert columns_of(tmp_path / "a.csv")[0]["text"] == [row[2] for row in ROWS]
    with pytest.raises(InputError, match="no column"):
        columns_of(tmp_path / "a.csv", delimiter=",")


def test_rows_that_end_in_delimiters_are_whole_and_others_are_not(tmp_path):
    (tmp_path / "a.csv").write_text("time,author,text\n1,a,x\n1,a,y,\n1,a,z,,\n1,a\n1,a,b,c\n")
    columns, dropped = columns_of(tmp_path / "a.csv")
    assert columns["text"] == ["x", "y", "z"] and dropped == {"malformed-row": 2}


def test_a_column_that_is_there_twice_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("time,author,text,text\n1,a,x,y\n")
    table = pa.table([["1"], ["a"], ["x"], ["y"]], names=["time", "author", "text", "text"])
    pq.write_table(table, tmp_path / "a.parquet")
    for name in ("a.csv", "a.parquet"):
        with pytest.raises(InputError, match="more than one column 'text'"):
            columns_of(tmp_path / name)


def test_identifiers_of_json_keep_all_their_digits_and_keys_given_twice_are_counted(tmp_path):
    (tmp_path / "a.jsonl").write_text(
        '{"time": 1, "author": 12345678901234567891, "text": "x", "text": "y"}\n'
        '{"time": 1, "author": 9007199254740993, "text": "z"}\n'
    )
    (batch,) = read_post_file(tmp_path / "a.jsonl", PostColumns(), PostFormat())
    assert batch.columns["author"].to_pylist() == ["12345678901234567891", "9007199254740993"]
    assert batch.columns["text"].to_pylist() == ["y", "z"]
    assert dict(batch.odd) == {post_files.REPEATED_KEY: 1}


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json"])
def test_fault_qq_another_encoding_is_read_where_it_is_named(tmp_path, name):
    text = "time,author,text\n1,a,grün\n"
    if name != "a.csv":
        text = json.dumps({"time": "1", "author": "a", "text": "grün"}, ensure_ascii=False)
        text = f"[\n{text}\n]" if name == "a.json" else f"{text}\n"
    (tmp_path / name).write_bytes(text.encode("latin-1"))
    assert columns_of(tmp_path / name)[1] == {"broken-utf8": 1}
    assert columns_of(tmp_path / name, encoding="latin-1")[0]["text"] == ["grün"]


@pytest.mark.parametrize("encoding", ["base64", "rot13", "no-such", ""])
def test_fault_qq_what_is_no_encoding_of_text_is_refused_with_the_config(encoding):
    with pytest.raises(ValueError, match="is no encoding of text"):
        PostFormat(encoding=encoding)


def test_a_compressed_parquet_file_is_named_as_such(tmp_path):
    (tmp_path / "a.parquet.gz").write_bytes(gzip.compress(b"x"))
    with pytest.raises(InputError, match="compressed parquet file"):
        columns_of(tmp_path / "a.parquet.gz")
