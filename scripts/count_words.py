"""Count mood words, "I am" phrases and the words of a lexicon in each week's posts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from stimmung.baselines.lexicon import DEMO_LEXICON, read_lexicon, score_lexicon
from stimmung.baselines.words import count_words as count
from stimmung.study.panels import Lexicon
from stimmung.vocabulary.moods_schemas import SIGNALS
from stimmung.vocabulary.parquet_tables import write_table
from stimmung.workflow.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def count_words(
    *, posts: Mapping[str, Path], options: Sequence[str], lexicon: Lexicon | None, output: Path
) -> None:
    """Write the signals 'words', 'phrases' and, if there is one, 'lexicon'; ``posts`` are tables by week."""
    tables = [count(posts, options)]
    if lexicon is not None:
        entries = read_lexicon(Path(lexicon.file) if lexicon.file else DEMO_LEXICON)
        tables.append(score_lexicon(posts, entries, lexicon.categories))
    write_table(pd.concat(tables, ignore_index=True), output, SIGNALS)


if __name__ == "__main__":
    with job(snakemake):
        count_words(
            posts=dict(zip(snakemake.params.weeks, map(Path, snakemake.input.posts), strict=True)),
            options=snakemake.params.options,
            lexicon=Lexicon(**snakemake.params.lexicon) if snakemake.params.lexicon else None,
            output=Path(snakemake.output.signals),
        )
