import io
import json

import pytest

from stimmung.data.posts import json_posts
from stimmung.data.posts.json_posts import (
    NoSuchListError,
    NotJsonError,
    PostDecoder,
    is_document,
    posts_of_document,
)
from stimmung.data.posts.post_lines import json_rows, text_blocks

POSTS = [
    {"id": number, "text": f'a "quoted" [post] {{{number}}}', "n": {"k": [1, 2.5, None]}}
    for number in range(30)
]
CHAT = {"name": "x", "numbers": [1, [2]], "messages": POSTS, "after": {"messages": 1}}


def posts_of(text, records=None, block=1 << 20):
    blocks = (text[start : start + block] for start in range(0, len(text), block))
    return list(posts_of_document(blocks, PostDecoder(["text"]), records))


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("block", [1, 7, 1000])
@pytest.mark.parametrize(
    ("document", "records"),
    [
        (POSTS, None),
        (CHAT, None),
        ({"about": 1, "chats": {"about": 2, "list": [CHAT]}}, None),
        ({"data": {"children": [{"kind": "t3", "data": post} for post in POSTS]}}, "data.children.data"),
        ([{"data": POSTS[:9]}, {"data": POSTS[9:]}], "data"),
    ],
)
def test_fault_rr_posts_are_found_in_a_document_however_it_is_written(document, records, indent, block):
    assert posts_of(json.dumps(document, indent=indent), records, block) == POSTS


def test_fault_rr_objects_one_after_another_are_posts_each():
    text = "\n".join(json.dumps(post, indent=2) for post in POSTS)
    assert posts_of(text) == POSTS
    # Pages of an interface's answers, one on each line.
    pages = "".join(json.dumps({"data": POSTS[start : start + 10]}) + "\n" for start in (0, 10, 20))
    assert posts_of(pages, "data") == POSTS


@pytest.mark.parametrize(
    ("head", "is_whole", "expected"),
    [
        ('{"text": "a"}\n{"text": "b"}\n', True, False),
        ('{"text": "a"}', True, False),
        ("", True, False),
        ("hello", True, False),
        ("[\n{", True, True),
        ('[{"text": "a"}]', True, True),
        ('{\n "text": "a"\n}', True, True),
        ('{"messages": [\n{"text": "a"}\n]}', True, True),
        ('{"messages": [{"text": "a"}]}', True, True),
        ('{"text": "a", "messages": 3}', True, False),
        ('{"messages": [{"text": "a"}]}\n{"text": "b"}', True, False),
        ('{"text": "cut off", \n{"text": "b"}\n', True, False),
        ('{"messages": [{"text": "one long line', False, True),
    ],
)
def test_fault_rr_documents_and_lines_are_told_apart(head, is_whole, expected):
    assert is_document(head, is_whole=is_whole) is expected


@pytest.mark.parametrize(
    "text", [json.dumps(POSTS)[:-300], json.dumps(POSTS)[:-1], '[{"a": 1} {"a": 2}]', "[" * 9999]
)
def test_a_document_that_breaks_off_is_no_shorter_panel(text):
    with pytest.raises(NotJsonError):
        posts_of(text)


def test_a_list_that_is_not_there_is_told_and_an_empty_one_is_empty():
    with pytest.raises(NoSuchListError):
        posts_of(json.dumps(CHAT), "data")
    assert posts_of("[]") == posts_of('{"messages": []}') == []


def test_what_is_no_object_among_posts_is_counted_and_a_trailing_comma_is_none():
    assert posts_of('[{"a": 1}, 3, "x", null, {"a": 2}, ]') == [{"a": 1}, None, None, None, {"a": 2}]


def test_one_value_beyond_all_bounds_is_refused_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr(json_posts, "MAX_VALUE_CHARACTERS", 1000)
    text = json.dumps([{"text": "x" * 50}] * 100)
    assert len(posts_of(text, block=64)) == 100
    with pytest.raises(NotJsonError):
        posts_of('{"data": ' + text + "}", block=64)


@pytest.mark.parametrize("n", [1, json_posts.MANY_SUSPECTED * 3])
def test_a_key_that_is_given_twice_is_counted_and_one_in_another_object_is_not(n):
    lines = (
        '{"text": "a", "text": "b", "n": {"text": 1}}\n' * n
        + '{"text": "a", "n": {"text": 1, "m": {"text": 2}}}\n' * n
    )
    decoder = PostDecoder(["text"])
    rows = list(json_rows(text_blocks(io.BytesIO(lines.encode())), decoder))
    assert [row["text"] for row in rows] == ["b"] * n + ["a"] * n
    assert decoder.n_repeated == n
