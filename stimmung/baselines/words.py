"""Counts of the answer options' words in the posts, after Garcia, Pellert, Lasser and Metzler (arXiv 2107.13236).

Their volume of "I am <emotion>" follows the tracker for several moods. "I am not happy" has the word, though not the phrase.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from stimmung.data.posts.post_weeks import week_texts
from stimmung.vocabulary.moods_schemas import SIGNALS
from stimmung.vocabulary.parquet_tables import typed_table

WORDS, PHRASES = "words", "phrases"
# Letters of all scripts: RE2's \b knows only ASCII, and would find "froh" in "ȧfroh".
_LETTER = r"\p{L}\p{M}\p{N}_"
_BEFORE, _AFTER = rf"(?:^|[^{_LETTER}])", rf"(?:$|[^{_LETTER}])"
_I_AM = r"i(?: am|['’]m| feel) "


def count_words(posts: Mapping[str, Path], options: Sequence[str]) -> pd.DataFrame:
    """Return a SIGNALS table of the share of posts with each option's word, from the label of each week to its POSTS table.

    Signal 'words' is the word, 'phrases' is "I am", "I'm" or "I feel" and the word; n is the number of posts. Case does not
    matter; an option of several words must occur as it is. A week without posts has no rows.
    """
    rows = []
    for week, path in posts.items():
        n_posts, counts = _count(week_texts(path), options)
        rows += [
            {"week": week, "signal": signal, "option": option, "value": n / n_posts, "n": n_posts}
            for signal, of_option in zip((WORDS, PHRASES), counts.tolist(), strict=True)
            for option, n in zip(options, of_option, strict=True)
            if n_posts
        ]
    return typed_table(rows, SIGNALS)


def _count(batches: Iterable[pa.Array], options: Sequence[str]) -> tuple[int, npt.NDArray[np.int64]]:
    """Return the number of posts, and of those with each word and phrase, shape (2, options)."""
    n_posts = 0
    counts = np.zeros((2, len(options)), np.int64)
    for texts in batches:
        n_posts += len(texts)
        lower = pc.utf8_lower(texts)
        for place, option in enumerate(options):
            # A plain search first: it is far faster, and few posts have a given word.
            candidates = lower.filter(pc.match_substring(lower, option.lower()))
            for row, before in enumerate((_BEFORE, _BEFORE + _I_AM)):
                pattern = before + re.escape(option.lower()) + _AFTER
                counts[row, place] += pc.sum(pc.match_substring_regex(candidates, pattern)).as_py() or 0
    return n_posts, counts
