from scripts.mix_posts import mix_posts
from stimmung.study.panels import Mix
from stimmung.vocabulary.moods_schemas import POSTS, TRACKER
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.posts import Cleaning, PostFormat
from stimmung.vocabulary.weeks import Weeks
from tests.unit.data.test_mood_mix import write_goemotions


def mix(folder, source, n_posts, **columns):
    mix_posts(
        mix=Mix(source=source, joy_shares=[0, 0.5, 1], n_posts=n_posts, **columns),
        format=PostFormat(),
        weeks=Weeks(first="2000-01-03", last="2000-01-17"),
        cleaning=Cleaning(),
        posts=folder / "posts",
        tracker=folder / "tracker.parquet",
    )
    posts = {
        path.stem: read_table(path, POSTS)["text"].tolist() for path in sorted((folder / "posts").iterdir())
    }
    return posts, read_table(folder / "tracker.parquet", TRACKER)


def test_simulated_and_real_posts_are_mixed_with_their_known_shares(tmp_path):
    lines = [f"@you great {number}\t1\tid" for number in range(10)] + [
        f"so sad #{number}\t2\tid" for number in range(10)
    ]
    (tmp_path / "go").mkdir()
    posts, truth = mix(tmp_path, str(write_goemotions(tmp_path / "go", lines)), 10)
    assert [sum("great" in text for text in week) for week in posts.values()] == [0, 5, 10]
    assert not any(sign in text for week in posts.values() for text in week for sign in "@#")
    assert truth.query("option == 'Happy'")["share"].tolist() == [0, 0.5, 1]
    posts, _ = mix(tmp_path / "simulated", "simulated", 20)
    assert [len(week) for week in posts.values()] == [20, 20, 20]


def test_a_second_mixing_leaves_the_files_of_weeks_alone(tmp_path):
    mix(tmp_path, "simulated", 20)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "posts").iterdir()}
    mix(tmp_path, "simulated", 20)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "posts").iterdir()} == before


def test_posts_of_a_labelled_file_are_mixed_as_the_config_names_its_columns(tmp_path):
    rows = [f"{kind} {number};{kind}" for number in range(10) for kind in ("glad", "low")]
    (tmp_path / "posts.csv").write_text("\n".join(["body;mood", *rows, ""]))
    columns = {"text": "body", "label": "mood", "labels": {"joy": "glad", "sadness": "low"}}
    posts, _ = mix(tmp_path, str(tmp_path / "posts.csv"), 10, columns=columns)
    assert [sum("glad" in text for text in week) for week in posts.values()] == [0, 5, 10]
