from scripts.simulate_panel import simulate_panel
from stimmung.baselines.words import count_words
from stimmung.data.simulate.mood_sentences import MOODS
from stimmung.study.panels import Simulation
from stimmung.vocabulary.moods_schemas import SIGNALS, TRACKER
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.weeks import Weeks
from tests.weekly_posts import read

WEEKS = Weeks(first="2019-11-07", last="2020-02-20", anchor="THU", time_zone="Europe/London")


def simulate(folder, weeks=WEEKS, posts_per_week=400):
    simulate_panel(
        weeks=weeks,
        simulate=Simulation(posts_per_week=posts_per_week, n_respondents=2000, seed=1),
        posts=folder / "raw",
        tracker=folder / "tracker.parquet",
        truth=folder / "truth.parquet",
    )
    return {path.name: path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}


def test_two_runs_give_the_same_bytes_and_a_longer_panel_the_same_weeks(tmp_path):
    first = simulate(tmp_path / "one", posts_per_week=20)
    assert len(first) == 18
    assert simulate(tmp_path / "two", posts_per_week=20) == first
    longer = WEEKS.model_copy(
        update={"last": Weeks(first="2020-02-27", last="2020-02-27", anchor="THU").last}
    )
    raw = {name: content for name, content in first.items() if name.endswith(".csv")}
    assert raw.items() <= simulate(tmp_path / "three", longer, posts_per_week=20).items()


def test_the_posts_read_back_carry_the_mood_that_the_tracker_measures(tmp_path):
    simulate(tmp_path)
    report, _ = read(tmp_path / "raw", weeks=WEEKS)
    assert set(report["dropped"]) <= {"retweet", "duplicate-text", "same-post"}
    assert report["kept"] > 0.9 * report["rows"]
    posts = {label: tmp_path / "raw" / "weeks" / f"{label}.parquet" for label in WEEKS.labels()}
    words = (
        count_words(posts, MOODS)
        .query("signal == 'words'")
        .pivot(index="week", columns="option", values="value")
    )
    truth = read_table(tmp_path / "truth.parquet", SIGNALS).pivot(
        index="week", columns="option", values="value"
    )
    tracker = read_table(tmp_path / "tracker.parquet", TRACKER).pivot(
        index="week", columns="option", values="share"
    )
    assert words.corrwith(truth).mean() > 0.9
    assert tracker.corrwith(truth).mean() > 0.95
