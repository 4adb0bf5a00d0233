import csv
import math
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import openpyxl
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from stimmung.data.series.signals import read_signal
from stimmung.data.series.trackers import read_tidy, read_yougov, tracker_table
from stimmung.vocabulary.weeks import Weeks
from tests.fuzz.budget import BUDGET, attempt
from tests.fuzz.survey_content import WORDS

WEEKS = Weeks(first="2020-01-02", last="2020-02-27", anchor="THU")
OPTIONS = st.lists(
    WORDS.filter(lambda word: word and word not in ("Other", "Don't know", "Base", "Unweighted base")),
    min_size=1,
    max_size=4,
    unique_by=str.casefold,
)
# Tenths of a per cent, as published series have at most.
SHARES = st.integers(0, 1000).map(lambda tenths: tenths / 1000)
WRITINGS = {
    "share": lambda share: repr(share),
    "per cent": lambda share: f"{share * 100:.1f}%",
    "decimal comma": lambda share: f"{share * 100:.1f}%".replace(".", ","),
    "with a space": lambda share: f" {share * 100:.1f} % ",
}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = {"iso": date.isoformat, "words": lambda day: f"{day.day}th {MONTHS[day.month - 1]} {day.year}"}


@st.composite
def trackers(draw):
    options = draw(OPTIONS)
    days = [date(2020, 1, 2) + timedelta(weeks=week) for week in range(draw(st.integers(2, 9)))]
    shares = {option: draw(st.lists(SHARES, min_size=len(days), max_size=len(days))) for option in options}
    return days, shares


def check_series(table, days, shares):
    # A constant series has no correlation, so that it is refused; everything else has to be there.
    constant = any(len(set(series)) == 1 for series in shares.values())
    assert (table is None) == constant
    if table is None:
        return
    found = {(row.week, row.option): row.share for row in table.itertuples()}
    expected = {
        (day.isoformat(), option): share
        for option, series in shares.items()
        for day, share in zip(days, series, strict=True)
    }
    assert found.keys() == expected.keys()
    assert all(math.isclose(found[place], share, abs_tol=1e-12) for place, share in expected.items())


def write_sheet(path, rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
        for cell in book.active[book.active.max_row]:
            if isinstance(cell.value, str):
                cell.data_type = "s"  # a word that begins with = is no formula
    book.save(path)


@BUDGET
@given(
    trackers(),
    st.sampled_from(list(WRITINGS)),
    st.sampled_from(list(DAYS)),
    st.sampled_from(["csv", "parquet", "xlsx", "semicolons", "utf-16"]),
)
def test_a_tidy_tracker_is_read_back_as_written(tracker, writing, days_as, kind):
    days, shares = tracker
    rows = [
        (DAYS[days_as](day), option, WRITINGS[writing](share))
        for option, series in shares.items()
        for day, share in zip(days, series, strict=True)
    ]
    with TemporaryDirectory() as name:
        path = Path(name) / f"tracker.{kind if kind in ('parquet', 'xlsx') else 'csv'}"
        if kind == "parquet":
            pd.DataFrame(rows, columns=["week", "option", "share"]).to_parquet(path)
        elif kind == "xlsx":
            write_sheet(path, [("week", "option", "share"), *rows])
        else:
            with path.open("w", newline="", encoding="utf-16" if kind == "utf-16" else "utf-8") as stream:
                written = csv.writer(stream, delimiter=";" if kind == "semicolons" else ",")
                written.writerows([("week", "option", "share"), *rows])
        table = attempt(lambda: tracker_table(read_tidy(path), "mood", list(shares), WEEKS, "tracker"))
    check_series(table, days, shares)


@BUDGET
@given(trackers(), st.sampled_from([None, *WRITINGS]))
def test_a_sheet_laid_out_like_yougov_s_is_read_back_as_written(tracker, writing):
    days, shares = tracker
    rows = [["What?", *map(DAYS["words"], days)]]
    for option, series in shares.items():
        rows.append([option, *(series if writing is None else map(WRITINGS[writing], series))])
    with TemporaryDirectory() as name:
        path = Path(name) / "tracker.xlsx"
        write_sheet(path, rows)
        table = attempt(lambda: tracker_table(read_yougov(path), "mood", list(shares), WEEKS, "tracker"))
    check_series(table, days, shares)


DAYS_AND_SHARES = [
    "2020-01-02",
    "2nd Jan 2020",
    "2020-13-01",
    "53%",
    "5,5%",
    "1,931%",
    "1,931",
    "-3%",
    "150%",
    "٣%",
]
CELLS = st.sampled_from([*DAYS_AND_SHARES, "", "-", "n/a", "NaN", "inf", "1e400", "yes", "0x1", "\x00"])


@BUDGET
@given(
    st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=6),
    st.sampled_from([["week", "option", "share"], ["week", "share"], ["day", "value"], []]),
)
def test_whatever_stands_in_a_series_is_a_number_or_refused_in_one_line(rows, header):
    with TemporaryDirectory() as name:
        path = Path(name) / "series.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([header, *rows])
        tracker = attempt(lambda: tracker_table(read_tidy(path), "mood", ["yes"], WEEKS, "series"))
        signal = attempt(
            read_signal,
            path,
            name="signal",
            day="day",
            columns={},
            frequency="daily",
            aggregate="mean",
            weeks=WEEKS,
        )
    for table in (tracker, signal):
        if table is not None:
            numbers = table["share" if "share" in table else "value"]
            assert numbers.map(math.isfinite).all()
