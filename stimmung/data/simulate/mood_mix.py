"""Posts that are known to be joyful or sad, and mixes of them with known shares: study B's internal check.

Ahnert et al. (arXiv 2409.17990) tune adapters on mixes with 0, 10, … 100 per cent joyful posts; the read-out
must order them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from stimmung.data.posts.authors import as_hex, keyed_digests
from stimmung.data.simulate.mood_sentences import mood_sentences
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.weeks import Weeks

JOYFUL, SAD = "joy", "sadness"
QUESTION = "mood"
_SIMULATED = {JOYFUL: "Happy", SAD: "Sad"}


def read_goemotions(folder: Path) -> pd.DataFrame:
    """Read the joyful and the sad posts of GoEmotions (Demszky et al. 2020): those with no other label.

    Parameters
    ----------
    folder
        Has ``labels.txt``, one emotion a line, and tab-separated files without a header: text, label numbers,
        identifier.

    Returns
    -------
    DataFrame
        Columns text and label ('joy' or 'sadness'), in the order of the files by name, each text once.

    Raises
    ------
    InputError
        If a file is absent, lacks columns or has no such posts.
    """
    labels = folder / "labels.txt"
    files = sorted(folder.glob("*.tsv"))
    if not labels.is_file() or not files:
        raise InputError(
            f"no GoEmotions in {folder}", "It takes labels.txt and the .tsv files of the data set."
        )
    names = labels.read_text(encoding="utf-8").split()
    if not {JOYFUL, SAD} <= set(names):
        raise InputError(f"{labels} does not name '{JOYFUL}' and '{SAD}'")
    code_of = {str(names.index(label)): label for label in (JOYFUL, SAD)}
    rows = []
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), start=1):
            cells = line.split("\t")
            if len(cells) < 2 and line:
                raise InputError(
                    f"{file}, line {number}: no tab", "A line is: text, tab, label numbers, tab, identifier."
                )
            if len(cells) >= 2 and cells[1] in code_of:
                rows.append((cells[0], code_of[cells[1]]))
    return _labelled(rows, str(folder))


def simulate_labelled_posts(n_posts: int, seed: int) -> pd.DataFrame:
    """Return simulated joyful and sad posts, ``n_posts`` of each, columns text and label."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        [(mood_sentences(rng, mood), label) for label, mood in _SIMULATED.items() for _ in range(n_posts)],
        columns=["text", "label"],
    )


def mix_posts(
    labelled: pd.DataFrame,
    weeks: Weeks,
    *,
    shares: Sequence[float],
    n_posts: int,
    options: Mapping[str, str],
    seed: int,
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Mix joyful and sad posts, one share for each week. The weeks are constructed: nobody wrote in them.

    Every mix takes the first of its joyful posts from one random order and the first of its sad ones from
    another, so that two mixes differ in their shares and in as little else as can be.

    Parameters
    ----------
    labelled
        Columns text and label.
    weeks
        As many weeks as shares.
    shares
        The share of joyful posts in each week, 0 to 1.
    n_posts
        Posts of a week.
    options
        'joy' and 'sadness' to the answer options that go with them.
    seed
        Draws the posts.

    Returns
    -------
    posts
        Label of the week to its posts table.
    truth
        A tracker table of the question 'mood': the share of either kind of post in each week, ``n`` the
        number of posts.

    Raises
    ------
    InputError
        If there are fewer posts of a kind than the mixes take, or not a week for each share.
    """
    labels = weeks.labels()
    if len(labels) != len(shares):
        raise InputError(
            f"{len(shares)} shares for {len(labels)} weeks", "A mix takes one week for each share."
        )
    n_joyful = [round(share * n_posts) for share in shares]
    joyful = _shuffled(labelled, JOYFUL, max(n_joyful), [seed, 0])
    sad = _shuffled(labelled, SAD, n_posts - min(n_joyful), [seed, 1])
    posts = {
        label: _posts_table(label, [*joyful[:n], *sad[: n_posts - n]])
        for label, n in zip(labels, n_joyful, strict=True)
    }
    truth = [
        (label, QUESTION, options[kind], share, float(n_posts))
        for label, n in zip(labels, n_joyful, strict=True)
        for kind, share in ((JOYFUL, n / n_posts), (SAD, 1 - n / n_posts))
    ]
    return posts, pd.DataFrame(truth, columns=["week", "question", "option", "share", "n"])


def _labelled(rows: Sequence[tuple[str, str]], where: str) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["text", "label"]).drop_duplicates("text", ignore_index=True)
    for label in (JOYFUL, SAD):
        if not (table["label"] == label).any():
            raise InputError(f"{where} has no post that is labelled '{label}' alone")
    return table


def _shuffled(labelled: pd.DataFrame, label: str, n_needed: int, seed: Sequence[int]) -> list[str]:
    texts = labelled.loc[labelled["label"] == label, "text"].tolist()
    if len(texts) < n_needed:
        raise InputError(
            f"{len(texts)} posts labelled '{label}', but the mixes take {n_needed}", "Lower `n_posts`."
        )
    return [texts[place] for place in np.random.default_rng(seed).permutation(len(texts))]


def _posts_table(label: str, texts: Sequence[str]) -> pd.DataFrame:
    post_ids = as_hex(
        keyed_digests(pa.array([f"{label}\x1f{number}\x1f{text}" for number, text in enumerate(texts)]), b"")
    )
    table = pd.DataFrame({"post_id": post_ids.to_pylist(), "week": label, "author": "", "text": texts})
    return table.sort_values("post_id", ignore_index=True)
