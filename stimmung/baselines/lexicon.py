"""A lexicon score for each week: the share of all words that belong to a category."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from stimmung.data.posts.post_weeks import week_texts
from stimmung.vocabulary.errors import InputError, did_you_mean
from stimmung.vocabulary.moods_schemas import SIGNALS
from stimmung.vocabulary.parquet_tables import typed_table

DEMO_LEXICON = Path(__file__).with_name("demo_lexicon.txt")
LEXICON = "lexicon"
# What separates words: everything but letters, digits and the apostrophes inside a word.
_BETWEEN = r"[^\p{L}\p{M}\p{N}'’]+"
_LAST = "\U0010ffff"


@dataclass(frozen=True)
class LexiconEntry:
    """A word, or the beginning of words if it ends in ``*``, with its category and weight."""

    word: str
    category: str
    weight: float = 1.0


def read_lexicon(path: Path = DEMO_LEXICON) -> list[LexiconEntry]:
    """Read a lexicon: columns word, category and, optionally, weight; ``happ*`` matches all words that begin so.

    A .csv file, or a .tsv or .txt file with tabs. The default is a small lexicon made for the demo: it is not validated. Raises an
    InputError if the file is absent, lacks a column, has no entries, or a weight is not a number.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter="," if path.suffix.lower() == ".csv" else "\t"))
    except FileNotFoundError as error:
        raise InputError(f"no lexicon at {path}", "It has the columns word, category and weight.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is not a readable lexicon", "Save it as .csv or .tsv in UTF-8.") from error
    present = rows[0].keys() if rows else []
    absent = [
        f"'{name}'{did_you_mean(name, present)}" for name in ("word", "category") if name not in present
    ]
    if absent:
        raise InputError(
            f"{path} has no rows with {' and '.join(absent)}", "The first line names the columns."
        )
    return [_entry(row, f"{path}, line {number}") for number, row in enumerate(rows, start=2)]


def score_lexicon(
    posts: Mapping[str, Path], entries: Sequence[LexiconEntry], categories: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Return a SIGNALS table of the weighted share of words that belong to each option's category, by week.

    The value is the sum of the weights of the words found, over the number of all words of the week; n is the number of posts. A
    word that several entries of a category match counts for each. A week without words has no rows. ``posts`` is the label of the
    week to its POSTS table, ``categories`` answer option to category; None: categories have the names of the options. Raises an
    InputError if the lexicon lacks a category.
    """
    known = list(dict.fromkeys(entry.category for entry in entries))
    categories = {name: name for name in known} if categories is None else categories
    absent = [f"'{name}'{did_you_mean(name, known)}" for name in categories.values() if name not in known]
    if absent:
        raise InputError(f"the lexicon has no category {', '.join(absent)}", f"It has: {', '.join(known)}.")
    weights = {
        option: np.array([entry.weight if entry.category == category else 0.0 for entry in entries])
        for option, category in categories.items()
    }
    rows = []
    for week, path in posts.items():
        n_posts, n_words, found = _count(week_texts(path), [entry.word for entry in entries])
        row = {"week": week, "signal": LEXICON, "n": n_posts}
        if n_words:
            rows += [{**row, "option": name, "value": one @ found / n_words} for name, one in weights.items()]
    return typed_table(rows, SIGNALS)


def _entry(row: Mapping[str, str | None], where: str) -> LexiconEntry:
    word, category = (row["word"] or "").strip().lower(), (row["category"] or "").strip()
    if not word.rstrip("*") or "*" in word[:-1] or not category:
        raise InputError(f"{where}: an entry needs a word, with '*' only at its end, and a category")
    try:
        return LexiconEntry(word, category, float(row.get("weight") or 1))
    except ValueError as error:
        raise InputError(f"{where}: the weight is not a number") from error


def _count(batches: Iterable[pa.Array], words: Sequence[str]) -> tuple[int, int, npt.NDArray[np.int64]]:
    """Return the numbers of posts, of words, and of words that each entry stands for, shape (entries,)."""
    starts = np.array([word.removesuffix("*") for word in words], dtype=object)
    ends = np.array([word[:-1] + _LAST if word.endswith("*") else word for word in words], dtype=object)
    n_posts, n_words = 0, 0
    found = np.zeros(len(words), np.int64)
    for texts in batches:
        n_posts += len(texts)
        tokens = pc.split_pattern_regex(pc.utf8_lower(texts), _BETWEEN).flatten()
        counted = tokens.filter(pc.not_equal(tokens, "")).value_counts()
        vocabulary = np.array(counted.field("values").to_pylist(), dtype=object)
        # Words with the same beginning are neighbours when sorted.
        order = np.argsort(vocabulary)
        up_to = np.concatenate([[0], np.cumsum(counted.field("counts").to_numpy()[order])]).astype(np.int64)
        first = np.searchsorted(vocabulary[order], starts, "left")
        after = np.searchsorted(vocabulary[order], ends, "right")
        n_words += int(up_to[-1])
        found += up_to[after] - up_to[first]
    return n_posts, n_words, found
