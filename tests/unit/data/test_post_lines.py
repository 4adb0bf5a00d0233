import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stimmung.data.posts.json_posts import PostDecoder
from stimmung.data.posts.post_lines import BLOCK_BYTES, csv_rows, json_rows, physical_lines, text_blocks

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
