from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stimmung.baselines.lexicon import LexiconEntry, read_lexicon, score_lexicon
from stimmung.data.simulate.mood_sentences import MOODS
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import SIGNALS
from tests.unit.baselines.test_words import write_posts


def scored(path, entries, categories=None):
    table = SIGNALS.validate(score_lexicon({"2020-01-01": path}, entries, categories))
    return table.set_index("option")["value"].to_dict()


def test_the_score_is_the_weighted_share_of_words(tmp_path):
    path = write_posts(tmp_path / "p.parquet", ["Joy, joyful JOYS!", "sad but joy"])
    entries = [
        LexiconEntry("joy", "joy", 1.0),
        LexiconEntry("joyf*", "joy", 0.5),
        LexiconEntry("sad*", "sad", 2.0),
    ]
    assert scored(path, entries) == {"joy": (2 + 0.5) / 6, "sad": 2 / 6}
    assert scored(path, entries, {"Happy": "joy"}) == {"Happy": 2.5 / 6}


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.lists(st.text("abü", min_size=1, max_size=3), min_size=1, max_size=6), min_size=1, max_size=5
    ),
    st.lists(st.tuples(st.text("abü", min_size=1, max_size=2), st.booleans()), min_size=1, max_size=6),
)
def test_words_and_beginnings_are_found_as_by_hand(tmp_path_factory, posts, entries):
    path = write_posts(tmp_path_factory.mktemp("l") / "p.parquet", [" ".join(words) for words in posts])
    words = Counter(word for post in posts for word in post)
    expected = sum(
        n for word, is_start in entries for token, n in words.items()
        if (token.startswith(word) if is_start else token == word)
    )  # fmt: skip
    lexicon = [LexiconEntry(word + "*" * is_start, "x") for word, is_start in entries]
    assert scored(path, lexicon)["x"] == pytest.approx(expected / words.total())


def test_the_demo_s_lexicon_has_a_category_for_every_mood():
    assert {entry.category for entry in read_lexicon()} == set(MOODS)


def test_a_user_s_lexicon_is_read_from_csv_and_tsv(tmp_path):
    (tmp_path / "l.csv").write_text("word,category\nHapp*,joy\n")
    (tmp_path / "l.tsv").write_text("word\tcategory\tweight\nhapp*\tjoy\t0.5\n")
    assert read_lexicon(tmp_path / "l.csv") == [LexiconEntry("happ*", "joy", 1.0)]
    assert read_lexicon(tmp_path / "l.tsv") == [LexiconEntry("happ*", "joy", 0.5)]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("wort,category\nx,y\n", "has no rows with 'word' .did you mean 'wort'"),
        ("word,category\n", "has no rows"),
        ("word,category,weight\nx,y,much\n", "line 2: the weight is not a number"),
        ("word,category\n*,y\n", "line 2: an entry needs a word"),
        ("word,category\na*b,y\n", "line 2: an entry needs a word"),
        ("word,category\nx,\n", "line 2: an entry needs a word"),
    ],
)
def test_a_wrong_lexicon_is_told(tmp_path, content, told):
    (tmp_path / "l.csv").write_text(content)
    with pytest.raises(InputError, match=told):
        read_lexicon(tmp_path / "l.csv")


def test_a_category_that_is_absent_is_told(tmp_path):
    path = write_posts(tmp_path / "p.parquet", ["x"])
    with pytest.raises(InputError, match=r"no category 'joyy' .did you mean 'joy'"):
        scored(path, [LexiconEntry("x", "joy")], {"Happy": "joyy"})
