from scripts.read_signals import read_signals
from stimmung.study.panels import Signal
from stimmung.vocabulary.moods_schemas import SIGNALS
from stimmung.vocabulary.parquet_tables import read_table
from tests.unit.data.test_signals import WEEKS, daily


def test_signals_of_several_files_stand_in_one_table(tmp_path):
    signals = {
        "peer": Signal(file=str(daily(tmp_path / "a.csv")), columns={"Happy": "Happy"}),
        "searches": Signal(file=str(tmp_path / "a.csv"), aggregate="sum"),
    }
    read_signals(signals=signals, weeks=WEEKS, table=tmp_path / "signals.parquet")
    table = read_table(tmp_path / "signals.parquet", SIGNALS)
    assert table.groupby("signal").size().to_dict() == {"peer": 3, "searches": 6}
