import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from accelerate import PartialState
from torch import distributed

from stimmung.engine.base.base_model import load_base
from stimmung.engine.base.preparing import quantize_base
from stimmung.engine.cohort import parallel
from stimmung.engine.cohort.parallel import train_on_all_devices
from stimmung.engine.cohort.train import train_adapters
from stimmung.store.paths import CONFIG, WEIGHTS, Store
from stimmung.vocabulary.errors import Interrupted
from stimmung.vocabulary.pace import Pace


@pytest.fixture(scope="module")
def saved_base(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parallel")
    described = quantize_base(str(source), None, "nf4", "float32", folder / "base")
    (folder / "base/model.json").write_text(json.dumps(described))
    return load_base(folder / "base")


@pytest.fixture(autouse=True)
def first_meeting(monkeypatch):
    """A process meets others once. torch counts meetings and finds the next one by the number, which one that failed raises."""
    monkeypatch.setattr(distributed.distributed_c10d, "_group_count", 0)
    monkeypatch.setattr(parallel, "MET_WITHIN", timedelta(seconds=60))


@pytest.mark.slow
def test_two_devices_train_what_one_does(saved_base, training, tasks, tmp_path, monkeypatch):
    finished = []

    def counted(base, training, tasks, store, **options):
        finished.append(len(list(store.root.glob("adapters/[!.]*"))))
        return train_adapters(base, training, tasks, store, **options)

    monkeypatch.setattr(parallel, "train_adapters", counted)
    pace = Pace(cohort="sequential")
    alone = Store(tmp_path / "alone")
    expected = train_adapters(saved_base, training, tasks, alone, pace=pace)
    spread = Store(tmp_path / "spread")
    assert train_on_all_devices(saved_base, training, tasks, spread, pace=pace, n_devices=2) == expected
    assert finished == [0, len(tasks)], "the second process left its share to the first"
    for key in expected:
        for name in (WEIGHTS, CONFIG):
            assert (spread.adapter(key) / name).read_bytes() == (alone.adapter(key) / name).read_bytes()


@pytest.mark.slow
def test_no_two_devices_train_the_same_adapter(saved_base, training, tasks, tmp_path, monkeypatch):
    given = []

    def counted(base, training, tasks, store, **options):
        given.append([task.name for task in tasks])
        return train_adapters(base, training, tasks, store, **options)

    monkeypatch.setattr(parallel, "train_adapters", counted)
    twins = [*tasks[:2], *(replace(task, name=f"twin of {task.name}") for task in tasks[:2])]
    store, pace = Store(tmp_path / "store"), Pace(cohort="sequential")
    keys = train_on_all_devices(saved_base, training, twins, store, pace=pace, n_devices=2)
    assert keys[:2] == keys[2:] and all(store.has(key) for key in keys)
    assert given[0] == [tasks[0].name], "the second device has the other one"


@pytest.mark.slow
def test_a_device_that_fails_leaves_its_adapters_to_the_first(saved_base, training, tasks, tmp_path):
    """The other process finds no base where it looks, and ends at once."""
    moved = type(saved_base)(
        saved_base.model, saved_base.tokenizer, str(tmp_path / "nowhere"), saved_base.digest
    )
    store = Store(tmp_path / "store")
    keys = train_on_all_devices(moved, training, tasks, store, pace=Pace(cohort="sequential"), n_devices=2)
    assert all(store.has(key) for key in keys)


def ends_at_once(*arguments):  # noqa: ARG001 (takes what a process is started with)
    """A process whose libraries do not even load."""
    raise SystemExit(1)


def test_a_device_that_never_comes_leaves_its_adapters_to_the_first(
    saved_base, training, tasks, tmp_path, monkeypatch
):
    monkeypatch.setattr(parallel, "_train", ends_at_once)
    monkeypatch.setattr(parallel, "MET_WITHIN", timedelta(seconds=1))
    store = Store(tmp_path / "store")
    keys = train_on_all_devices(
        saved_base, training, tasks, store, pace=Pace(cohort="sequential"), n_devices=2
    )
    assert all(store.has(key) for key in keys)


@pytest.mark.slow
def test_each_device_gets_a_share_and_nothing_is_left_of_the_meeting(tasks, tmp_path):
    PartialState()  # as Hugging Face's Trainer leaves it behind
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(share_elsewhere, len(tasks), tmp_path / "meeting")
        with parallel._share(tasks, 0, 2, tmp_path / "meeting") as own:
            assert distributed.get_world_size() == 2
            theirs = other.result()
    assert sorted([*(tasks.index(task) for task in own), *theirs]) == list(range(len(tasks)))
    assert own
    assert theirs
    assert not distributed.is_initialized()
    assert "RANK" not in os.environ


def share_elsewhere(n_tasks, meeting):
    """Which numbers of tasks the second of two processes is given."""
    code = (
        "import sys; from datetime import timedelta; from pathlib import Path; from stimmung.engine.cohort import parallel\n"
        "parallel.MET_WITHIN = timedelta(seconds=60)\n"
        "with parallel._share(range(int(sys.argv[1])), 1, 2, Path(sys.argv[2])) as own: print(*own)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(n_tasks), str(meeting)], capture_output=True, text=True, check=True
    )
    return [int(number) for number in ended.stdout.split()]


@pytest.mark.slow
def test_a_signal_stops_the_others_too(saved_base, training, tasks, tmp_path):
    with pytest.raises(Interrupted):
        train_on_all_devices(
            saved_base, training, tasks, Store(tmp_path), pace=Pace(), stop=lambda: True, n_devices=2
        )
    assert not list((tmp_path / "adapters").glob("*")) if (tmp_path / "adapters").exists() else True


def test_what_an_exception_of_another_process_quotes_is_not_printed(monkeypatch, capsys):
    def fails(*_arguments, **_keywords):
        raise ValueError("Quillfeather slept badly")

    for name in ("use_threads", "load_base"):
        monkeypatch.setattr(parallel, name, lambda *_: None)
    monkeypatch.setattr(parallel.signal, "signal", lambda *_: None)
    monkeypatch.setattr(parallel, "StopOnSignal", lambda: lambda: False)
    monkeypatch.setattr(parallel, "_share", fails)
    with pytest.raises(SystemExit) as stop:
        parallel._train("base", None, [], None, None, 1, 2, Path("meeting"), 1)
    told = capsys.readouterr().err
    assert stop.value.code == 1 and "Quillfeather" not in told
    assert "test_parallel.py" in told and told.endswith("ValueError\n")
