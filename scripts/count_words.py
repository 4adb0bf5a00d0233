"""Count the answer options' words, "I am" phrases and the words of a lexicon in each week's posts."""

from pathlib import Path

import pandas as pd

from stimmung.baselines.lexicon import DEMO_LEXICON, read_lexicon, score_lexicon
from stimmung.baselines.words import count_words as count
from stimmung.study.panels import Lexicon
from stimmung.vocabulary.moods_schemas import SIGNALS
from stimmung.vocabulary.parquet_tables import write_table
from stimmung.workflow.run import run


def count_words(
    *, posts: Path, weeks: list[str], options: list[str], lexicon: Lexicon | None, signals: Path
) -> None:
    """Write the signals 'words', 'phrases' and, if there is one, 'lexicon'; ``posts`` is the folder of the weeks' posts tables."""
    by_week = {week: posts / f"{week}.parquet" for week in weeks}
    tables = [count(by_week, options)]
    if lexicon is not None:
        entries = read_lexicon(Path(lexicon.file) if lexicon.file else DEMO_LEXICON)
        tables.append(score_lexicon(by_week, entries, lexicon.categories))
    write_table(pd.concat(tables, ignore_index=True), signals, SIGNALS)


if __name__ == "__main__":
    run(count_words, snakemake)
