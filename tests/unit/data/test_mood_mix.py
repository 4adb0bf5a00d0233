from pathlib import Path

import pytest

from stimmung.data.simulate.mood_mix import mix_posts, read_goemotions, simulate_labelled_posts
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import POSTS, TRACKER
from stimmung.vocabulary.weeks import Weeks

GOEMOTIONS = Path(__file__).parents[4] / "shared/data/goemotions"
WEEKS = Weeks(first="2000-01-03", last="2000-03-13", anchor="MON")
SHARES = [tenth / 10 for tenth in range(11)]
OPTIONS = {"joy": "Happy", "sadness": "Sad"}


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
    assert read_goemotions(folder).values.tolist() == [
        ["so good", "joy"],
        ["so bad", "sadness"],
        ['"quoted', "sadness"],
    ]


@pytest.mark.skipif(not GOEMOTIONS.exists(), reason="../shared/data/goemotions is absent")
def test_the_real_goemotions_has_enough_posts_for_mixes():
    labelled = read_goemotions(GOEMOTIONS)
    assert labelled["label"].value_counts().min() >= 1000
    posts, _ = mix(labelled, n_posts=1000)
    assert all(len(POSTS.validate(table)) == 1000 for table in posts.values())


def test_what_cannot_be_mixed_is_told(tmp_path):
    with pytest.raises(InputError, match="no GoEmotions in"):
        read_goemotions(tmp_path)
    with pytest.raises(InputError, match="no post whose only label is 'sadness'"):
        read_goemotions(write_goemotions(tmp_path, ["so good\t1\tid1"]))
    with pytest.raises(InputError, match="line 1: no tab"):
        read_goemotions(write_goemotions(tmp_path, ["marked post"]))
    with pytest.raises(InputError, match="20 posts labelled 'joy', but the mixes need 50"):
        mix(simulate_labelled_posts(20, seed=3))
    with pytest.raises(InputError, match="2 shares for 11 weeks"):
        mix(simulate_labelled_posts(50, seed=3), shares=[0, 1])
