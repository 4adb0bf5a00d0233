import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stimmung.data.posts import post_lines
from stimmung.data.posts.json_posts import PostDecoder
from stimmung.data.posts.post_lines import (
    BLOCK_BYTES,
    BROKEN,
    csv_rows,
    encoding_of,
    json_rows,
    physical_lines,
    text_blocks,
)

FIELDS = st.text(st.sampled_from('a,"\n\r é😀;#\x00\x0b\u2028'), max_size=8)


def rows_of(content, delimiter=",", encoding=None):
    return list(csv_rows(text_blocks(io.BytesIO(content), encoding), delimiter))


def objects_of(content, records=None):
    return list(json_rows(text_blocks(io.BytesIO(content)), PostDecoder(["text"]), records))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(FIELDS, min_size=2, max_size=3), max_size=8))
def test_what_a_csv_writer_writes_is_read_back(rows):
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(rows)
    assert rows_of(stream.getvalue().encode()) == rows


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_rows_do_not_depend_on_the_blocks_that_are_read(size):
    content = ('a,"two\nlines, é"\r\n' * 3000).encode()

    class Small(io.BytesIO):
        def read(self, _size):
            return super().read(size)

    assert list(csv_rows(text_blocks(Small(content)), ",")) == [["a", "two\nlines, é"]] * 3000


def test_a_quote_that_is_never_closed_costs_its_own_line():
    assert rows_of(b'1,a\n2,"open\n3,c\n4,"d"\n5,e\n') == [
        ["1", "a"],
        None,
        ["3", "c"],
        ["4", "d"],
        ["5", "e"],
    ]
    many = b"".join(b"%d,x\n" % number for number in range(50_000))
    assert rows_of(b'1,"open\n' + many)[1:] == [[str(number), "x"] for number in range(50_000)]
    assert rows_of(b'1,a\n2,"open') == [["1", "a"], None]


def test_text_behind_a_closing_quote_costs_its_own_line():
    assert rows_of(b'1,"a" b\n2,c\n') == [None, ["2", "c"]]


def test_a_line_without_end_costs_no_memory_and_no_other_row():
    long = b"x" * (3 * BLOCK_BYTES)
    lines = list(physical_lines(text_blocks(io.BytesIO(b"a\n" + long + b"\nb\n"))))
    assert lines[0] == "a\n" and lines[-1] == "b\n"
    assert max(map(len, lines)) <= 2 * BLOCK_BYTES + 1
    assert rows_of(b"1,a\n2," + long + b"\n3,c\n") == [["1", "a"], None, ["3", "c"]]


def test_a_byte_order_mark_is_no_part_of_the_first_name():
    assert rows_of("\ufefftime,text\n".encode()) == [["time", "text"]]


def test_json_lines_that_hold_no_object_are_told_apart_from_blank_ones():
    content = b'{"a": 1}\n\n  \n[1]\n{"a": \nnull\n{"a": "\\u0000"}\n' + b"[" * 100_000 + b"\n"
    assert objects_of(content) == [{"a": 1}, None, None, None, {"a": "\x00"}, None]


def test_a_json_text_longer_than_a_block_is_lost_and_not_shortened():
    long = b'{"text": "' + b"x" * (3 * BLOCK_BYTES) + b'"}\n'
    assert objects_of(b'{"text": "a"}\n' + long + b'{"text": "b"}\n') == [{"text": "a"}, None, {"text": "b"}]


def test_a_line_break_inside_a_json_text_is_no_reason_to_lose_the_post():
    assert objects_of(b'{"text": "a\tb"}\n') == [{"text": "a\tb"}]


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        *(
            (marked, named)
            for marked in ("utf-8-sig", "utf-16", "utf-32")
            for named in (None, "windows-1252")
        ),
        ("utf-16-le", None),
        ("utf-16-be", None),
    ],
)
def test_fault_qq_unicode_is_known_by_its_mark_and_utf_16_without_one_by_its_zeros(encoding, named):
    content = "time,text\n1,grün 😀\n".encode(encoding)
    assert rows_of(content, encoding=named) == [["time", "text"], ["1", "grün 😀"]]


@pytest.mark.parametrize(
    "encoding", ["latin-1", "windows-1251", "shift_jis", "gb18030", "euc-kr", "utf-16-le"]
)
def test_fault_qq_another_encoding_is_read_if_it_is_named_wherever_blocks_end(encoding, monkeypatch):
    monkeypatch.setattr(post_lines, "BLOCK_BYTES", 64)
    text = {"latin-1": "grün", "windows-1251": "зелёный", "euc-kr": "초록"}.get(encoding, "日本語")
    rows = [[f"{text} {number}"] for number in range(200)]
    content = "".join(f"{row[0]}\n" for row in rows).encode(encoding)
    assert rows_of(content, encoding=encoding) == rows


def test_fault_qq_what_is_utf_8_stays_so_whatever_encoding_is_named():
    assert rows_of("text\ngrün\n".encode(), encoding="latin-1") == [["text"], ["grün"]]


def test_fault_qq_latin_1_has_the_quotes_of_windows_and_what_no_encoding_has_is_marked():
    assert encoding_of(b"caf\xe9", "iso-8859-1") == "cp1252"
    assert rows_of("“q”\n".encode("cp1252"), encoding="latin-1") == [["“q”"]]
    assert rows_of(b"a\x81\n", encoding="windows-1252") == [[f"a{BROKEN}"]]
    assert BROKEN in rows_of("日本".encode("shift_jis")[:-1] + b"\n", encoding="shift_jis")[0][0]
    (row,) = rows_of(b"a\x00\x00\xd8b\x00", encoding="utf-16-le")
    assert row == [f"a{BROKEN}b"]


@pytest.mark.parametrize("n", [1, 200])
def test_fault_rr_lone_carriage_returns_end_lines(n, monkeypatch):
    monkeypatch.setattr(post_lines, "BLOCK_BYTES", 64)
    assert rows_of(b"time,text\r" + b"1,two\r" * n) == [["time", "text"]] + [["1", "two"]] * n
    assert objects_of(b'{"text": "a"}\r{"text": "b"}\r') == [{"text": "a"}, {"text": "b"}]


def test_a_carriage_return_inside_a_field_stays_where_lines_end_otherwise():
    assert rows_of(b'1,"a\rb"\n2,c\r\n') == [["1", "a\rb"], ["2", "c"]]


@pytest.mark.parametrize(
    "texts",
    [
        ['"Hello" she said', "fine"],
        ['"open', "fine", '"open too', "last"],
        ['"open', "fine", 'closed"', "last"],
        ['"open', 'says "bye"', "last"],
        ['"', '"', "last"],
    ],
)
def test_fault_rr_a_tab_separated_text_that_begins_with_a_quote_keeps_it(texts):
    rows = [[f"2020-01-0{number}", f"user {number}", text] for number, text in enumerate(texts, start=1)]
    content = "".join("\t".join(row) + "\n" for row in [["time", "author", "text"], *rows])
    assert rows_of(content.encode(), "\t")[1:] == rows


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(10**9, 2 * 10**9).map(str), st.just("a"), FIELDS | st.text('\t\n"9a', max_size=9)
        )
    )
)
def test_what_a_csv_writer_writes_with_tabs_is_read_back(rows):
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter="\t").writerows([("time", "author", "text"), *rows])
    assert rows_of(stream.getvalue().encode(), "\t")[1:] == [list(row) for row in rows]
