import json
import logging
import random
import shutil
from collections import Counter

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stimmung.data.posts import panel_reader as panels
from stimmung.data.posts import post_weeks
from stimmung.data.posts.authors import as_hex, keyed_digests
from stimmung.data.posts.panel_reader import read_panel
from stimmung.data.posts.post_files import find_post_files
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.posts import Cleaning, PostColumns, PostFilters, PostFormat
from stimmung.vocabulary.weeks import Weeks
from tests.weekly_posts import ANY_LOSS, READER, WEEKS, read, texts, write_csv, write_jsonl

FIRST, SECOND, THIRD = WEEKS.labels()
MARK = "planted-marker"


def some_posts(n, seed=0, n_authors=40):
    draw = random.Random(seed)
    return [
        (
            f"2020-01-{draw.randint(1, 21):02d}T{draw.randint(0, 23):02d}:{draw.randint(0, 59):02d}:00",
            f"author-{draw.randint(1, n_authors)}",
            f"post number {number}",
        )
        for number in range(n)
    ]


def test_posts_land_in_their_week_cleaned_and_with_hashed_authors(tmp_path):
    write_csv(
        tmp_path / "posts.csv",
        [
            ("2020-01-07T23:59:59Z", "ann", "#hello @bob   see https://x.y/z there"),
            ("2020-01-08T00:00:00Z", "ann", "two\nlines"),
            ("2020-01-14T23:30:00-01:00", "bob", "late"),
        ],
    )
    _, weeks = read(tmp_path)
    assert {label: table["text"].tolist() for label, table in weeks.items()} == {
        FIRST: ["hello see there"],
        SECOND: ["two lines"],
        THIRD: ["late"],
    }
    ann = as_hex(keyed_digests(pa.array(["ann"]), READER.salt)).to_pylist()
    assert weeks[FIRST]["author"].tolist() == weeks[SECOND]["author"].tolist() == ann
    assert (weeks[FIRST]["week"] == FIRST).all()


def test_the_texts_null_and_nan_are_texts_and_absent_ones_are_not(tmp_path):
    rows = [
        ("2020-01-01", f"a{number}", text) for number, text in enumerate(["null", "nan", "NA", "None", ""])
    ]
    write_csv(tmp_path / "posts.csv", rows)
    write_jsonl(
        tmp_path / "posts.jsonl",
        [{"time": "2020-01-02", "author": "b", "text": text} for text in ("null", "nan", None)],
    )
    pd.DataFrame({"time": "2020-01-03", "author": "c", "text": ["null", "nan", None]}).to_parquet(
        tmp_path / "posts.parquet"
    )
    report, weeks = read(tmp_path, "posts.*")
    assert Counter(weeks[FIRST]["text"]) == {"null": 3, "nan": 3, "NA": 1, "None": 1}
    assert report["dropped"] == {"no-text": 3}


def test_every_row_is_kept_or_counted_once(tmp_path):
    (tmp_path / "posts.csv").write_bytes(
        b"time,author,text\n2020-01-01,ann,kept\nwhen,ann,no time\n,ann,none\n2020-01-01,,nobody\n"
        b'2020-01-01,ann,\n2020-01-01,ann,\xff\n2020-01-01,ann,a\x00b\n2020-01-01,ann\n2020-01-01,ann,"open\n'
        b"2020-01-02,ann,RT @x: y\n2020-01-02,ann,@x https://y\n2021-01-02,ann,later\n2020-01-01,ann,kept\n"
        b"2020-01-02,ann,kept\n"
    )
    report, weeks = read(tmp_path, format=ANY_LOSS)
    assert texts(weeks) == ["kept"]
    assert report["dropped"] == {
        "unparsable-time": 1, "no-time": 1, "no-author": 1, "no-text": 1, "broken-utf8": 1, "nul-bytes": 1,
        "malformed-row": 2, "retweet": 1, "nothing-left": 1, "outside-weeks": 1, "same-post": 1,
        "duplicate-text": 1,
    }  # fmt: skip
    assert report["rows"] == report["kept"] + sum(report["dropped"].values()) == 14
    by_week = [week["dropped"] for week in report["weeks"].values()]
    assert sum(map(Counter, by_week), Counter(report["dropped_without_week"])) == report["dropped"]


def test_overlapping_files_give_each_post_once(tmp_path):
    posts = some_posts(300)
    write_csv(tmp_path / "a.csv", posts[:200])
    write_csv(tmp_path / "b.csv", posts[100:])
    write_jsonl(
        tmp_path / "c.jsonl",
        [dict(zip(("time", "author", "text"), (f"{t}+00:00", a, x), strict=True)) for t, a, x in posts],
    )
    report, weeks = read(tmp_path, "*.csv", "*.jsonl")
    assert texts(weeks) == sorted(text for _, _, text in posts)
    assert report["dropped"] == {"same-post": 400}


def test_with_identifiers_a_post_is_known_by_its_own(tmp_path):
    header = ("time", "author", "text", "id")
    write_csv(
        tmp_path / "posts.csv",
        [
            ("2020-01-01", "a", "x", "1"),
            ("2020-01-01", "a", "y", "1"),
            ("2020-01-01", "a", "z", "2"),
            ("2020-01-01", "a", "z", ""),
        ],
        header=header,
    )
    report, weeks = read(tmp_path, columns=PostColumns(post_id="id"), format=ANY_LOSS)
    assert len(weeks[FIRST]) == 2
    assert report["dropped"] == {"same-post": 1, "no-id": 1}


def test_bytes_do_not_depend_on_file_names_order_or_number(tmp_path):
    posts = some_posts(500)
    for name, parts in {"one": [posts], "many": [posts[350:], posts[:350], posts[100:400]]}.items():
        (tmp_path / name).mkdir()
        for number, part in enumerate(parts):
            write_csv(tmp_path / name / f"{number}.csv", part)
        read(tmp_path / name)
    for label in WEEKS.labels():
        one, many = (tmp_path / name / "weeks" / f"{label}.parquet" for name in ("one", "many"))
        assert one.read_bytes() == many.read_bytes()


def test_bytes_do_not_depend_on_how_the_work_is_parted(tmp_path, monkeypatch):
    write_csv(tmp_path / "posts.csv", some_posts(3000))
    read(tmp_path)
    whole = {label: (tmp_path / "weeks" / f"{label}.parquet").read_bytes() for label in WEEKS.labels()}
    monkeypatch.setattr(post_weeks, "FLUSH_ROWS", 64)
    monkeypatch.setattr("stimmung.data.posts.post_files.BATCH_ROWS", 50)
    shutil.rmtree(tmp_path / "weeks")
    read(tmp_path)
    assert whole == {
        label: (tmp_path / "weeks" / f"{label}.parquet").read_bytes() for label in WEEKS.labels()
    }


def test_a_week_larger_than_a_slice_is_written_whole_and_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(post_weeks, "ROW_GROUP", 100)
    write_csv(tmp_path / "posts.csv", some_posts(3000))
    _, at_once = read(tmp_path)
    monkeypatch.setattr(post_weeks, "SLICE_BYTES", 1)
    shutil.rmtree(tmp_path / "weeks")
    _, in_slices = read(tmp_path)
    for label in WEEKS.labels():
        pd.testing.assert_frame_equal(at_once[label], in_slices[label])


def test_new_posts_change_the_files_of_their_weeks_only(tmp_path):
    shorter = Weeks(first=WEEKS.first, last=SECOND, anchor="WED")
    posts = some_posts(300)
    write_csv(tmp_path / "b.csv", [post for post in posts if post[0] < THIRD])
    read(tmp_path, weeks=shorter)
    before = {label: (tmp_path / "weeks" / f"{label}.parquet").stat() for label in shorter.labels()}
    write_csv(tmp_path / "a.csv", [post for post in posts if post[0] >= THIRD])
    _, weeks = read(tmp_path)
    assert len(weeks[THIRD])
    for label, stat in before.items():
        now = (tmp_path / "weeks" / f"{label}.parquet").stat()
        assert (now.st_mtime_ns, now.st_ino) == (stat.st_mtime_ns, stat.st_ino)
    write_csv(tmp_path / "c.csv", [("2020-01-02", "late", "a late post of the first week")])
    read(tmp_path)
    assert (tmp_path / "weeks" / f"{FIRST}.parquet").stat().st_mtime_ns > before[FIRST].st_mtime_ns
    assert (tmp_path / "weeks" / f"{SECOND}.parquet").stat().st_mtime_ns == before[SECOND].st_mtime_ns


def test_the_salt_changes_the_hashes_and_neither_texts_nor_order(tmp_path):
    write_csv(tmp_path / "posts.csv", some_posts(300))
    _, weeks = read(tmp_path)
    _, others = read(tmp_path, salt=b"another salt of tests")
    for label in WEEKS.labels():
        assert weeks[label]["text"].tolist() == others[label]["text"].tolist()
        assert not set(weeks[label]["author"]) & set(others[label]["author"])
        assert not set(weeks[label]["post_id"]) & set(others[label]["post_id"])


@pytest.mark.parametrize(
    ("duplicates", "kept"), [("keep", ["a", "a", "a"]), ("same-author", ["a", "a"]), ("any-author", ["a"])]
)
def test_duplicates_are_of_an_author_or_of_all(tmp_path, duplicates, kept):
    write_csv(
        tmp_path / "posts.csv",
        [("2020-01-01", "x", "a"), ("2020-01-02", "x", "a #"), ("2020-01-02", "y", "a")],
    )
    _, weeks = read(tmp_path, filters=PostFilters(duplicates=duplicates))
    assert texts(weeks) == kept


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(1, 5))
def test_no_author_exceeds_the_cap_and_none_below_it_loses_a_post(tmp_path_factory, authors, cap):
    folder = tmp_path_factory.mktemp("cap")
    write_csv(
        folder / "posts.csv",
        [("2020-01-01", f"a{author}", f"post {number}") for number, author in enumerate(authors)],
    )
    report, weeks = read(folder, filters=PostFilters(max_posts_per_author=cap))
    expected = Counter(min(n, cap) for n in Counter(authors).values())
    assert Counter(weeks[FIRST]["author"].value_counts()) == expected
    assert report["dropped"].get("author-cap", 0) == len(authors) - len(weeks[FIRST])


def test_filters_drop_what_they_say(tmp_path):
    header = ("time", "author", "text", "lang", "repost")
    rows = [
        ("2020-01-01", "a", "guten Tag", "de", "false"),
        ("2020-01-01", "a", "good day", "en", "True"),
        ("2020-01-01", "a", "RT @x hello", "en", ""),
        ("2020-01-01", "a", "😀 👍🏽", "en", "0"),
        ("2020-01-01", "a", "ok", "en", "0"),
        ("2020-01-01", "a", "long enough", "", "0"),
        ("2020-01-01", "a", "fine by me", "en", "0"),
    ]
    write_csv(tmp_path / "posts.csv", rows, header=header)
    filters = PostFilters(languages=["en"], emoji_only="drop", min_characters=3)
    report, weeks = read(tmp_path, filters=filters, columns=PostColumns(language="lang", retweet="repost"))
    assert texts(weeks) == ["RT hello", "fine by me"]
    assert report["dropped"] == {"language": 2, "retweet": 1, "emoji-only": 1, "too-short": 1}


def test_posts_of_nothing_but_emoji_are_posts(tmp_path):
    write_csv(tmp_path / "posts.csv", [("2020-01-01", "a", "😀"), ("2020-01-01", "b", "👨‍👩‍👧 🇬🇧")])
    _, weeks = read(tmp_path)
    assert texts(weeks) == ["👨‍👩‍👧 🇬🇧", "😀"]


def test_an_empty_week_has_an_empty_table_and_is_told(tmp_path, caplog):
    write_csv(tmp_path / "posts.csv", [("2020-01-01", "a", "x"), ("2020-01-15", "b", "y")])
    report, weeks = read(tmp_path)
    assert weeks[SECOND].empty
    assert f"1 of 3 weeks have no posts: {SECOND}" in report["warnings"]
    assert f"no posts: {SECOND}" in caplog.text


def test_one_author_with_half_of_all_posts_is_told_but_not_named(tmp_path):
    posts = some_posts(200, n_authors=200)
    loud = [(time, MARK, text) for time, _, text in some_posts(200, seed=1)]
    write_csv(tmp_path / "posts.csv", posts + loud)
    report, weeks = read(tmp_path)
    assert any(warning.startswith("one author wrote 50% of all posts") for warning in report["warnings"])
    hashes = {author for table in weeks.values() for author in table["author"]}
    assert not any(author in json.dumps(report) for author in hashes)
    report, _ = read(tmp_path, filters=PostFilters(max_posts_per_author=3))
    assert not report["warnings"]


def test_a_week_can_stand_in_the_names_of_files_without_times(tmp_path):
    (tmp_path / "2020-01-01.csv").write_text("good morning\ngood morning\n", encoding="utf-8")
    (tmp_path / "2020-01-15.csv").write_text("good night\n", encoding="utf-8")
    columns = PostColumns(time=None, author=None, names=["text"])
    _, weeks = read(tmp_path, "{week}.csv", columns=columns)
    assert {label: table["text"].tolist() for label, table in weeks.items()} == {
        FIRST: ["good morning", "good morning"], SECOND: [], THIRD: ["good night"],
    }  # fmt: skip
    assert set(weeks[FIRST]["author"]) == {""}
    with pytest.raises(InputError, match="neither a column of times nor a week"):
        read(tmp_path, "*.csv", columns=columns)


def test_times_that_do_not_parse_stop_the_reading_if_no_time_does(tmp_path):
    write_csv(tmp_path / "posts.csv", [(f"19/03/{MARK}", "a", "x"), ("19/03/2020", "a", "y")])
    with pytest.raises(
        InputError, match=r"2 of 2 rows cannot be used: unparsable-time 2 .*`time_format` is 'iso'"
    ) as told:
        read(tmp_path)
    assert MARK not in str(told.value)
    report, _ = read(
        tmp_path,
        format=PostFormat(time_format="%d/%m/%Y", max_lost_share=1),
        weeks=Weeks(first="2020-03-18", last="2020-03-18", anchor="WED"),
    )
    assert report["dropped"] == {"unparsable-time": 1}


def test_no_post_in_any_week_tells_where_the_posts_are(tmp_path):
    write_csv(tmp_path / "posts.csv", [("2019-05-01", "a", "x"), ("2019-06-01", "a", "y")])
    with pytest.raises(InputError, match="outside-weeks 2") as told:
        read(tmp_path)
    assert "from 2019-05-01 to 2019-06-01" in told.value.hint
    assert list((tmp_path / "weeks").iterdir()) == []


def test_a_failed_reading_leaves_the_weeks_as_they_were_and_no_scratch(tmp_path):
    write_csv(tmp_path / "a.csv", some_posts(50))
    read(tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "weeks").iterdir()}
    write_csv(tmp_path / "b.csv", some_posts(50, seed=1), header=("time", "author", "words"))
    with pytest.raises(InputError, match=r"b\.csv has no column 'text'"):
        read(tmp_path)
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "weeks").iterdir()}


def test_what_a_killed_reading_left_is_removed_and_scratch_is_private(tmp_path, monkeypatch):
    scratch = tmp_path / "weeks" / panels.SCRATCH
    scratch.mkdir(parents=True)
    (scratch / f"{FIRST}.arrow").write_bytes(b"half a table")
    modes = []
    monkeypatch.setattr(panels, "_require_posts", lambda *_: modes.append(scratch.stat().st_mode & 0o777))
    write_csv(tmp_path / "a.csv", some_posts(50))
    read(tmp_path)
    assert modes == [0o700]
    assert not scratch.exists()


def test_no_text_author_or_file_name_reaches_log_report_or_error(tmp_path, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    bad = [
        (f"{MARK}", "a", f"x {MARK}"),
        ("2020-01-01", MARK, f"{MARK} \x00"),
        ("2020-01-01", MARK, f"RT @{MARK} x"),
        ("2020-01-01", MARK, f'"{MARK}'),
    ]
    write_csv(
        tmp_path / f"{MARK}.csv", bad + [("2020-01-01", MARK, f"{MARK} {number}") for number in range(9)]
    )
    lines = [
        f'{{"text": "{MARK}", ',
        f'{{"time": "{MARK}", "author": 1, "text": "{MARK}\\ud800"}}',
        f'{{"time": "2020-01-08", "author": "{MARK}", "text": "{MARK}"}}',
    ]
    (tmp_path / f"{MARK}.jsonl").write_text("\n".join(lines))
    report, weeks = read(tmp_path, "*.csv", "*.jsonl", format=ANY_LOSS)
    assert len(weeks[FIRST]) == 10
    shown = caplog.text + json.dumps(report) + "".join(capsys.readouterr())
    assert MARK not in shown
    assert not any(author in shown for author in weeks[FIRST]["author"])


def test_panels_of_a_file_for_each_author_are_read_file_by_file(tmp_path):
    posts = some_posts(400)
    for author in {author for _, author, _ in posts}:
        write_csv(tmp_path / f"{author}.csv", [post for post in posts if post[1] == author])
    report, weeks = read(tmp_path)
    assert texts(weeks) == sorted(text for _, _, text in posts)
    assert report["sources"] == [
        {"files": str(tmp_path / "*.csv"), "n_files": 40, "rows": 400, "dropped": {}}
    ]


def test_reading_is_done_once_for_each_file(tmp_path, monkeypatch):
    write_csv(tmp_path / "a.csv", some_posts(20))
    opened = []
    real = panels.read_post_file
    monkeypatch.setattr(
        panels, "read_post_file", lambda path, *rest: opened.append(path) or real(path, *rest)
    )
    read_panel(find_post_files([str(tmp_path / "*.csv")], WEEKS.labels()), READER, tmp_path / "weeks")
    assert opened == [tmp_path / "a.csv"]


@pytest.mark.parametrize("true", ["1.0", "1", "True", "TRUE", "yes", " t ", "Y"])
def test_fault_x_every_writing_of_true_marks_a_retweet(tmp_path, true):
    rows = [
        ("2020-01-01", "a", "again", true),
        ("2020-01-01", "a", "own", "0.0"),
        ("2020-01-01", "a", "mine", ""),
    ]
    write_csv(tmp_path / "posts.csv", rows, header=("time", "author", "text", "repost"))
    report, weeks = read(tmp_path, columns=PostColumns(retweet="repost"))
    assert texts(weeks) == ["mine", "own"] and not any("repost" in one for one in report["warnings"])


def test_fault_x_flags_of_type_float_and_bool_are_read_and_others_are_warned_of(tmp_path):
    for name, flags in {"float": [1.0, 0.0, None], "bool": [True, False, None]}.items():
        frame = pd.DataFrame(
            {"time": "2020-01-01", "author": "a", "text": ["again", f"own {name}", f"mine {name}"]}
        )
        frame.assign(repost=flags).to_parquet(tmp_path / f"{name}.parquet")
    write_csv(
        tmp_path / "o.csv", [("2020-01-01", "b", "odd", "maybe")], header=("time", "author", "text", "repost")
    )
    report, weeks = read(tmp_path, "*.parquet", "*.csv", columns=PostColumns(retweet="repost"))
    assert texts(weeks) == ["mine bool", "mine float", "odd", "own bool", "own float"]
    warned = f"{tmp_path / '*.csv'}: 1 values of 'repost' are neither true nor false, and count as false"
    assert [one for one in report["warnings"] if "repost" in one] == [warned]


def test_fault_ii_identifiers_that_a_spreadsheet_rounded_are_warned_of(tmp_path):
    rows = [("2020-01-01", "a", f"post {number}", "1.21327E+18") for number in range(10)]
    write_csv(tmp_path / "posts.csv", rows, header=("time", "author", "text", "id"))
    pd.DataFrame(
        {"time": "2020-01-01", "author": "a", "text": ["x", "y"], "id": [1.213270000000000123e18, None]}
    ).to_parquet(tmp_path / "posts.parquet")
    report, _ = read(tmp_path, "*.csv", "*.parquet", columns=PostColumns(post_id="id"), format=ANY_LOSS)
    told = [one for one in report["warnings"] if "look rounded, like 1.21327E+18" in one]
    assert [one.split(": ")[1].split(" ")[0] for one in told] == ["10", "1"]


def test_fault_jj_posts_that_reddit_removed_are_dropped_and_counted(tmp_path):
    rows = [
        ("a", "[removed]"),
        ("[deleted]", "[deleted]"),
        ("[deleted]", "still here"),
        ("b", "on [removed] posts"),
    ]
    write_csv(tmp_path / "posts.csv", [("2020-01-01", *row) for row in rows])
    report, weeks = read(tmp_path)
    assert texts(weeks) == ["on [removed] posts"] and report["dropped"] == {"removed": 3}
    report, weeks = read(tmp_path, filters=PostFilters(removed="keep"))
    assert len(texts(weeks)) == 4 and not report["dropped"]


def latin_1_posts(folder, n, n_with_umlaut):
    rows = [
        f"2020-01-01,a{number},{'grün' if number < n_with_umlaut else 'rot'} {number}" for number in range(n)
    ]
    folder.mkdir(exist_ok=True)
    (folder / "posts.csv").write_bytes("\n".join(["time,author,text", *rows, ""]).encode("latin-1"))


def test_fault_qq_a_latin_1_file_ends_the_reading_or_is_read_as_named(tmp_path):
    latin_1_posts(tmp_path, 40, 20)
    with pytest.raises(InputError, match="20 of 40 rows cannot be used: broken-utf8 20") as told:
        read(tmp_path)
    assert "format.encoding" in told.value.hint
    assert not list((tmp_path / "weeks").iterdir())
    report, weeks = read(tmp_path, format=PostFormat(encoding="windows-1252"))
    assert len(texts(weeks)) == 40 and "grün 3" in texts(weeks) and not report["dropped"]


def test_fault_qq_lost_rows_below_the_share_are_told_on_the_terminal(tmp_path, capsys):
    latin_1_posts(tmp_path, 40, 2)
    report, _ = read(tmp_path)
    assert report["dropped"] == {"broken-utf8": 2}
    told = capsys.readouterr().err
    assert f"WARNING: {tmp_path / '*.csv'}: 2 of 40 rows dropped: broken-utf8" in told
    assert "40 rows read, 38 posts kept; dropped: broken-utf8 2" in told


def test_fault_qq_many_lost_rows_of_one_file_are_not_made_up_for_by_the_others(tmp_path):
    latin_1_posts(tmp_path, 300, 150)
    write_csv(tmp_path / "others.csv", some_posts(5000))
    with pytest.raises(InputError, match=r"posts\.csv: 150 of 300 rows cannot be used"):
        read(tmp_path)
    # A file of few rows may be one author's, whose lost ones are few among all.
    latin_1_posts(tmp_path, 30, 15)
    assert read(tmp_path)[0]["dropped"]["broken-utf8"] == 15


def test_fault_qq_two_writings_of_time_in_one_column_end_the_reading_or_are_both_named(tmp_path):
    rows = [("2020-01-01T10:00:00Z", "a", "one"), ("Wed Jan 08 10:00:00 +0000 2020", "b", "two")]
    write_csv(tmp_path / "posts.csv", rows)
    with pytest.raises(
        InputError, match=r"1 of 2 rows cannot be used: unparsable-time 1 .one looks like 'aaa aaa 99"
    ):
        read(tmp_path)
    _, weeks = read(tmp_path, format=PostFormat(time_format=["iso", "%a %b %d %H:%M:%S %z %Y"]))
    assert {label: table["text"].tolist() for label, table in weeks.items()} == {
        FIRST: ["one"], SECOND: ["two"], THIRD: [],
    }  # fmt: skip


def test_fault_rr_mastodon_s_posts_are_read_without_tags_and_with_whole_entities(tmp_path, capsys):
    content = (
        '<p>It&#39;s <a href="https://m.s/@ann" class="u-url mention">@<span>ann</span></a> &amp; me<br />at '
        '<a href="https://x.y/z"><span class="invisible">https://</span><span>x.y/z</span></a></p><p>&lt;3 #<span>joy</span></p>'
    )
    posts = [
        {"created_at": "2020-01-01T10:00:00.000Z", "account": {"acct": "a@b.c"}, "content": content, "reblog": None},
        {"created_at": "2020-01-01T10:00:00.000Z", "account": {"acct": "a@b.c"}, "content": "<p>theirs</p>",
         "reblog": {"content": "<p>theirs</p>"}},
    ]  # fmt: skip
    (tmp_path / "outbox.json").write_text(json.dumps(posts))
    columns = PostColumns(text="content", time="created_at", author="account.acct", retweet="reblog")
    report, weeks = read(tmp_path, "*.json", columns=columns)
    assert texts(weeks) == ["It&#39;s &amp; me at &lt;3 joy"] and report["dropped"] == {"retweet": 1}
    assert "1 texts were HTML, whose tags were taken out" in capsys.readouterr().err
    _, weeks = read(tmp_path, "*.json", columns=columns, cleaning=Cleaning(html_entities="unescape"))
    assert texts(weeks) == ["It's & me at <3 joy"]


def test_html_that_is_kept_is_told(tmp_path, capsys):
    write_csv(
        tmp_path / "posts.csv", [("2020-01-01", "a", "one<br>two"), ("2020-01-01", "a", "<3 <s>love</s>")]
    )
    assert texts(read(tmp_path)[1]) == ["<3 <s>love</s>", "one<br>two"]
    assert "1 texts hold HTML tags; `cleaning.html: strip`" in capsys.readouterr().err


def test_a_retweet_column_without_any_value_is_told(tmp_path):
    write_jsonl(tmp_path / "a.jsonl", [{"time": "2020-01-01", "author": "a", "text": "x"}])
    report, _ = read(tmp_path, "*.jsonl", columns=PostColumns(retweet="retweeted_stat"))
    assert any("no post has a value in `columns.retweet`" in one for one in report["warnings"])


def test_fault_ii_numbers_of_15_digits_and_zeros_are_rounded_only_if_most_are(tmp_path):
    rows = [("2020-01-01", "a", f"post {number}", f"12132701234567{number}0000") for number in range(9)]
    write_csv(tmp_path / "a.csv", rows, header=("time", "author", "text", "id"))
    whole = [("2020-01-01", "b", f"text {n}", f"121327012345671{n:03d}") for n in range(100)]
    write_csv(tmp_path / "b.tsv", whole, header=("time", "author", "text", "id"), delimiter="\t")
    report, _ = read(tmp_path, "*.csv", "*.tsv", columns=PostColumns(post_id="id"))
    (told,) = [one for one in report["warnings"] if "look rounded" in one]
    assert f"{tmp_path / '*.csv'}: 9 values of the post_id" in told


def test_fault_rr_a_post_inside_a_csv_cell_marks_a_repost_and_entities_are_told(tmp_path, capsys):
    flags = ["{'id': 5, 'text': 'x'}", "nan", "{}", "", "None"]
    rows = [("2020-01-01", "a", f"one &amp; {number}", flag) for number, flag in enumerate(flags)]
    write_csv(tmp_path / "posts.csv", rows, header=("time", "author", "text", "retweeted_status"))
    report, weeks = read(tmp_path, columns=PostColumns(retweet="retweeted_status"))
    assert report["dropped"] == {"retweet": 1} and "one &amp; 0" not in texts(weeks)
    told = capsys.readouterr().err
    assert "4 texts hold HTML entities" in told and "neither true nor false" not in told
