import threading

import pandas as pd
import pytest

from stimmung.store import lock as locks
from stimmung.store.lock import lock
from stimmung.store.paths import Store
from stimmung.store.prediction_cache import cached_predictions
from stimmung.vocabulary.errors import InputError, Interrupted

TABLE = pd.DataFrame(
    {
        "respondent_id": ["1", "2"],
        "method": "tiny/tuned",
        "condition": "full",
        "seed": 24,
        "fold": [0, 1],
        "target": ["Red", "Blue"],
        "p_Red": [0.75, 0.25],
        "p_Blue": [0.25, 0.75],
        "option_mass": 1.0,
        "n_tokens": 9,
        "normalization": "none",
        "weight": 1.0,
    }
).astype({"fold": "int8"})


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(locks, "POLL_SECONDS", 0.02)


def once(missing):
    return [TABLE for _ in missing]


def never(_):
    raise AssertionError("predicted twice")


def test_a_table_is_predicted_once(tmp_path):
    store = Store(tmp_path)
    (first,) = cached_predictions(store, ["key"], "the table", once)
    (again,) = cached_predictions(store, ["key"], "the table", never)
    assert again.equals(first) and list(again.p_Red) == [0.75, 0.25]
    with pytest.raises(AssertionError, match="twice"):
        cached_predictions(store, ["another"], "the table", never)


def test_a_job_beside_an_orphan_waits_and_takes_what_that_made(tmp_path):
    store, asked, entered = Store(tmp_path), threading.Event(), threading.Event()

    def orphan():
        def predict(missing):
            entered.set()
            assert asked.wait(30)
            return once(missing)

        cached_predictions(store, ["key"], "the table", predict)

    thread = threading.Thread(target=orphan)
    thread.start()
    assert entered.wait(30)

    def stop():
        asked.set()  # only a job that waits asks
        return False

    (found,) = cached_predictions(store, ["key"], "the table", never, stop=stop)
    thread.join()
    assert len(found) == 2
    assert list((tmp_path / "locks").iterdir()) == []


def test_waiting_can_be_stopped(tmp_path):
    store = Store(tmp_path)
    with lock(store.lock("key"), "the table"), pytest.raises(Interrupted, match="waiting for the table"):
        cached_predictions(store, ["key"], "the table", never, stop=lambda: True)


def test_a_damaged_table_is_named(tmp_path):
    store = Store(tmp_path)
    cached_predictions(store, ["key"], "the table", once)
    store.predictions("key").write_bytes(b"cut off")
    with pytest.raises(InputError, match=r"key\.parquet"):
        cached_predictions(store, ["key"], "the table", never)


def test_of_several_tables_only_those_that_the_store_lacks_are_predicted_together(tmp_path):
    store, asked = Store(tmp_path), []

    def predict(missing):
        asked.append(list(missing))
        return [TABLE.assign(seed=place) for place in missing]

    cached_predictions(store, ["second"], "a table", once)
    found = cached_predictions(store, ["first", "second", "third"], "the tables", predict)
    assert asked == [[0, 2]] and [set(table.seed) for table in found] == [{0}, {24}, {2}]
    again = cached_predictions(store, ["third", "first"], "the tables", never)
    assert again[0].equals(found[2]) and again[1].equals(found[0])
    assert list((tmp_path / "locks").iterdir()) == []
