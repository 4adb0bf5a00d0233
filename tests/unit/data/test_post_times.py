from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stimmung.data.posts.post_times import OUTSIDE, parse_times, week_numbers
from stimmung.vocabulary.posts import PostFormat
from stimmung.vocabulary.weeks import Weeks

NOON = pd.Timestamp("2020-03-19T12:00", tz="UTC")


def parsed(values, **layout):
    column = values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])
    return list(parse_times(column, PostFormat(**layout)))


@pytest.mark.parametrize(
    ("values", "layout"),
    [
        (["2020-03-19T12:00:00Z", "2020-03-19 13:00+01:00", "2020-03-19T12:00:00.000"], {}),
        (["2020-03-19T12:00:00Z", "2020-03-19 13:00"], {"time_zone": "Europe/Berlin"}),
        (["2020-03-19T13:00:00+01", "2020-03-19 14:00+02"], {"time_zone": "Europe/Berlin"}),  # fault W
        (["1584619200"], {"time_format": "unix-s"}),
        ([1584619200000, 1584619200000.0], {"time_format": "unix-ms"}),
        (["Thu Mar 19 12:00:00 +0000 2020"], {"time_format": "%a %b %d %H:%M:%S %z %Y"}),
        (["19.03.2020 13:00"], {"time_format": "%d.%m.%Y %H:%M", "time_zone": "Europe/Berlin"}),
        ([datetime(2020, 3, 19, 12)], {}),
        ([datetime(2020, 3, 19, 12, tzinfo=UTC)], {"time_zone": "Europe/Berlin"}),
    ],
)
def test_fault_w_one_moment_in_many_writings(values, layout):
    assert parsed(values, **layout) == [NOON] * len(values)


@pytest.mark.parametrize(
    "layout", [{}, {"time_format": "unix-s"}, {"time_format": "%d/%m/%Y"}, {"time_zone": "Asia/Tokyo"}]
)
def test_what_is_no_time_is_no_time_and_no_error(layout):
    far = ["9999-12-31T23:59:59", "0001-01-01T00:00:00", "9999-12-31T23:59:59-10:00", "12020-01-01"]
    assert all(pd.isna(parsed(["when?", "32/13/2020", "9e99", "", "nan", *far], **layout)))


def test_numbers_and_timestamps_beyond_all_bounds_are_no_time_or_no_error():
    assert all(pd.isna(parsed(["1e30", "-1e30", "inf", "-inf"], time_format="unix-s")))
    times = parsed(pa.chunked_array([pa.array([2**60, -(2**60), 1584619200], pa.timestamp("s"))]))
    assert times[2] == NOON


def test_times_in_the_hours_of_a_changing_clock_are_times():
    times = parsed(["2020-10-25T01:30", "2020-03-29T01:30"], time_zone="Europe/London")
    assert times == [pd.Timestamp("2020-10-25T00:30Z"), pd.Timestamp("2020-03-29T01:00Z")]


@settings(max_examples=100, deadline=None)
@given(
    st.datetimes(datetime(2019, 12, 1), datetime(2020, 5, 1)),
    st.sampled_from(["UTC", "Europe/London", "Asia/Tokyo", "America/New_York"]),
    st.integers(-10, 10),
)
def test_a_post_falls_into_the_week_whose_days_hold_its_local_day(moment, zone, shift):
    weeks = Weeks(first="2020-01-02", last="2020-04-02", anchor="THU", shift_days=shift, time_zone=zone)
    time = pd.DatetimeIndex([moment]).tz_localize("UTC")
    day = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
    label = weeks.label_of_posts(day)
    labels = weeks.labels()
    assert week_numbers(time, weeks).tolist() == [labels.index(label) if label in labels else OUTSIDE]


def test_a_week_begins_at_local_midnight():
    weeks = Weeks(first="2020-06-25", last="2020-07-02", anchor="THU", time_zone="Europe/London")
    times = pd.DatetimeIndex(
        ["2020-06-24T22:59:59Z", "2020-06-24T23:00Z", "2020-07-01T23:00Z", "2020-07-08T23:00Z"]
    )
    assert np.array_equal(week_numbers(times, weeks), [OUTSIDE, 0, 1, OUTSIDE])


@pytest.mark.parametrize(
    "time_format",
    [["iso", "%d.%m.%Y %H:%M", "unix-ms", "unix-s"], ["unix-s", "unix-ms", "%d.%m.%Y %H:%M", "iso"]],
)
def test_fault_qq_several_writings_of_time_are_tried_in_turn(time_format):
    values = [
        "2020-03-19T13:00:00+01:00",
        "19.03.2020 12:00",
        "1584619200000",
        "1584619200",
        "2020-03-19 12:00",
    ]
    assert parsed(values, time_format=time_format) == [NOON] * 5
    assert pd.isna(parsed(["when?"], time_format=time_format)[0])


def test_fault_qq_seconds_taken_for_milliseconds_and_the_other_way_round_are_no_times():
    assert pd.isna(parsed(["1584619200"], time_format="unix-ms")[0])
    assert pd.isna(parsed(["1584619200000"], time_format="unix-s")[0])
    assert all(pd.isna(parsed(["0", "-1"], time_format="unix-s")))
