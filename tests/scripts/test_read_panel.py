import json
import logging
from types import SimpleNamespace

import pytest

from scripts.read_panel import read_panel
from stimmung.data.posts.authors import SALT_VARIABLE
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import POSTS
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.posts import Cleaning, PostColumns, PostFilters, PostFormat
from stimmung.workflow.job import job
from tests.weekly_posts import ANY_LOSS, WEEKS, write_csv

MARK = "planted-marker"


@pytest.fixture(autouse=True)
def no_salt_from_outside(monkeypatch):
    monkeypatch.delenv(SALT_VARIABLE, raising=False)


def read(folder, **changes):
    chosen = {
        "files": [str(folder / "*.csv")],
        "columns": PostColumns(),
        "format": PostFormat(),
        "weeks": WEEKS,
        "cleaning": Cleaning(),
        "filters": PostFilters(),
        "salt_file": folder / "secret" / "salt",
        "posts": folder / "posts",
        "report": folder / "reading.json",
    }
    read_panel(**{**chosen, **changes})
    return json.loads((folder / "reading.json").read_text())


def test_weeks_report_and_salt_are_written_and_a_second_run_changes_nothing(tmp_path):
    write_csv(tmp_path / "a.csv", [("2020-01-01", "ann", "hello #world"), ("2020-01-09", "bob", "@ann hi")])
    report = read(tmp_path)
    assert (report["rows"], report["kept"]) == (2, 2)
    assert read_table(tmp_path / "posts" / "2020-01-01.parquet", POSTS)["text"].tolist() == ["hello world"]
    files = sorted(path for path in (tmp_path / "posts").iterdir())
    assert [path.stem for path in files] == WEEKS.labels()
    before = [path.stat().st_mtime_ns for path in files]
    assert read(tmp_path) == report
    assert [path.stat().st_mtime_ns for path in files] == before


def test_a_mistake_ends_in_one_line_and_no_report(tmp_path, capsys):
    write_csv(tmp_path / "a.csv", [("2020-01-01", MARK, MARK)], header=("time", "author", "texts"))
    with pytest.raises(InputError, match=r"a\.csv has no column 'text' .did you mean 'texts'"):
        read(tmp_path)
    assert not (tmp_path / "reading.json").exists()
    log = tmp_path / "log.txt"
    with pytest.raises(SystemExit) as ended, job(SimpleNamespace(log=[str(log)], rule="read_panel")):
        read(tmp_path)
    assert ended.value.code == 1
    shown = capsys.readouterr().err
    assert shown.startswith("ERROR: ") and shown.count("\n") == 2 and "Traceback" not in shown
    assert MARK not in shown + log.read_text()


def test_the_log_of_a_job_holds_counts_and_no_content(tmp_path):
    rows = [("2020-01-01", MARK, f"{MARK} {number}") for number in range(5)]
    write_csv(tmp_path / f"{MARK}.csv", [*rows, (MARK, MARK, MARK), ("2020-01-02", MARK, f"{MARK}\x00")])
    log = tmp_path / "log.txt"
    with job(SimpleNamespace(log=[str(log)], rule="read_panel")):
        report = read(tmp_path, format=ANY_LOSS)
    logging.shutdown()
    written = log.read_text()
    assert "7 rows read, 5 posts kept" in written and "one author wrote 100%" in written
    salt = (tmp_path / "secret" / "salt").read_text()
    author = read_table(tmp_path / "posts" / "2020-01-01.parquet", POSTS)["author"].iloc[0]
    for secret in (MARK, salt, author):
        assert secret not in written and secret not in json.dumps(report)
