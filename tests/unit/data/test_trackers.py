import logging
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from stimmung.data.series.series_files import parse_day, parse_number, read_series_file
from stimmung.data.series.trackers import days_to_weeks, read_tidy, read_wide, read_yougov, tracker_table
from stimmung.data.simulate.mood_sentences import MOODS
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import TRACKER
from stimmung.vocabulary.weeks import Weeks

YOUGOV = Path(__file__).parents[4] / "shared/data/yougov-mood/britains-mood-measured-weekly.xlsx"
needs_yougov = pytest.mark.skipif(not YOUGOV.exists(), reason="../shared/data/yougov-mood is absent")
THURSDAYS = Weeks(first="2019-11-07", last="2020-06-25", anchor="THU")
HEADS = ["27th Jun 2019", "4th Jul 2019", "11th Jul 2019"]
SUMMER = Weeks(first="2019-06-27", last="2019-07-11", anchor="THU")


def write_xlsx(path, rows, sheet="All adults"):
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def small(path):
    rows = [
        ["Which of the following best describe your mood?", *HEADS],
        ["Happy", "53%", "55%", 0.5],
        ["Sad", "1%", None, "-"],
        ["Don't know", "3%", "3%", "3%"],
        ["Unweighted base", "1,931", "2007", 1958],
        ["Base", "1932", "2007", "1958"],
    ]
    return write_xlsx(path, rows)


@needs_yougov
def test_all_sheets_of_the_real_tracker_have_106_weeks_and_12_moods():
    sheets = openpyxl.load_workbook(YOUGOV, read_only=True).sheetnames
    assert len(sheets) == 28
    for sheet in sheets:
        table = TRACKER.validate(tracker_table(read_yougov(YOUGOV, sheet), "mood", MOODS, THURSDAYS, sheet))
        assert (table["week"].nunique(), table["option"].nunique(), len(table)) == (106, 12, 106 * 12)


@needs_yougov
def test_happy_stands_at_25_per_cent_in_the_week_of_19_march_2020():
    table = tracker_table(read_yougov(YOUGOV), "mood", MOODS, THURSDAYS, "All adults")
    wave = table[table["week"] == "2020-03-19"].set_index("option")
    assert wave.loc["Happy", "share"] == 0.25
    assert wave.loc["Scared", "share"] == 0.36
    assert (wave["n"] == 2002).all()
    days = [date.fromisoformat(week) for week in table["week"].unique()]
    assert (days[0], days[-1]) == (date(2019, 6, 27), date(2021, 7, 1))
    assert {later - earlier for earlier, later in pairwise(days)} == {timedelta(weeks=1)}


def test_a_sheet_laid_out_like_yougov_s_is_read(tmp_path):
    table = tracker_table(read_yougov(small(tmp_path / "t.xlsx")), "mood", ["Sad", "Happy"], SUMMER, "t")
    assert list(TRACKER.validate(table).itertuples(index=False, name=None)) == [
        ("2019-06-27", "mood", "Sad", 0.01, 1931.0),
        ("2019-06-27", "mood", "Happy", 0.53, 1931.0),
        ("2019-07-04", "mood", "Happy", 0.55, 2007.0),
        ("2019-07-11", "mood", "Happy", 0.50, 1958.0),
    ]


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("27th Jun 2019", date(2019, 6, 27)),
        ("1st July 2021", date(2021, 7, 1)),
        ("2019-06-27", date(2019, 6, 27)),
        ("2019-06-27T10:00:00", date(2019, 6, 27)),
        (pd.Timestamp("2019-06-27 10:00"), date(2019, 6, 27)),
        (date(2019, 6, 27), date(2019, 6, 27)),
        ("31st Jun 2019", None),
        ("27th Foo 2019", None),
        ("", None),
        (None, None),
    ],
)
def test_days_are_read_as_yougov_and_others_write_them(cell, day):
    assert parse_day(cell) == day


@pytest.mark.parametrize(
    ("cell", "number"),
    [("53%", 0.53), ("0.53", 0.53), (0.53, 0.53), ("1,931", 1931.0), ("-", None), (None, None)],
)
def test_numbers_are_read_with_and_without_per_cent(cell, number):
    assert parse_number(cell) == number


def test_a_tidy_tracker_is_read_from_csv_and_parquet(tmp_path):
    table = pd.DataFrame(
        {
            "week": ["2019-06-27", "2019-06-28", "2019-07-04"],
            "option": ["happy", "Sad", "happy"],
            "share": ["53%", "0.1", ""],
            "question": ["mood", "mood", "other"],
        }
    )
    table.to_csv(tmp_path / "t.csv", index=False)
    table.to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv", "t.parquet"):
        waves = read_tidy(tmp_path / name, "mood")
        tracker = TRACKER.validate(tracker_table(waves, "mood", ["Happy", "Sad"], SUMMER, name))
        assert tracker["option"].tolist() == ["Happy", "Sad"]
        assert tracker["share"].tolist() == [0.53, 0.1]
        assert tracker["n"].isna().all()
    numeric = pd.DataFrame(
        {"week": pd.to_datetime(["2019-06-27"]), "option": ["x"], "share": [0.25], "n": [12]}
    )
    numeric.to_parquet(tmp_path / "n.parquet")
    assert read_tidy(tmp_path / "n.parquet").iloc[0].tolist() == [date(2019, 6, 27), "x", 0.25, 12.0]


def test_an_option_that_the_tracker_lacks_is_told_with_what_is_near(tmp_path):
    with pytest.raises(InputError, match=r"no answers 'Hapy' .did you mean 'Happy'") as told:
        tracker_table(read_yougov(small(tmp_path / "t.xlsx")), "mood", ["Hapy", "Sad"], SUMMER, "t.xlsx")
    assert "Happy, Sad" in told.value.hint


def test_a_tracker_whose_weeks_do_not_meet_the_panel_s_is_told(tmp_path, caplog):
    waves = read_yougov(small(tmp_path / "t.xlsx"))
    with pytest.raises(
        InputError, match="no wave falls into the panel's weeks 2019-11-07 to 2020-06-25"
    ) as told:
        tracker_table(waves, "mood", ["Happy"], THURSDAYS, "t.xlsx")
    assert "2019-06-27 to 2019-07-11" in told.value.hint
    longer = Weeks(first="2019-07-04", last="2019-07-18", anchor="THU")
    with caplog.at_level(logging.WARNING):
        table = tracker_table(waves, "mood", ["Happy"], longer, "t.xlsx")
    assert "1 of 3 weeks have no wave: 2019-07-18" in caplog.text
    assert table["week"].iloc[0] == "2019-06-27"


def test_two_waves_in_one_week_are_told(tmp_path):
    waves = read_yougov(
        write_xlsx(tmp_path / "t.xlsx", [["?", "27th Jun 2019", "28th Jun 2019"], ["Happy", "1%", "2%"]])
    )
    with pytest.raises(InputError, match="two waves in the week 2019-06-27"):
        tracker_table(waves, "mood", ["Happy"], SUMMER, "t")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([["?", *HEADS, "soon"], ["Happy", "1%", "1%", "1%", "1%"]], "no day in column 5"),
        ([["?", *HEADS], ["Happy", 53, 55, 57]], "3 shares are not between 0 and 1"),
        ([["?", *HEADS], ["Happy", None, None, None]], "has no shares"),
        ([], "is empty"),
    ],
)
def test_sheets_of_another_form_are_told(tmp_path, rows, told):
    with pytest.raises(InputError, match=told):
        read_yougov(write_xlsx(tmp_path / "t.xlsx", rows))


def test_files_and_sheets_that_are_absent_are_told(tmp_path):
    with pytest.raises(InputError, match="no file at"):
        read_yougov(tmp_path / "t.xlsx")
    with pytest.raises(InputError, match=r"no sheet 'All adult' .did you mean 'All adults'"):
        read_yougov(small(tmp_path / "t.xlsx"), "All adult")
    (tmp_path / "bad.xlsx").write_bytes(b"no zip")
    with pytest.raises(InputError, match="not a readable"):
        read_yougov(tmp_path / "bad.xlsx")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("week,option,shares\n2019-06-27,a,0.5\n", "no column 'share' .did you mean 'shares'"),
        ("week,option,share\nsoon,a,0.5\n", "no day in column 'week' of row 1"),
        ("week,option,share\n2019-06-27,a,lots\n", "no number in column 'share' of row 1"),
        ("week,option,share\n2019-06-27,a,53\n", "1 shares are not between 0 and 1"),
        ("", "not a readable"),
    ],
)
def test_tidy_trackers_of_another_form_are_told(tmp_path, content, told):
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(InputError, match=told):
        read_tidy(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("5,5%", 0.055),
        ("5.5 %", 0.055),
        ("0,531", 0.531),
        ("5,5", 5.5),
        ("1,931", 1931),
        ("12,345,678.5", 12345678.5),
    ],
)
def test_fault_s_a_decimal_comma_is_one(cell, number):
    assert parse_number(cell) == pytest.approx(number)


@pytest.mark.parametrize("cell", ["1,931%", "1.234,5", "1,2,3", "1,23,456"])
def test_fault_s_a_comma_that_may_be_either_is_refused(tmp_path, cell):
    assert parse_number(cell) is None
    (tmp_path / "a.csv").write_text(f'week,option,share\n2019-06-27,Happy,"{cell}"\n')
    with pytest.raises(InputError, match="no number in column 'share' of row 1"):
        read_tidy(tmp_path / "a.csv")
    write_xlsx(tmp_path / "a.xlsx", [["Mood", HEADS[0]], ["Happy", cell], ["Sad", "3%"]])
    with pytest.raises(InputError, match="1 shares are not numbers, the first on 2019-06-27"):
        read_yougov(tmp_path / "a.xlsx")


WIDE = "date;happy_pct;sad_pct;n\n27.06.2019;53,5;20,25;1931\n04.07.2019;55;NA;2007\n"
COLUMNS = {"Happy": "happy_pct", "Sad": "sad_pct"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_a_wide_tracker_of_another_office_is_read(tmp_path, encoding, capsys):
    """Semicolons, decimal commas, days with dots, per cent without a sign, and a column's name in any encoding."""
    content = WIDE.replace("happy_pct", "glücklich")
    (tmp_path / "t.csv").write_bytes(content.encode(encoding))
    columns = {**COLUMNS, "Happy": "glücklich"}
    waves = read_wide(tmp_path / "t.csv", columns, day="date", unit="percent")
    table = TRACKER.validate(tracker_table(waves, "mood", ["Happy", "Sad"], SUMMER, "t", columns))
    assert list(table.itertuples(index=False, name=None)) == [
        ("2019-06-27", "mood", "Happy", pytest.approx(0.535), 1931.0),
        ("2019-06-27", "mood", "Sad", pytest.approx(0.2025), 1931.0),
        ("2019-07-04", "mood", "Happy", pytest.approx(0.55), 2007.0),
    ]
    assert ("is read as Windows-1252" in capsys.readouterr().err) == (encoding == "cp1252"), "a guess is told"


def test_a_wide_tracker_in_excel_is_the_same_as_in_csv(tmp_path):
    rows = [
        ["week", "Happy", "n"],
        [pd.Timestamp("2019-06-27"), 0.53, 1931],
        [pd.Timestamp("2019-07-04"), "55%", 2007],
    ]
    write_xlsx(tmp_path / "t.xlsx", rows)
    (tmp_path / "t.csv").write_text("week,Happy,n\n2019-06-27,53%,1931\n2019-07-04,55%,2007\n")
    read = [read_wide(tmp_path / name, {"Happy": "Happy"}) for name in ("t.xlsx", "t.csv")]
    pd.testing.assert_frame_equal(*read)


def test_options_may_be_called_otherwise_in_the_file(tmp_path):
    waves = read_yougov(small(tmp_path / "t.xlsx"))
    table = tracker_table(waves, "mood", ["joy", "Sad"], SUMMER, "t", {"joy": "Happy"})
    assert set(table["option"]) == {"joy", "Sad"}
    with pytest.raises(InputError, match="two options have the same answers"):
        tracker_table(waves, "mood", ["joy", "Happy"], SUMMER, "t", {"joy": "Happy"})


def test_days_of_a_daily_tracker_are_weighted_by_their_respondents_and_a_short_week_is_told(tmp_path, capsys):
    days = pd.date_range("2019-06-27", periods=10)
    rows = [f"{day:%Y-%m-%d},Happy,{0.1 * (place % 7):.1f},{100 + place}" for place, day in enumerate(days)]
    (tmp_path / "t.csv").write_text("\n".join(["day,option,share,n", *rows]) + "\n")
    waves = days_to_weeks(read_tidy(tmp_path / "t.csv", day="day"), SUMMER, "t.csv")
    table = tracker_table(waves, "mood", ["Happy"], SUMMER, "t.csv")
    n = [100 + place for place in range(7)]
    assert table["week"].tolist() == ["2019-06-27", "2019-07-04"] and table["n"].tolist() == [721.0, 324.0]
    assert table["share"][0] == pytest.approx(sum(0.1 * place * one for place, one in enumerate(n)) / sum(n))
    assert (
        "1 of 2 weekly shares are means of fewer than seven days, the first 2019-07-04"
        in capsys.readouterr().err
    )
    with pytest.raises(InputError, match="two waves in the week") as error:
        tracker_table(read_tidy(tmp_path / "t.csv", day="day"), "mood", ["Happy"], SUMMER, "t.csv")
    assert "frequency: daily" in error.value.hint


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1,931", "12,5"], [1.931, 12.5]),  # beside a decimal comma, every comma is one
        (["1,931", "2,007"], [1931, 2007]),
        (["5,5%", "1,931%"], [0.055, 0.01931]),
    ],
)
def test_fault_s_all_commas_of_a_column_mean_the_same(tmp_path, cells, numbers):
    (tmp_path / "s.csv").write_text("x\n" + "".join(f'"{cell}"\n' for cell in cells))
    assert read_series_file(tmp_path / "s.csv", ["x"]).numbers("x") == pytest.approx(numbers)


def test_fault_s_a_comma_that_may_be_either_in_a_file_of_decimal_commas_is_refused(tmp_path):
    (tmp_path / "s.csv").write_text("day;x\n2019-06-27;1,931\n")
    with pytest.raises(InputError, match=r"'1,931' in column 'x' of row 1 may be 1931 or 1\.931"):
        read_series_file(tmp_path / "s.csv", ["x"]).numbers("x")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a,b\n1,2,3\n", "row 1 has 3 cells, and the first line 2 columns"),
        ("a,a\n1,2\n", "several columns 'a'"),
        ("a,b\ninf,2\n", "no number in column 'a' of row 1"),
        ("\n", "not a readable .csv file"),
    ],
)
def test_tables_whose_cells_would_shift_are_refused(tmp_path, content, told):
    (tmp_path / "s.csv").write_text(content)
    with pytest.raises(InputError, match=told):
        read_series_file(tmp_path / "s.csv", ["a"]).numbers("a")
