import pytest

from scripts.read_tracker import read_tracker
from stimmung.study.panels import Tracker
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import TRACKER
from stimmung.vocabulary.parquet_tables import read_table
from tests.unit.data.test_trackers import SUMMER, small


def test_questions_of_several_trackers_stand_in_one_table(tmp_path):
    (tmp_path / "nhs.csv").write_text(
        "week,option,share,n\n2019-06-27,Well,60%,1000\n2019-07-04,Well,61%,1000\n"
    )
    trackers = {
        "mood": Tracker(file=str(small(tmp_path / "mood.xlsx")), format="yougov-xlsx"),
        "nhs": Tracker(file=str(tmp_path / "nhs.csv"), format="tidy"),
    }
    options = {"mood": ["Happy", "Sad"], "nhs": ["Well"]}
    read_tracker(trackers=trackers, options=options, weeks=SUMMER, tracker=tmp_path / "tracker.parquet")
    table = read_table(tmp_path / "tracker.parquet", TRACKER)
    assert table.groupby("question").size().to_dict() == {"mood": 4, "nhs": 2}


def test_an_option_that_is_absent_leaves_no_table(tmp_path):
    trackers = {"mood": Tracker(file=str(small(tmp_path / "mood.xlsx")), format="yougov-xlsx")}
    with pytest.raises(InputError, match="no answers 'Bored'"):
        read_tracker(
            trackers=trackers, options={"mood": ["Bored"]}, weeks=SUMMER, tracker=tmp_path / "t.parquet"
        )
    assert not (tmp_path / "t.parquet").exists()
