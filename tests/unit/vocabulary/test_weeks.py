from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from stimmung.vocabulary.weeks import Weeks, weekday_of

THURSDAYS = Weeks(first="2019-11-07", last="2020-06-25", anchor="THU")


def test_the_weeks_of_study_b_are_34_thursdays():
    labels = THURSDAYS.labels()
    assert len(labels) == 34
    assert (labels[0], labels[-1]) == ("2019-11-07", "2020-06-25")
    assert {weekday_of(date.fromisoformat(label)) for label in labels} == {"THU"}


@settings(max_examples=50, deadline=None)
@given(st.dates(date(2019, 1, 1), date(2021, 12, 31)), st.integers(-28, 28))
def test_a_day_of_posts_lies_in_the_days_of_its_week(day, shift):
    weeks = THURSDAYS.model_copy(update={"shift_days": shift})
    first, last = weeks.days(weeks.label_of_posts(day))
    assert first <= day <= last
    assert last - first == timedelta(days=6)


def test_a_shift_moves_the_posts_and_not_the_label():
    weeks = Weeks(first="2020-03-19", last="2020-03-19", anchor="THU", shift_days=-7)
    assert weeks.labels() == ["2020-03-19"]
    assert weeks.days("2020-03-19") == (date(2020, 3, 12), date(2020, 3, 18))
    assert weeks.label_of(date(2020, 3, 19)) == "2020-03-19"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"first": "2019-11-08"}, "2019-11-08 is a FRI, not a THU"),
        ({"first": "2020-07-02"}, "is after last"),
        ({"time_zone": "Europe/Lundon"}, "not a time zone"),
    ],
)
def test_what_is_no_span_of_weeks_is_told(change, told):
    with pytest.raises(ValidationError, match=told):
        Weeks(**{"first": "2019-11-07", "last": "2020-06-25", "anchor": "THU", **change})
