"""Mixes of joyful and sad posts with known shares: the internal check of Ahnert et al. (arXiv 2409.17990).

They tune adapters on mixes with 0, 10, … 100 per cent joyful posts; the estimates must be in the same order.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from stimmung.data.posts.authors import as_hex, keyed_digests
from stimmung.data.posts.lost_rows import refuse_if_many
from stimmung.data.posts.post_files import TRUE, read_columns
from stimmung.data.simulate.mood_sentences import mood_sentences
from stimmung.vocabulary.errors import InputError, did_you_mean, warn
from stimmung.vocabulary.posts import LabelledColumns, PostFormat, as_list
from stimmung.vocabulary.weeks import Weeks

logger = logging.getLogger(__name__)

JOYFUL, SAD = "joy", "sadness"
QUESTION = "mood"
_SIMULATED = {JOYFUL: "Happy", SAD: "Sad"}


def read_labelled_posts(source: Path, columns: LabelledColumns, format: PostFormat) -> pd.DataFrame:
    """Read joyful and sad posts from a file whose columns a study names, or from a folder with GoEmotions.

    Returns the columns text and label ('joy' or 'sadness'), in the order of the file, each text once. Posts that are left out are
    counted and told.

    Raises
    ------
    InputError
        If the file cannot be read, too many of its rows cannot be used, or it has no posts of one kind.
    """
    if not source.is_file():
        return read_goemotions(source, columns)
    names = as_list(columns.label)
    places = [f"label {number}" for number in range(len(names))]
    roles = {"text": columns.text, **dict(zip(places, names, strict=True))}
    dropped: Counter[str] = Counter()
    labels: Counter[str | None] = Counter()
    kinds: dict[str | None, str] = {_plain(label): kind for label, kind in columns.kind_of_label().items()}
    kept: dict[str, str] = {}
    for raw in read_columns(source, roles, format):
        dropped += raw.dropped
        texts = raw.columns["text"].to_pylist()
        for text, *cells in zip(texts, *(raw.columns[place].to_pylist() for place in places), strict=True):
            label = _plain(cells[0]) if isinstance(columns.label, str) else _only_true(names, cells)
            labels[label] += 1
            reason = (
                "no-text"
                if not text
                else "other-label"
                if label not in kinds
                else "same-text"
                if text in kept
                else None
            )
            if reason is None:
                kept[text] = kinds[label]
            else:
                dropped[reason] += 1
    n_rows = len(kept) + dropped.total()
    refuse_if_many(dropped, n_rows, format, str(source))
    table = pd.DataFrame(kept.items(), columns=["text", "label"])
    for kind in (JOYFUL, SAD):
        if not (table["label"] == kind).any():
            meant = [label for label, its_kind in kinds.items() if its_kind == kind]
            near = did_you_mean(meant[0], labels)
            raise InputError(
                f"{source}: none of {n_rows} posts has the label {' or '.join(map(repr, meant))} and no other{near}",
                f"`mix.columns.labels.{kind}` says what the file calls {kind}; `mix.columns.label` is the column.",
            )
    if dropped:
        why = ", ".join(f"{reason} {n}" for reason, n in dropped.most_common())
        warn(logger, f"{source}: {n_rows} rows read, {len(kept)} labelled posts kept; dropped: {why}")
    return table


def _only_true(names: Sequence[str], cells: Sequence[str | None]) -> str | None:
    """Return the label whose column alone is true; None if there is none or several."""
    true = [name for name, cell in zip(names, cells, strict=True) if _plain(cell).lower() in TRUE]
    return true[0] if len(true) == 1 else None


def _plain(cell: str | None) -> str:
    """Return a label without spaces at its ends; 1 for the 1.0 that a column of numbers becomes where one is missing."""
    return (cell or "").strip().removesuffix(".0")


def read_goemotions(folder: Path, columns: LabelledColumns) -> pd.DataFrame:
    """Read the posts of GoEmotions (Demszky et al. 2020) whose only label is one that the study calls joy or sadness.

    The folder has ``labels.txt``, one emotion per line, and tab-separated files without a header: text, label numbers, ID.
    Returns the columns text and label ('joy' or 'sadness'), in the order of the files by name, each text once.

    Raises
    ------
    InputError
        If a file is absent, lacks columns, or has no such label or posts.
    """
    labels = folder / "labels.txt"
    files = sorted(folder.glob("*.tsv"))
    if not labels.is_file() or not files:
        raise InputError(
            f"no GoEmotions in {folder}",
            "The folder needs labels.txt and the .tsv files of the data set. A file of labelled posts may stand there instead.",
        )
    names = labels.read_text(encoding="utf-8").split()
    kinds = columns.kind_of_label()
    if absent := [f"'{label}'{did_you_mean(label, names)}" for label in kinds if label not in names]:
        raise InputError(
            f"{labels} does not name {', '.join(absent)}", "`mix.columns.labels` says which labels are mixed."
        )
    code_of = {str(names.index(label)): kind for label, kind in kinds.items()}
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
    table = pd.DataFrame(rows, columns=["text", "label"]).drop_duplicates("text", ignore_index=True)
    for label in (JOYFUL, SAD):
        if not (table["label"] == label).any():
            raise InputError(
                f"{folder} has no post whose only label is '{label}', as `mix.columns.labels` says"
            )
    return table


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

    Every mix takes the first posts of the same two random orders, one of joyful and one of sad posts, so that mixes differ
    in their shares and in as little else as possible.

    ``labelled`` has the columns text and label, ``shares`` those of joyful posts in each week (0 to 1), ``options`` the answer
    options of 'joy' and 'sadness'; ``n_posts`` are the posts of a week. Returns the posts table of each week by its label, and a
    tracker table of the question 'mood': the shares in each week, with the number of posts as ``n``.

    Raises
    ------
    InputError
        If there are fewer posts of a kind than the mixes need, or the numbers of shares and weeks differ.
    """
    labels = weeks.labels()
    if len(labels) != len(shares):
        raise InputError(
            f"{len(shares)} shares for {len(labels)} weeks", "A mix has one week for each share."
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


def _shuffled(labelled: pd.DataFrame, label: str, n_needed: int, seed: Sequence[int]) -> list[str]:
    texts = labelled.loc[labelled["label"] == label, "text"].tolist()
    if len(texts) < n_needed:
        raise InputError(
            f"{len(texts)} posts labelled '{label}', but the mixes need {n_needed}", "Lower `n_posts`."
        )
    return [texts[place] for place in np.random.default_rng(seed).permutation(len(texts))]


def _posts_table(label: str, texts: Sequence[str]) -> pd.DataFrame:
    post_ids = as_hex(
        keyed_digests(pa.array([f"{label}\x1f{number}\x1f{text}" for number, text in enumerate(texts)]), b"")
    )
    table = pd.DataFrame({"post_id": post_ids.to_pylist(), "week": label, "author": "", "text": texts})
    return table.sort_values("post_id", ignore_index=True)
