r"""Cleaning of posts: study B's regular expression ``(@|https?)\S+|#`` (Ahnert et al.), and options.

Texts are cleaned as whole columns, in C++. Arrow's regular expressions know only ASCII whitespace, so
Python's is spelled out here: the result equals that of Python's ``re``.
"""

import html

import pyarrow as pa
import pyarrow.compute as pc

from stimmung.vocabulary.posts import Cleaning

# What str.isspace says: controls that separate, and Unicode's separators.
_SPACE = r"\t-\r\x1c-\x20\x{85}\p{Z}"
_SPACES_TO_COLLAPSE = (
    rf"[{_SPACE}]{{2}}|[\t-\r\x1c-\x1f\x{{85}}\x{{a0}}\x{{1680}}\x{{2000}}-\x{{3000}}]|^ | $"
)
# Symbols, skin tones (Sk), flags and keycaps, and what joins them.
_EMOJI_ONLY = rf"^[{_SPACE}\p{{So}}\p{{Sk}}\x{{200d}}\x{{20e3}}\x{{fe0e}}\x{{fe0f}}\x{{e0020}}-\x{{e007f}}]+$"


def clean_texts(texts: pa.Array, cleaning: Cleaning) -> pa.Array:
    """Return texts, which are strings without nulls, cleaned as the options say, shape (n,)."""
    if cleaning.html_entities == "unescape":
        plain = [html.unescape(text) if "&" in text else text for text in texts.to_pylist()]
        texts = pa.array(plain, pa.string())
    if pattern := removed_pattern(cleaning):
        texts = pc.replace_substring_regex(texts, pattern.replace(r"\S", f"[^{_SPACE}]"), "")
    return _collapsed(texts) if cleaning.whitespace == "collapse" else texts


def removed_pattern(cleaning: Cleaning) -> str:
    """Return the regular expression, in Python's syntax, of what is removed; empty if nothing is."""
    starts = ["@"] * (cleaning.mentions == "remove") + ["https?"] * (cleaning.links == "remove")
    long = [rf"({'|'.join(starts)})\S+"] if starts else []
    return "|".join(long + ["#"] * (cleaning.hash_signs == "remove"))


def is_emoji_only(texts: pa.Array) -> pa.Array:
    """Return, for each text, whether it has emoji and nothing else, shape (n,)."""
    return pc.match_substring_regex(texts, _EMOJI_ONLY)


def _collapsed(texts: pa.Array) -> pa.Array:
    # Most texts need nothing, and looking is ten times faster than replacing.
    untidy = pc.match_substring_regex(texts, _SPACES_TO_COLLAPSE)
    if not pc.any(untidy).as_py():
        return texts
    tidied = pc.replace_substring_regex(texts.filter(untidy), f"[{_SPACE}]+", " ")
    tidied = pc.utf8_trim(tidied, " ")
    return pc.replace_with_mask(texts, untidy, tidied)
