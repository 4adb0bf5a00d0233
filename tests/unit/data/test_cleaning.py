import re

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stimmung.data.posts.cleaning import clean_texts, is_emoji_only, removed_pattern
from stimmung.vocabulary.posts import Cleaning

PUBLISHED = Cleaning()
SPACES = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
PIECES = st.sampled_from([*SPACES, "@", "@ann", "#", "http", "https://t.co/x", "a", "é", "😀", ":", "null"])
TEXTS = st.lists(st.lists(PIECES, max_size=12).map("".join), max_size=6)


def clean_text(text, cleaning):
    return clean_texts(pa.array([text]), cleaning)[0].as_py()


@settings(max_examples=200, deadline=None)
@given(TEXTS)
@example(["a\u00a0b", "@ann\u2003x", "\x1c", "a\x0bb", " a"])
def test_the_published_cleaning_is_what_python_gives(texts):
    cleaned = clean_texts(pa.array(texts, pa.string()), PUBLISHED).to_pylist()
    assert cleaned == [" ".join(re.sub(r"(@|https?)\S+|#", "", text).split()) for text in texts]


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.sampled_from(["mentions", "links", "hash_signs"]))
def test_what_is_kept_is_kept_and_the_rest_is_python_s_too(texts, option):
    cleaning = Cleaning(**{option: "keep"}, whitespace="keep")
    cleaned = clean_texts(pa.array(texts, pa.string()), cleaning).to_pylist()
    assert cleaned == [re.sub(removed_pattern(cleaning), "", text) for text in texts]


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("RT @ann: see https://x.y/z #mood", "RT see mood"),
        ("mail me@home.org now", "mail me now"),
        ("http alone, @ alone", "http alone, @ alone"),
        ("@ann", ""),
        ("😀 @ann", "😀"),
        ("two\n\n lines\t", "two lines"),
    ],
)
def test_cleaning_by_example(text, cleaned):
    assert clean_text(text, PUBLISHED) == cleaned


def test_entities_are_unescaped_before_anything_is_removed():
    assert clean_text("a &amp; b &#64;ann &lt;3", Cleaning(html_entities="unescape")) == "a & b <3"
    assert clean_text("a &amp; b", PUBLISHED) == "a &amp; b"


def test_nothing_changes_if_everything_is_kept():
    keep = Cleaning(mentions="keep", links="keep", hash_signs="keep", whitespace="keep")
    assert clean_text(" @ann  #x https://y ", keep) == " @ann  #x https://y "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("😀", True),
        ("👍🏽 ❤️", True),
        ("🇬🇧", True),
        ("👨‍👩‍👧", True),
        ("😀!", False),
        ("a😀", False),
        ("!!", False),
        ("", False),
    ],
)
def test_posts_of_nothing_but_emoji_are_known(text, expected):
    assert is_emoji_only(pa.array([text])).to_pylist() == [expected]
