import pandas as pd
import pytest

from stimmung.data.series.signals import read_signal
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import SIGNALS
from stimmung.vocabulary.weeks import Weeks

WEEKS = Weeks(first="2020-03-05", last="2020-03-19", anchor="THU", shift_days=-1)


def signal(path, **changes):
    chosen = {
        "name": "peer",
        "day": "date",
        "columns": {},
        "frequency": "daily",
        "aggregate": "mean",
        **changes,
    }
    return SIGNALS.validate(read_signal(path, weeks=WEEKS, **chosen))


def daily(path, n=21, first="2020-03-04"):
    days = pd.date_range(first, periods=n)
    pd.DataFrame({"date": days.strftime("%Y-%m-%d"), "Happy": range(n), "fear": 1.5}).to_csv(
        path, index=False
    )
    return path


def test_days_become_weeks_as_their_posts_do(tmp_path):
    table = signal(daily(tmp_path / "s.csv"), columns={"Happy": "Happy", "Scared": "fear"})
    happy = table[table["option"] == "Happy"]
    assert happy["week"].tolist() == WEEKS.labels()
    assert happy["value"].tolist() == [3.0, 10.0, 17.0]
    assert table["n"].tolist() == [7.0] * 6
    assert set(table["option"]) == {"Happy", "Scared"} and set(table["signal"]) == {"peer"}
    sums = signal(tmp_path / "s.csv", aggregate="sum")
    assert sums[sums["option"] == "fear"]["value"].tolist() == [10.5] * 3


def test_weekly_rows_stand_where_survey_waves_do(tmp_path):
    (tmp_path / "s.csv").write_text("date,Happy\n2020-03-19,1\n2020-03-11,2\n2020-02-06,\n")
    table = signal(tmp_path / "s.csv", frequency="weekly")
    assert table[["week", "value"]].values.tolist() == [["2020-03-05", 2.0], ["2020-03-19", 1.0]]


def test_parquet_is_read_too(tmp_path):
    pd.DataFrame({"date": pd.to_datetime(["2020-03-19"]), "Happy": [0.5]}).to_parquet(tmp_path / "s.parquet")
    assert signal(tmp_path / "s.parquet")["value"].tolist() == [0.5]


def test_what_is_no_signal_is_told(tmp_path):
    with pytest.raises(InputError, match="two rows for the week 2020-03-05"):
        signal(daily(tmp_path / "s.csv"), frequency="weekly")
    with pytest.raises(InputError, match=r"no column 'fears' .did you mean 'fear'"):
        signal(tmp_path / "s.csv", columns={"Scared": "fears"})
    (tmp_path / "s.csv").write_text("date,Happy\n2020-03-19,1\n2020-03-20,x\n")
    with pytest.raises(InputError, match="no number in column 'Happy' of row 2"):
        signal(tmp_path / "s.csv")
    (tmp_path / "s.csv").write_text("date\n2020-03-19\n")
    with pytest.raises(InputError, match="no column but 'date'"):
        signal(tmp_path / "s.csv")


def test_a_sum_of_fewer_than_seven_days_is_left_out_and_told(tmp_path, capsys):
    table = signal(daily(tmp_path / "s.csv", n=17), columns={"Happy": "Happy"}, aggregate="sum")
    assert table["week"].tolist() == WEEKS.labels()[:2], "three days of the last week are no sum"
    assert "1 of 3 sums are left out" in capsys.readouterr().err
