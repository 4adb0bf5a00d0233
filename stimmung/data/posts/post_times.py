"""When a post was written, and the week that it belongs to."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from stimmung.vocabulary.posts import PostFormat
from stimmung.vocabulary.weeks import DAYS_IN_WEEK, Weeks

OUTSIDE = -1
_UNIX = {"unix-s": 1_000_000, "unix-ms": 1_000}
_WITH_OFFSET = r"(?:[zZ]|[+-]\d{2}:?\d{2}|[T ]\S*[+-]\d{2})\s*$"
# From 1900 to 2200.
_LEAST, _MOST = (int(np.datetime64(year, "us").astype(np.int64)) for year in ("1900", "2200"))
# No post is older than Usenet: what would be is a time in seconds that was taken for milliseconds, or a 0 for an absent one.
_FIRST_POST = int(np.datetime64("1979", "us").astype(np.int64))


def parse_times(column: pa.ChunkedArray, format: PostFormat) -> pd.DatetimeIndex:
    """Return the times of posts as UTC; NaT where a time is absent or does not parse.

    A time without an offset is taken to be in ``format.time_zone``. Of an hour that occurs twice, as clocks are set back,
    it is the first; of an hour that is skipped, it is the moment after. ``column`` has text, numbers, dates or timestamps.
    """
    if pa.types.is_temporal(column.type):
        zone = column.type.tz if pa.types.is_timestamp(column.type) else None
        moments = column.cast(pa.timestamp("us", tz=zone), safe=False).to_pandas()
        return _in_utc(pd.DatetimeIndex(moments), format.time_zone)
    values = column.to_pandas()
    first, *others = format.time_formats()
    times = _parsed(values, first, format.time_zone)
    for other in others:
        lost = np.asarray(times.isna())
        moments = times.asi8.copy()
        moments[lost] = _parsed(values[lost], other, format.time_zone).asi8
        times = pd.DatetimeIndex(moments.view("datetime64[us]")).tz_localize("UTC")
    return times


def _parsed(values: "pd.Series[Any]", time_format: str, time_zone: str) -> pd.DatetimeIndex:
    if time_format in _UNIX:
        return _from_unix(values, _UNIX[time_format])
    values = values.astype("str")
    if time_format == "iso":
        return _from_iso(values, time_zone)
    parsed = pd.to_datetime(values, format=time_format, errors="coerce", utc="%z" in time_format)
    return _in_utc(pd.DatetimeIndex(parsed), time_zone)


def week_numbers(times: pd.DatetimeIndex, weeks: Weeks) -> npt.NDArray[np.int64]:
    """Return the place of each post's week among ``weeks.labels()``, shape (n,); OUTSIDE for the others.

    Times are UTC, without NaT; a day begins at midnight in the weeks' time zone.
    """
    local = times.tz_convert(weeks.time_zone).tz_localize(None)
    days = local.to_numpy().astype("datetime64[D]").astype(np.int64)
    first = np.datetime64(weeks.days(weeks.first.isoformat())[0], "D").astype(np.int64)
    numbers: npt.NDArray[np.int64] = (days - first) // DAYS_IN_WEEK
    inside = (numbers >= 0) & (numbers < len(weeks.labels()))
    return np.where(inside, numbers, OUTSIDE)


def _from_iso(values: "pd.Series[str]", time_zone: str) -> pd.DatetimeIndex:
    if time_zone == "UTC":
        parsed = pd.to_datetime(values, format="ISO8601", errors="coerce", utc=True)
        return _in_utc(pd.DatetimeIndex(parsed), "UTC")
    has_offset = values.str.contains(_WITH_OFFSET, regex=True, na=False)
    parsed = pd.Series(pd.NaT, index=values.index, dtype="datetime64[us, UTC]")
    for kind, zone in ((has_offset, "UTC"), (~has_offset, time_zone)):
        part = pd.to_datetime(values[kind], format="ISO8601", errors="coerce", utc=zone == "UTC")
        parsed[kind] = _in_utc(pd.DatetimeIndex(part), zone)
    return pd.DatetimeIndex(parsed)


def _from_unix(values: "pd.Series[float]", microseconds: int) -> pd.DatetimeIndex:
    numbers = pd.to_numeric(values, errors="coerce").astype("float64").to_numpy() * microseconds
    # float64 holds microseconds of our century exactly.
    valid = (numbers >= _FIRST_POST) & (numbers < _MOST)
    times = np.where(valid, np.round(np.where(valid, numbers, 0)), 0).astype("datetime64[us]")
    times[~valid] = np.datetime64("NaT")
    return _in_utc(pd.DatetimeIndex(times), "UTC")


def _in_utc(times: pd.DatetimeIndex, time_zone: str) -> pd.DatetimeIndex:
    # A typo like the year 20200 is not a time; pandas cannot convert it to another time zone.
    times = times.as_unit("us")
    times = pd.DatetimeIndex(times.where((times.asi8 > _LEAST) & (times.asi8 < _MOST)))
    if times.tz is None:
        first_of_two = np.ones(len(times), bool)
        times = times.tz_localize(time_zone, ambiguous=first_of_two, nonexistent="shift_forward")
    return times.tz_convert("UTC")
