import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stimmung.baselines.words import PHRASES, WORDS, count_words
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import POSTS, SIGNALS
from stimmung.vocabulary.parquet_tables import write_table
from tests.weekly_posts import read, write_csv


def write_posts(path, texts, week="2020-01-01"):
    table = pd.DataFrame(
        {"post_id": [str(number) for number in range(len(texts))], "week": week, "author": ""}
    )
    write_table(table.assign(text=texts).astype({"text": str, "week": str, "author": str}), path, POSTS)
    return path


def counted(path, options):
    table = SIGNALS.validate(count_words({"2020-01-01": path}, options))
    return table.set_index(["signal", "option"])["value"].to_dict()


def test_words_and_phrases_are_counted_by_post(tmp_path):
    texts = [
        "I am happy, so happy!",
        "HAPPY new year",
        "unhappy",
        "happyish",
        "they say i’m Happy",
        "I feel happy.",
        "I felt happy",
        "I am not happy",
        "I am sad",
        "Mumbai am happy",
    ]
    shares = counted(write_posts(tmp_path / "p.parquet", texts), ["Happy", "Sad", "Bored"])
    assert shares == {
        (WORDS, "Happy"): 0.7, (WORDS, "Sad"): 0.1, (WORDS, "Bored"): 0.0,
        (PHRASES, "Happy"): 0.3, (PHRASES, "Sad"): 0.1, (PHRASES, "Bored"): 0.0,
    }  # fmt: skip


def test_options_in_other_scripts_and_of_several_words_are_words_too(tmp_path):
    path = write_posts(
        tmp_path / "p.parquet", ["Überrascht!", "unüberrascht", "very well.", "very   well", "c++ (fun)"]
    )
    shares = counted(path, ["überrascht", "Very well", "c++"])
    assert [shares[WORDS, option] for option in ("überrascht", "Very well", "c++")] == [0.2, 0.2, 0.2]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("i am'happysd .,é", min_size=1, max_size=30), min_size=1, max_size=8))
def test_counts_are_those_of_python_s_expressions(tmp_path_factory, texts):
    shares = counted(write_posts(tmp_path_factory.mktemp("w") / "p.parquet", texts), ["happy", "sad"])
    for option in ("happy", "sad"):
        words = sum(bool(re.search(rf"\b{option}\b", text)) for text in texts)
        phrases = sum(bool(re.search(rf"\bi(?: am|['’]m| feel) {option}\b", text)) for text in texts)
        assert shares[WORDS, option] == pytest.approx(words / len(texts))
        assert shares[PHRASES, option] == pytest.approx(phrases / len(texts))


def test_a_week_without_posts_has_no_value(tmp_path):
    write_csv(tmp_path / "posts.csv", [("2020-01-01", "a", "happy")])
    read(tmp_path)
    weeks = {label: tmp_path / "weeks" / f"{label}.parquet" for label in ("2020-01-01", "2020-01-08")}
    assert set(count_words(weeks, ["Happy"])["week"]) == {"2020-01-01"}
    assert SIGNALS.validate(count_words({"2020-01-08": weeks["2020-01-08"]}, ["Happy"])).empty


def test_a_damaged_or_absent_table_is_named(tmp_path):
    (tmp_path / "p.parquet").write_bytes(b"not parquet")
    with pytest.raises(InputError, match=r"p\.parquet"):
        counted(tmp_path / "p.parquet", ["Happy"])
    with pytest.raises(InputError, match=r"q\.parquet"):
        counted(tmp_path / "q.parquet", ["Happy"])
