import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace

import pytest

from stimmung.store import lock as locks
from stimmung.store.lock import Owner, lock
from stimmung.vocabulary.errors import Interrupted

HOLD = """
import sys, time
from pathlib import Path
from stimmung.store.lock import lock
with lock(Path(sys.argv[1]), "fold 0"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(locks, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(locks, "TOUCH_SECONDS", 0.05)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "locks" / "key"


def written(path, owner):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(owner)))


def elsewhere():
    return replace(Owner.this_process(), host="another-host boot namespace")


def test_a_lock_is_gone_after_it_was_held_and_leaves_nothing(path):
    with lock(path, "fold 0") as held:
        assert path.exists() and not held.is_lost()
    assert list(path.parent.iterdir()) == []


def test_never_two_are_inside(path):
    inside, most = [], []

    def enter(number):
        with lock(path, "fold 0"):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.01)
            inside.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(enter, range(16)))
    assert most == [1] * 16


def test_the_lock_of_a_living_process_is_waited_for_and_that_of_a_killed_one_is_not(path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    asked = []

    def impatient():
        asked.append(1)
        return len(asked) > 20

    with pytest.raises(Interrupted, match="another job"), lock(path, "fold 0", stop=impatient):
        raise AssertionError("two are inside")
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with lock(path, "fold 0") as held:
        assert json.loads(path.read_text())["token"] == held.owner.token


def test_a_process_that_has_the_number_of_a_dead_one_is_not_taken_for_it(path):
    written(path, replace(Owner.this_process(), began="1"))
    with lock(path, "fold 0") as held:
        assert json.loads(path.read_text())["token"] == held.owner.token


def test_a_lock_of_another_host_holds_as_long_as_it_is_touched(path):
    written(path, elsewhere())
    ended, entered = threading.Event(), threading.Event()

    def touch():
        # The other host's clock may be wrong: only that the time changes says anything.
        count = 0
        while not ended.wait(0.05):
            count += 1
            os.utime(path, (count, count))

    def enter():
        with lock(path, "fold 0", stale_after=0.4):
            entered.set()

    toucher, waiter = threading.Thread(target=touch), threading.Thread(target=enter)
    toucher.start()
    waiter.start()
    assert not entered.wait(1.2), "a live owner lost its lock"
    ended.set()
    toucher.join()
    assert entered.wait(20), "a dead owner kept its lock"
    waiter.join()


def test_one_whose_lock_was_taken_is_told_to_stop_and_leaves_the_new_owner_s_lock(path):
    with lock(path, "fold 0") as held:
        new = elsewhere()
        path.unlink()
        written(path, new)
        for _ in range(200):
            if held.is_lost():
                break
            time.sleep(0.05)
        assert held.is_lost()
    assert json.loads(path.read_text())["token"] == new.token


def test_removing_a_dead_owner_s_lock_never_removes_the_next_owner_s(path):
    dead, quick_one = elsewhere(), elsewhere()
    written(path, quick_one)
    locks._clear(path, dead)
    assert json.loads(path.read_text())["token"] == quick_one.token
    assert list(path.parent.iterdir()) == [path]


def test_a_file_system_without_hard_links_has_locks_too(path, monkeypatch):
    def refused(*_):
        raise OSError(95, "not supported")

    monkeypatch.setattr(os, "link", refused)
    with lock(path, "fold 0"):
        assert path.exists()
        waited = lock(path, "fold 0", stop=lambda: True)
        with pytest.raises(Interrupted), waited:
            raise AssertionError("two are inside")
    assert not path.exists()
