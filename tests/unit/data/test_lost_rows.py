import pytest

from stimmung.data.posts.lost_rows import FAULTS, HINTS, look_of_time, refuse_if_many
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.posts import PostFormat

FORMAT = PostFormat(max_lost_share=0.1)


def test_fault_qq_a_share_of_lost_rows_ends_the_reading_and_what_the_study_drops_does_not():
    refuse_if_many({"broken-utf8": 10, "retweet": 90}, 100, FORMAT, "a.csv")
    with pytest.raises(
        InputError, match=r"a\.csv: 11 of 100 rows cannot be used: broken-utf8 6, no-id 5"
    ) as told:
        refuse_if_many({"broken-utf8": 6, "no-id": 5, "retweet": 1}, 100, FORMAT, "a.csv")
    assert "format.encoding" in told.value.hint and "`format.max_lost_share`, now 0.1" in told.value.hint


def test_no_rows_are_not_too_many_lost_ones():
    refuse_if_many({}, 0, PostFormat(max_lost_share=0), "a.csv")


def test_every_fault_has_a_hint():
    assert set(HINTS) == set(FAULTS)


def test_fault_qq_a_time_that_does_not_parse_is_shown_by_its_look_beside_what_was_expected():
    with pytest.raises(
        InputError, match=r"one looks like '99\.99\.9999', and `time_format` is 'iso' or 'unix-s'"
    ):
        several = PostFormat(time_format=["iso", "unix-s"])
        refuse_if_many({"unparsable-time": 1}, 1, several, "a.csv", look_of_time("31.12.2020"))


@pytest.mark.parametrize(
    ("time", "look"),
    [
        ("31/12/2020 10:00", "'99/99/9999 99:99'"),
        ("Thu Jan 02 10:00:00 +0000 2020", "'aaa aaa 99 99:99:99 +9999 9999'"),
        (1577923200123, "'9999999999999'"),
        ("planted-marker", None),
        ("5 planted-marker", None),
        ("2020-01-01" * 9, None),
        ("", None),
    ],
)
def test_only_what_looks_like_a_time_is_shown(time, look):
    assert look_of_time(time) == look
