import json
import os
import signal
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from stimmung.engine.base.base_model import load_base
from stimmung.engine.base.preparing import quantize_base
from stimmung.engine.cohort import parallel
from stimmung.engine.cohort.interruption import StopOnSignal
from stimmung.engine.cohort.parallel import train_on_all_devices
from stimmung.engine.cohort.train import train_adapters
from stimmung.store.paths import CONFIG, WEIGHTS, Store
from stimmung.vocabulary.errors import InputError, Interrupted
from stimmung.vocabulary.pace import Pace


@pytest.fixture(scope="module")
def saved_base(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parallel")
    described = quantize_base(str(source), None, "nf4", "float32", folder / "base")
    (folder / "base/model.json").write_text(json.dumps(described))
    return load_base(folder / "base")


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
def test_a_device_that_fails_leaves_its_adapters_to_the_first(saved_base, training, tasks, tmp_path, capsys):
    """The other process finds no base where it looks, and ends at once."""
    moved = type(saved_base)(
        saved_base.model, saved_base.tokenizer, str(tmp_path / "nowhere"), saved_base.digest
    )
    store = Store(tmp_path / "store")
    keys = train_on_all_devices(moved, training, tasks, store, pace=Pace(cohort="sequential"), n_devices=2)
    assert all(store.has(key) for key in keys)
    assert "WARNING: device 1: its process ended with exit code 1; the 1 adapters" in capsys.readouterr().err


def is_killed(*arguments):  # noqa: ARG001
    """A process that the kernel kills, as it does when main memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_a_killed_process_is_told_in_one_line_and_its_share_is_trained(
    saved_base, training, tasks, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(parallel, "_train", is_killed)
    keys = train_on_all_devices(
        saved_base, training, tasks, store := Store(tmp_path), pace=Pace(cohort="sequential"), n_devices=2
    )
    assert all(store.has(key) for key in keys)
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "WARNING: device 1: its process was killed by SIGKILL; the 1 adapters that it left are trained on device 0"
    ]


def test_an_adapter_that_fails_on_the_first_device_ends_no_other_process(
    saved_base, training, tasks, tmp_path, monkeypatch
):
    ended = []

    class Other(FakeProcess):
        def is_alive(self):
            return not ended

        def join(self, *_):
            ended.append("by itself")

        def terminate(self):
            ended.append("terminated")

    def fails(_base, _training, given, _store, **_):
        if len(given) == len(tasks):
            raise InputError("the loss is nan")
        if not ended and len(given) == 2:
            raise InputError("the loss is nan, first told")

    monkeypatch.setattr(parallel.multiprocessing, "get_context", lambda _: SimpleNamespace(Process=Other))
    monkeypatch.setattr(parallel, "_train", lambda *_: None)
    monkeypatch.setattr(parallel, "train_adapters", fails)
    with pytest.raises(InputError, match=r"is nan$"):
        train_on_all_devices(saved_base, training, tasks, Store(tmp_path), pace=Pace(), n_devices=2)
    assert ended[0] == "by itself"


def trains_until_told(*arguments):
    """A process that works until a signal comes, and then says so."""
    stop, folder = StopOnSignal(), arguments[4].root
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "began").touch()
    while not stop():
        time.sleep(0.05)
    (folder / "told").touch()


@pytest.mark.slow
def test_a_signal_reaches_a_process_that_is_at_work(saved_base, training, tasks, tmp_path, monkeypatch):
    monkeypatch.setattr(parallel, "_train", trains_until_told)
    store = Store(tmp_path)
    with pytest.raises(Interrupted):
        train_on_all_devices(
            saved_base,
            training,
            tasks,
            store,
            pace=Pace(cohort="sequential"),
            stop=lambda: (tmp_path / "began").exists(),
            n_devices=2,
        )
    assert (tmp_path / "told").exists()


def test_a_process_whose_first_one_is_gone_stops(monkeypatch):
    asked = []
    monkeypatch.setattr(parallel.signal, "signal", lambda *_: None)
    monkeypatch.setattr(parallel, "StopOnSignal", lambda: lambda: False)
    monkeypatch.setattr(parallel, "use_threads", lambda *_: None)
    monkeypatch.setattr(parallel, "load_base_for_training", lambda *_: None)
    monkeypatch.setattr(parallel, "train_adapters", lambda *_, stop, **__: asked.append(stop()))
    for alive in (True, False):
        first = SimpleNamespace(is_alive=lambda alive=alive: alive)
        monkeypatch.setattr(parallel.multiprocessing, "parent_process", lambda first=first: first)
        parallel._train(1, [], "base", None, None, None, 1)
    assert asked == [False, True]


class FakeProcess:
    """A further device's process, run at once in this one."""

    pid = 1
    exitcode = 0

    def __init__(self, target, args, daemon):
        assert daemon
        self.start = lambda: target(*args)

    def is_alive(self):
        return False

    def join(self):
        pass


def test_each_device_is_made_current_and_gets_every_nth_task(
    saved_base, training, tasks, tmp_path, monkeypatch
):
    devices, shares = [], []
    monkeypatch.setattr(
        parallel.multiprocessing, "get_context", lambda _: SimpleNamespace(Process=FakeProcess)
    )
    monkeypatch.setattr(parallel.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(parallel.torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(parallel.torch.cuda, "set_device", devices.append)
    monkeypatch.setattr(parallel.signal, "signal", lambda *_: None)
    monkeypatch.setattr(parallel, "StopOnSignal", lambda: lambda: False)
    monkeypatch.setattr(parallel, "load_base_for_training", lambda *_: saved_base)
    monkeypatch.setattr(parallel, "train_adapters", lambda *given, **_: shares.append(list(given[2])))
    train_on_all_devices(saved_base, training, tasks, Store(tmp_path), pace=Pace())
    assert devices == [1], "the first process keeps the first device"
    assert shares == [tasks[1::2], tasks[::2], tasks]


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

    monkeypatch.setattr(parallel, "use_threads", lambda *_: None)
    monkeypatch.setattr(parallel.signal, "signal", lambda *_: None)
    monkeypatch.setattr(parallel, "StopOnSignal", lambda: lambda: False)
    monkeypatch.setattr(parallel, "load_base_for_training", fails)
    with pytest.raises(SystemExit) as stop:
        parallel._train(1, [], "base", None, None, None, 1)
    told = capsys.readouterr().err
    assert stop.value.code == 1 and "Quillfeather" not in told
    assert "test_parallel.py" in told and told.endswith("ValueError\n")
