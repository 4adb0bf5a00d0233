import json
from pathlib import Path

import pandas as pd
import pytest

from stimmung.data.simulate.mood_mix import (
    mix_posts,
    read_goemotions,
    read_labelled_posts,
    simulate_labelled_posts,
)
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import POSTS, TRACKER
from stimmung.vocabulary.posts import LabelledColumns, PostFormat
from stimmung.vocabulary.weeks import Weeks

GOEMOTIONS = Path(__file__).parents[4] / "shared/data/goemotions"
WEEKS = Weeks(first="2000-01-03", last="2000-03-13", anchor="MON")
SHARES = [tenth / 10 for tenth in range(11)]
OPTIONS = {"joy": "Happy", "sadness": "Sad"}
COLUMNS = LabelledColumns()


def mix(labelled, **changes):
    return mix_posts(
        labelled, WEEKS, **{"shares": SHARES, "n_posts": 50, "options": OPTIONS, "seed": 1, **changes}
    )


def write_goemotions(folder, lines, labels="anger\njoy\nsadness\n"):
    (folder / "labels.txt").write_text(labels)
    (folder / "train.tsv").write_text("".join(f"{line}\n" for line in lines))
    return folder


def test_mixes_have_their_shares_and_differ_in_nothing_else():
    labelled = simulate_labelled_posts(50, seed=3)
    kinds = dict(zip(labelled["text"], labelled["label"], strict=True))
    posts, truth = mix(labelled)
    TRACKER.validate(truth)
    shares = truth[truth["option"] == "Happy"].set_index("week")["share"]
    for label, share in zip(WEEKS.labels(), SHARES, strict=True):
        table = POSTS.validate(posts[label])
        assert len(table) == 50
        assert sum(kinds[text] == "joy" for text in table["text"]) == round(share * 50)
        assert shares[label] == pytest.approx(share)
    first, second = (sorted(posts[label]["text"]) for label in WEEKS.labels()[:2])
    assert len([text for text in first if text not in second]) <= 5


def test_the_same_seed_gives_the_same_mixes():
    labelled = simulate_labelled_posts(50, seed=3)
    assert all(mix(labelled)[0][label].equals(mix(labelled)[0][label]) for label in WEEKS.labels())
    assert not mix(labelled)[0]["2000-01-03"].equals(mix(labelled, seed=2)[0]["2000-01-03"])


def test_only_posts_with_one_label_are_taken_each_once(tmp_path):
    folder = write_goemotions(
        tmp_path,
        [
            "so good\t1\tid1",
            "so bad\t2\tid2",
            "mixed\t1,2\tid3",
            "angry\t0\tid4",
            "so good\t1\tid5",
            '"quoted\t2\tid6',
        ],
    )
    assert read_goemotions(folder, COLUMNS).values.tolist() == [
        ["so good", "joy"],
        ["so bad", "sadness"],
        ['"quoted', "sadness"],
    ]


def test_two_other_emotions_take_the_places_of_joy_and_sadness(tmp_path):
    folder = write_goemotions(tmp_path, ["so good\t1\tid1", "so bad\t2\tid2", "angry\t0\tid3"])
    columns = LabelledColumns.model_validate({"labels": {"joy": "anger", "sadness": ["sadness", "joy"]}})
    assert sorted(read_goemotions(folder, columns).values.tolist()) == [
        ["angry", "joy"],
        ["so bad", "sadness"],
        ["so good", "sadness"],
    ]
    columns = LabelledColumns.model_validate({"labels": {"joy": "angr", "sadness": "fear"}})
    with pytest.raises(InputError, match=r"does not name 'angr' \(did you mean 'anger'\?\), 'fear'"):
        read_goemotions(folder, columns)


@pytest.mark.skipif(not GOEMOTIONS.exists(), reason="../shared/data/goemotions is absent")
def test_the_real_goemotions_has_enough_posts_for_mixes():
    labelled = read_goemotions(GOEMOTIONS, COLUMNS)
    assert labelled["label"].value_counts().min() >= 1000
    posts, _ = mix(labelled, n_posts=1000)
    assert all(len(POSTS.validate(table)) == 1000 for table in posts.values())


def test_what_cannot_be_mixed_is_told(tmp_path):
    with pytest.raises(InputError, match="no GoEmotions in"):
        read_goemotions(tmp_path, COLUMNS)
    with pytest.raises(InputError, match="no post whose only label is 'sadness'"):
        read_goemotions(write_goemotions(tmp_path, ["so good\t1\tid1"]), COLUMNS)
    with pytest.raises(InputError, match="line 1: no tab"):
        read_goemotions(write_goemotions(tmp_path, ["marked post"]), COLUMNS)
    with pytest.raises(InputError, match="20 posts labelled 'joy', but the mixes need 50"):
        mix(simulate_labelled_posts(20, seed=3))
    with pytest.raises(InputError, match="2 shares for 11 weeks"):
        mix(simulate_labelled_posts(50, seed=3), shares=[0, 1])


LABELLED = [
    ("so good", "happy"),
    ("so bad", "sad"),
    ("angry", "anger"),
    ("both", "happy,sad"),
    ("so good", "sad"),
]


def write_labelled(folder, kind):
    """Write the same posts in one of the ways in which labelled data sets come; return the file, and how its columns are named."""
    rows = [dict(zip(("body", "emotion"), row, strict=True)) for row in LABELLED]
    columns = LabelledColumns(
        text="body", label="emotion", labels={"joy": "happy", "sadness": ["sad", "grief"]}
    )
    file = folder / f"posts.{kind}"
    if kind == "jsonl":
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif kind == "parquet":
        table = pd.DataFrame(rows)
        table.assign(emotion=table["emotion"].str.split(",")).to_parquet(file)
    elif kind == "flags.csv":
        names = ["happy", "sad", "anger", "grief"]
        flags = {name: [float(name in label.split(",")) for _, label in LABELLED] for name in names}
        pd.DataFrame({"body": [text for text, _ in LABELLED], **flags}).to_csv(file, index=False)
        columns = columns.model_copy(update={"label": names})
    elif kind == "numbers.csv":
        numbers = {"happy": 17, "sad": 25, "anger": 2}
        coded = [(text, numbers.get(label)) for text, label in LABELLED]
        pd.DataFrame(coded, columns=["body", "emotion"]).to_csv(file, index=False)
        columns = LabelledColumns(text="body", label="emotion", labels={"joy": 17, "sadness": [25]})
    else:
        pd.DataFrame(rows).to_csv(file, index=False, sep="\t" if kind == "tsv" else ",")
    return file, columns


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet", "flags.csv", "numbers.csv"])
def test_friction_a_mix_takes_its_posts_from_any_labelled_file_and_counts_the_others(tmp_path, kind, capsys):
    file, columns = write_labelled(tmp_path, kind)
    labelled = read_labelled_posts(file, columns, PostFormat())
    assert labelled.values.tolist() == [["so good", "joy"], ["so bad", "sadness"]]
    assert (
        "5 rows read, 2 labelled posts kept; dropped: other-label 2, same-text 1" in capsys.readouterr().err
    )


def test_a_folder_is_goemotions_whatever_the_columns_are(tmp_path):
    folder = write_goemotions(tmp_path, ["so good\t1\tid1", "so bad\t2\tid2"])
    found = read_labelled_posts(folder, LabelledColumns(label="emotion"), PostFormat())
    pd.testing.assert_frame_equal(found, read_goemotions(folder, COLUMNS))


def test_labels_that_do_not_occur_and_rows_that_are_lost_are_told(tmp_path):
    file, columns = write_labelled(tmp_path, "csv")
    wrong = LabelledColumns(text="body", label="emotion", labels={"joy": "Happy", "sadness": "sad"})
    with pytest.raises(InputError, match=r"none of 5 posts has the label 'Happy' .*did you mean 'happy'"):
        read_labelled_posts(file, wrong, PostFormat())
    with pytest.raises(InputError, match="has no column 'mood' for the label"):
        read_labelled_posts(file, columns.model_copy(update={"label": "mood"}), PostFormat())
    file.write_bytes("body,emotion\ngrün,happy\nblau,sad\n".encode("latin-1"))
    with pytest.raises(InputError, match="1 of 2 rows cannot be used: broken-utf8 1"):
        read_labelled_posts(file, columns, PostFormat())


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ({"joy": "a"}, "needs joy and sadness"),
        ({"joy": "a", "sadness": ["b", "a"]}, "listed twice"),
        ({"joy": "a", "sadness": "c"}, "no column of `label` 'c'"),
    ],
)
def test_labels_that_cannot_be_told_apart_are_refused_with_the_config(labels, told):
    with pytest.raises(ValueError, match=told):
        LabelledColumns(label=["a", "b"], labels=labels)
