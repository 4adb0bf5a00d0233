import pytest

from scripts.count_words import count_words
from stimmung.study.panels import Lexicon
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import SIGNALS
from stimmung.vocabulary.parquet_tables import read_table
from tests.unit.baselines.test_words import write_posts


def count(folder, lexicon):
    write_posts(folder / "2020-01-01.parquet", ["I am happy", "joyful"])
    signals = folder / "signals.parquet"
    count_words(
        posts=folder, weeks=["2020-01-01"], options=["Happy", "Sad"], lexicon=lexicon, signals=signals
    )
    table = read_table(signals, SIGNALS)
    return {(row.signal, row.option): row.value for row in table.itertuples()}


def test_words_phrases_and_a_lexicon_stand_in_one_table(tmp_path):
    assert count(tmp_path, None) == {
        ("words", "Happy"): 0.5, ("words", "Sad"): 0, ("phrases", "Happy"): 0.5, ("phrases", "Sad"): 0,
    }  # fmt: skip
    assert count(tmp_path, Lexicon())["lexicon", "Happy"] == (1 + 0.5) / 4
    (tmp_path / "l.csv").write_text("word,category\njoy*,positive\n")
    lexicon = Lexicon(file=str(tmp_path / "l.csv"), categories={"Happy": "positive"})
    assert count(tmp_path, lexicon)["lexicon", "Happy"] == 0.25


def test_a_lexicon_that_is_absent_leaves_no_table(tmp_path):
    with pytest.raises(InputError, match="no lexicon at"):
        count(tmp_path, Lexicon(file=str(tmp_path / "absent.csv")))
    assert not (tmp_path / "signals.parquet").exists()
