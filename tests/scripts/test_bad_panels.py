"""What a user may get wrong with posts and surveys, one test each: what is said, how the job ends, what is left.

Each runs a script's function as its job does, with its log: a mistake is one line ``ERROR: …`` and a hint on the terminal and
exit code 1; what is no mistake is read, counted and, where it is odd, warned of. No text and no author is shown.
"""

import json
from types import SimpleNamespace

import pytest

from scripts.read_panel import read_panel
from scripts.read_tracker import read_tracker
from stimmung.data.posts.authors import SALT_VARIABLE
from stimmung.study.panels import Tracker
from stimmung.vocabulary.moods_schemas import POSTS
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.posts import Cleaning, PostColumns, PostFilters, PostFormat
from stimmung.workflow.job import job
from tests.weekly_posts import ANY_LOSS, WEEKS, write_csv, write_jsonl

MARK = "planted-marker"
FIRST, SECOND, THIRD = WEEKS.labels()


@pytest.fixture(autouse=True)
def no_salt_from_outside(monkeypatch):
    monkeypatch.delenv(SALT_VARIABLE, raising=False)


class Bench:
    """A folder, and jobs that run in it."""

    def __init__(self, folder, capsys):
        self.folder, self._capsys = folder, capsys

    def run(self, function, **arguments):
        """Run a script's function as a job; return exit code, the lines on the terminal, and the log."""
        log, code = self.folder / "job.log", 0
        try:
            with job(SimpleNamespace(log=[str(log)], rule=function.__name__)):
                function(**arguments)
        except SystemExit as ended:
            code = ended.code
        written = self._capsys.readouterr()
        told = log.read_text() + written.err + written.out
        assert MARK not in told and "Traceback" not in told
        return SimpleNamespace(code=code, lines=written.err.splitlines(), log=log.read_text())

    def refused(self, function, **arguments):
        """Run what must fail; return the error and the hint. Nothing is made, not even in part."""
        before = self.files()
        ended = self.run(function, **arguments)
        assert ended.code == 1
        assert [line.split(":")[0] for line in ended.lines] == ["ERROR", "Hint"]
        assert self.files() == before
        return ended.lines

    def files(self):
        return {
            path: path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file() and path.name not in ("job.log", "salt")
        }

    def reading(self, *patterns, **changes):
        """Return the arguments with which the files of the folder are read."""
        return {
            "files": [str(self.folder / pattern) for pattern in patterns or ["*.csv"]],
            "columns": PostColumns(),
            "format": PostFormat(),
            "weeks": WEEKS,
            "cleaning": Cleaning(),
            "filters": PostFilters(),
            "salt_file": self.folder / "secret" / "salt",
            "posts": self.folder / "posts",
            "report": self.folder / "reading.json",
            **changes,
        }

    def read(self, *patterns, **changes):
        """Read the files; return the report and the texts by week."""
        ended = self.run(read_panel, **self.reading(*patterns, **changes))
        assert ended.code == 0
        texts = {
            label: read_table(self.folder / "posts" / f"{label}.parquet", POSTS)["text"].tolist()
            for label in WEEKS.labels()
        }
        report = json.loads((self.folder / "reading.json").read_text())
        assert all(warning in ended.log for warning in report["warnings"])
        summary = [one for one in ended.lines if not one.startswith("WARNING: ")]
        assert [one.removeprefix("WARNING: ") for one in ended.lines] == [*report["warnings"], *summary]
        assert all(f"{reason} {n}" in summary[0] for reason, n in report["dropped"].items())
        return report, texts

    def tracking(self, rows, options=("Happy", "Sad")):
        """Return the arguments with which a tidy tracker is read."""
        file = self.folder / "survey.csv"
        write_csv(file, rows, header=("week", "option", "share"))
        return {
            "trackers": {"mood": Tracker(file=str(file), format="tidy")},
            "options": {"mood": list(options)},
            "weeks": WEEKS,
            "tracker": self.folder / "tracker.parquet",
        }


@pytest.fixture
def bench(tmp_path, capsys):
    return Bench(tmp_path, capsys)


def test_a_file_without_the_text_column(bench):
    write_csv(bench.folder / "a.csv", [(FIRST, MARK, MARK)], header=("time", "author", "body_text"))
    error, hint = bench.refused(read_panel, **bench.reading())
    assert "a.csv has no column 'text' for the text" in error.replace(" (did you mean 'body_text'?)", "")
    assert "columns" in hint


def test_times_that_do_not_parse(bench):
    rows = [(f"the {day}th of {MARK}", "ann", f"{MARK} {day}") for day in range(1, 10)]
    write_csv(bench.folder / "a.csv", rows)
    error, hint = bench.refused(read_panel, **bench.reading())
    assert "9 of 9 rows cannot be used" in error and "`time_format` is 'iso'" in error and "strptime" in hint
    # One time that does: the others cost their rows, if the study allows it.
    write_csv(bench.folder / "a.csv", [*rows, (FIRST, "ann", "hello")])
    report, texts = bench.read(format=ANY_LOSS)
    assert texts[FIRST] == ["hello"] and report["dropped"] == {"unparsable-time": 9}
    assert "9 of 10 rows dropped: unparsable-time" in " ".join(report["warnings"])


def test_broken_utf_8_and_nul_bytes(bench):
    rows = [b"time,author,text", b"2020-01-01,a,fine", b"2020-01-01,b,caf\xe9", b"2020-01-01,c,nul \x00"]
    (bench.folder / "a.csv").write_bytes(b"\n".join([*rows, b"2020-01-02,d,fine too", b""]))
    report, texts = bench.read(format=ANY_LOSS)
    assert sorted(texts[FIRST]) == ["fine", "fine too"]
    assert report["dropped"] == {"broken-utf8": 1, "nul-bytes": 1} and report["rows"] == 4


def test_the_texts_null_and_nan_are_texts(bench):
    words = ["null", "nan", "NaN", "None", "NA", "N/A"]
    write_csv(bench.folder / "a.csv", [(FIRST, f"a{n}", word) for n, word in enumerate(words)])
    write_jsonl(bench.folder / "b.jsonl", [{"time": SECOND, "author": word, "text": word} for word in words])
    report, texts = bench.read("*.csv", "*.jsonl")
    assert sorted(texts[FIRST]) == sorted(texts[SECOND]) == sorted(words)
    assert report["dropped"] == {}


@pytest.mark.parametrize(("choice", "kept"), [("keep", ["glad", "😀 🎉"]), ("drop", ["glad"])])
def test_posts_of_nothing_but_emoji(bench, choice, kept):
    write_csv(bench.folder / "a.csv", [(FIRST, "a", "😀 🎉"), (FIRST, "b", "glad")])
    report, texts = bench.read(filters=PostFilters(emoji_only=choice))
    assert sorted(texts[FIRST]) == kept
    assert report["dropped"] == ({} if choice == "keep" else {"emoji-only": 1})


def test_empty_weeks_inside_the_range(bench):
    write_csv(bench.folder / "a.csv", [(FIRST, "a", "one"), (THIRD, "b", "two")])
    report, texts = bench.read()
    assert texts == {FIRST: ["one"], SECOND: [], THIRD: ["two"]}
    assert f"1 of 3 weeks have no posts: {SECOND}" in report["warnings"]
    # What becomes of such a week: tests/scripts/test_train_week_adapters.py, tests/workflow/test_moods.py.


def test_overlapping_files_with_the_same_posts(bench):
    posts = [(FIRST, f"a{number}", f"post {number}") for number in range(6)]
    write_csv(bench.folder / "a.csv", posts[:4])
    write_csv(bench.folder / "b.csv", posts[2:])
    report, texts = bench.read()
    assert sorted(texts[FIRST]) == [f"post {number}" for number in range(6)]
    assert report["dropped"] == {"same-post": 2}


def test_one_author_with_half_of_all_posts(bench):
    rows = [(FIRST, MARK, f"loud {number}") for number in range(10)]
    rows += [(FIRST, f"a{number}", f"quiet {number}") for number in range(10)]
    write_csv(bench.folder / "a.csv", rows)
    report, texts = bench.read()
    assert len(texts[FIRST]) == 20
    assert "one author wrote 50% of all posts; `max_posts_per_author` caps it" in report["warnings"]


def test_a_tracker_whose_weeks_do_not_meet_the_panel_s(bench):
    rows = [("2018-05-03", option, 0.3) for option in ("Happy", "Sad")]
    error, hint = bench.refused(read_tracker, **bench.tracking(rows))
    assert f"no wave falls into the panel's weeks {FIRST} to {THIRD}" in error
    assert "2018-05-02" in hint


def test_an_option_that_is_missing_from_the_tracker(bench):
    rows = [(label, option, 0.3) for label in WEEKS.labels() for option in ("Happy", "Sads")]
    error, hint = bench.refused(read_tracker, **bench.tracking(rows))
    assert "has no answers 'Sad' (did you mean 'Sads'?)" in error and "Happy, Sads" in hint


def test_a_constant_series_of_the_survey_is_told_before_anything_is_trained(bench):
    rows = [(label, "Happy", 0.1 * number) for number, label in enumerate(WEEKS.labels())]
    rows += [(label, "Sad", "20%") for label in WEEKS.labels()]
    error, hint = bench.refused(read_tracker, **bench.tracking(rows))
    assert "the same share in all weeks for 'Sad'" in error and "Leave the option out" in hint
