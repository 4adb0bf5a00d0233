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


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("it&#39;s #1 &#x27;q&#X2F; &#9; # &#;", "it&#39;s 1 &#x27;q&#X2F; &#9; &;"),
        ("#39; &#39", "39; &39"),
        ("@ann&#39;s https://x.y/?a&#38;b end", "end"),
    ],
)
def test_fault_rr_entities_stay_whole_where_hash_signs_are_removed(text, kept):
    assert clean_text(text, PUBLISHED) == kept
    # Texts with and without entities stand in one column.
    assert clean_texts(pa.array(["#a", text, "b"]), PUBLISHED).to_pylist() == ["a", kept, "b"]


@pytest.mark.parametrize(
    ("text", "stripped"),
    [
        ("<p>one<br/>two</p><p>three</p>", "one two three"),
        ("<p>@<span>ann</span> in<b>side</b></p>", "inside"),
        ("<p>x <a title=\"a > b\" href='c'>d</a><!-- e --> f</p>", "x d f"),
        ("<p>1 &lt; 2 <3 and 4 > 3</p>", "1 &lt; 2 <3 and 4 > 3"),
        ("<P>x</P>", "<P>x</P>"),
        ("a <br> b", "a <br> b"),
    ],
)
def test_fault_rr_texts_that_are_html_lose_their_tags_and_others_do_not(text, stripped):
    assert clean_text(text, PUBLISHED) == stripped


def test_all_tags_are_taken_out_or_none_where_the_study_says_so():
    texts = ["a <br> b <3", "<P>x</P>", "<p>y</p>"]
    assert [clean_text(text, Cleaning(html="strip")) for text in texts] == ["a b <3", "x", "y"]
    assert [clean_text(text, Cleaning(html="keep")) for text in texts] == texts
