import json

import pandas as pd
import pytest

from scripts.train_week_adapters import train_week_adapters
from stimmung.engine.base.model_files import DESCRIPTION, digest_of
from stimmung.store.paths import CONFIG, RECORD, WEIGHTS
from stimmung.vocabulary.atomic_files import write_json
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import POSTS
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.parquet_tables import write_table
from stimmung.vocabulary.training import Training

TRAINING = Training(
    r=4,
    lora_alpha=8,
    learning_rate=0.01,
    num_train_epochs=None,
    max_steps=2,
    per_device_train_batch_size=2,
    block_size=16,
)
MARKER = "Quillfeather"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    from tests.workflow.small_model import save_small_model

    folder = save_small_model(tmp_path_factory.mktemp("base") / "small")
    write_json({"digest": digest_of(folder)}, folder / DESCRIPTION)
    return folder


def write_week(folder, week, texts):
    table = pd.DataFrame(
        {
            "post_id": [f"{week} {number}" for number in range(len(texts))],
            "week": week,
            "author": "",
            "text": texts,
        }
    )
    write_table(table, folder / f"{week}.parquet", POSTS)
    return folder / f"{week}.parquet"


def train(base, folder, weeks, min_posts=1, skip_small_weeks=False):
    manifest = folder / "adapters" / "first.json"
    train_week_adapters(
        base=base / DESCRIPTION,
        record=folder / "reading.json",
        manifest=manifest,
        posts=folder,
        weeks=list(weeks),
        seeds=[1, 2],
        min_posts=min_posts,
        skip_small_weeks=skip_small_weeks,
        training=TRAINING,
        pace=Pace(cohort="sequential", adapters_at_once=2),
        store=folder / "store",
        threads=1,
    )
    return json.loads(manifest.read_text())


@pytest.fixture
def posts(tmp_path):
    return {
        "2020-01-06": write_week(tmp_path, "2020-01-06", [f"I feel sad, {MARKER} {n}" for n in range(6)]),
        "2020-01-13": write_week(tmp_path, "2020-01-13", [f"a happy day {n}" for n in range(9)]),
    }


def test_each_week_and_seed_gets_an_adapter_of_its_own(base, posts, tmp_path, caplog):
    caplog.set_level("INFO")
    trained = train(base, tmp_path, posts)
    assert [(one["week"], one["seed"]) for one in trained] == [
        (week, seed) for week in posts for seed in (1, 2)
    ]
    weights = set()
    for one in trained:
        folder = tmp_path / "adapters" / one["week"] / f"seed-{one['seed']}"
        assert {file.name for file in folder.iterdir()} == {WEIGHTS, CONFIG, RECORD}
        assert json.loads((folder / RECORD).read_text())["key"] == one["key"]
        weights.add((folder / WEIGHTS).read_bytes())
    assert len(weights) == 4
    written = "".join(file.read_text() for file in (tmp_path / "adapters").rglob("*.json"))
    assert MARKER not in caplog.text + written


def test_a_new_week_trains_no_other_again(base, posts, tmp_path):
    train(base, tmp_path, ["2020-01-06"])
    adapter = tmp_path / "adapters" / "2020-01-06" / "seed-1" / WEIGHTS
    inode = adapter.stat().st_ino
    train(base, tmp_path, posts)
    assert adapter.stat().st_ino == inode, "the same stored file, linked again"
    assert len(list((tmp_path / "store" / "adapters").iterdir())) == 4


def test_an_adapter_whose_training_diverges_is_no_output_and_its_siblings_are_kept(
    base, posts, tmp_path, monkeypatch
):
    from stimmung.engine.cohort import train as training

    real = training.initial_weights

    def poisoned(cohort, seed):
        weights = real(cohort, seed)
        if seed == 2:
            next(iter(weights.values()))[0, 0] = float("nan")
        return weights

    monkeypatch.setattr(training, "initial_weights", poisoned)
    with pytest.raises(InputError, match="week 2020-01-06, seed 2: the loss is nan") as error:
        train(base, tmp_path, posts)
    assert "week 2020-01-13, seed 2" in error.value.what
    assert not (tmp_path / "adapters").exists(), "a manifest lists finished adapters only, and there is none"
    assert len(list((tmp_path / "store" / "adapters").iterdir())) == 2


def test_a_week_with_too_few_posts_is_named_and_nothing_is_written(base, posts, tmp_path):
    with pytest.raises(InputError, match="weeks with fewer than 7 posts: 2020-01-06: 6") as error:
        train(base, tmp_path, posts, min_posts=7)
    assert "too_few_posts: skip" in error.value.hint
    assert not (tmp_path / "adapters").exists()


def test_weeks_with_too_few_posts_are_skipped_if_the_panel_says_so(base, posts, tmp_path):
    trained = train(base, tmp_path, posts, min_posts=7, skip_small_weeks=True)
    assert {one["week"] for one in trained} == {"2020-01-13"}
    assert train(base, tmp_path, posts, min_posts=70, skip_small_weeks=True) == []


def test_the_base_is_not_loaded_if_the_store_has_all_adapters(base, posts, tmp_path, monkeypatch):
    before = train(base, tmp_path, posts)

    def loads(*_):
        raise AssertionError("the base was loaded")

    monkeypatch.setattr("stimmung.engine.cohort.missing_adapters.load_base_for_training", loads)
    assert train(base, tmp_path, posts) == before
