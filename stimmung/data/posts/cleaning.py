r"""Cleaning of posts: study B's regular expression ``(@|https?)\S+|#`` (Ahnert et al.), and options.

Texts are cleaned as whole columns, in C++. Arrow's regular expressions know only ASCII whitespace, so
Python's is spelled out here: the result equals that of Python's ``re``.
"""

import html
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stimmung.vocabulary.posts import Cleaning

# What str.isspace says: controls that separate, and Unicode's separators.
_SPACE = r"\t-\r\x1c-\x20\x{85}\p{Z}"
_SPACES_TO_COLLAPSE = (
    rf"[{_SPACE}]{{2}}|[\t-\r\x1c-\x1f\x{{85}}\x{{a0}}\x{{1680}}\x{{2000}}-\x{{3000}}]|^ | $"
)
STRIPPED = "texts were HTML, whose tags were taken out (`cleaning.html`)"
MARKUP = "texts hold HTML tags; `cleaning.html: strip` takes them out"
ENTITIES = "texts hold HTML entities such as &amp;; `cleaning.html_entities: unescape` makes them letters"
# Symbols, skin tones (Sk), flags and keycaps, and what joins them.
# A tag begins like one: "a <3 b" has none. What stands between quotes may hold a >.
_TAG = r"""<(?:/?[a-zA-Z](?:[^<>"']|"[^"]*"|'[^']*')*|!--(?:[^-]|-[^-])*--)>"""
_BLOCK_TAG = r"(?i)</?(?:br|p|div|li|ul|ol|blockquote|pre|h[1-6]|hr|tr)\b[^<>]*>"
# Tags that a person hardly writes as words of a post.
_MARKUP = r"(?i)</(?:p|a|span|div|li)>|<br\b[^<>]*>"
# '#' is also a part of an entity's number, as in &#39;, which Mastodon and Twitter's old dumps have.
_ENTITY = r"(&#(?:[0-9]{1,7}|[xX][0-9a-fA-F]{1,6});)"
_ANY_ENTITY = r"&(?:amp|lt|gt|quot|apos|nbsp|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});"
_EMOJI_ONLY = rf"^[{_SPACE}\p{{So}}\p{{Sk}}\x{{200d}}\x{{20e3}}\x{{fe0e}}\x{{fe0f}}\x{{e0020}}-\x{{e007f}}]+$"


def clean_texts(texts: pa.Array, cleaning: Cleaning) -> pa.Array:
    """Return texts, which are strings without nulls, cleaned as the options say, shape (n,)."""
    if cleaning.html != "keep":
        texts = _changed(texts, is_stripped(texts, cleaning), _without_tags)
    if cleaning.html_entities == "unescape":
        plain = [html.unescape(text) if "&" in text else text for text in texts.to_pylist()]
        texts = pa.array(plain, pa.string())
    if pattern := removed_pattern(cleaning):
        pattern = pattern.replace(r"\S", f"[^{_SPACE}]")
        if _may_hold(texts, b"&#"):
            numbered = pc.match_substring(texts, "&#")
            whole = f"{_ENTITY}|{pattern}"
            texts = _changed(texts, numbered, lambda some: pc.replace_substring_regex(some, whole, r"\1"))
            texts = _changed(
                texts, pc.invert(numbered), lambda some: pc.replace_substring_regex(some, pattern, "")
            )
        else:
            texts = pc.replace_substring_regex(texts, pattern, "")
    if cleaning.whitespace == "collapse":
        texts = _changed(texts, pc.match_substring_regex(texts, _SPACES_TO_COLLAPSE), _collapsed)
    return texts


def is_stripped(texts: pa.Array, cleaning: Cleaning) -> pa.Array:
    """Return, for each text, whether it is HTML whose tags are taken out, shape (n,)."""
    if cleaning.html == "strip":
        return pc.match_substring_regex(texts, _TAG)
    if cleaning.html == "keep":
        return pa.array(np.zeros(len(texts), bool))
    return pc.and_(pc.starts_with(texts, "<p"), pc.ends_with(texts, "</p>"))


def odd_texts(texts: pa.Array, cleaning: Cleaning) -> dict[str, int]:
    """Return what a user should know about the HTML in texts, with the number of texts of which it holds."""
    stripped = is_stripped(texts, cleaning)
    found = {STRIPPED: stripped.true_count}
    if cleaning.html != "keep" and _may_hold(texts, b"<"):
        found[MARKUP] = pc.and_not(pc.match_substring_regex(texts, _MARKUP), stripped).true_count
    if cleaning.html_entities == "keep" and _may_hold(texts, b"&"):
        found[ENTITIES] = pc.match_substring_regex(texts, _ANY_ENTITY).true_count
    return found


def removed_pattern(cleaning: Cleaning) -> str:
    """Return the regular expression, in Python's syntax, of what is removed; empty if nothing is."""
    starts = ["@"] * (cleaning.mentions == "remove") + ["https?"] * (cleaning.links == "remove")
    long = [rf"({'|'.join(starts)})\S+"] if starts else []
    return "|".join(long + ["#"] * (cleaning.hash_signs == "remove"))


def is_emoji_only(texts: pa.Array) -> pa.Array:
    """Return, for each text, whether it has emoji and nothing else, shape (n,)."""
    return pc.match_substring_regex(texts, _EMOJI_ONLY)


def _may_hold(texts: pa.Array, sign: bytes) -> bool:
    """Whether a sign may stand in some text; to look through all bytes at once is ten times faster than text by text."""
    data = texts.buffers()[2]
    return data is not None and sign in data.to_pybytes()


def _changed(values: pa.Array, where: pa.Array, change: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Return values, those of a mask changed. To look is ten times faster than to change, and most texts need nothing."""
    n = where.true_count
    if not n:
        return values
    if n == len(values):
        return change(values)
    return pc.replace_with_mask(values, where, change(values.filter(where)))


def _without_tags(texts: pa.Array) -> pa.Array:
    """Blocks and line breaks end a word; the tags within a line do not."""
    return pc.replace_substring_regex(pc.replace_substring_regex(texts, _BLOCK_TAG, " "), _TAG, "")


def _collapsed(texts: pa.Array) -> pa.Array:
    return pc.utf8_trim(pc.replace_substring_regex(texts, f"[{_SPACE}]+", " "), " ")
