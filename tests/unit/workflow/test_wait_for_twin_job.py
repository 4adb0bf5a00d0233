import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

import stimmung.workflow.wait_for_twin_job as once_module
from stimmung.store import lock as locks
from stimmung.workflow.wait_for_twin_job import identity, left_in_cache, once

# A job of another snakemake: says when it has begun, and ends when it is told to.
ORPHAN = """
import sys
from pathlib import Path
from tests.unit.study.test_once import of
from stimmung.workflow.wait_for_twin_job import once
folder = Path(sys.argv[1])
with once(of(folder, eval(sys.argv[2]))) as wanted:
    print("wanted" if wanted else "made", flush=True)
    if sys.stdin.readline() == "make\\n":
        (folder / "table").write_text("by the orphan")
"""


class Named(dict):
    """Values by name, as Snakemake's lists have them too."""

    __getattr__ = dict.__getitem__


def of(folder, length):
    """What Snakemake gives a script, as far as it is looked at."""
    return SimpleNamespace(
        rule="score",
        input=[str(folder / "prompts")],
        output=[str(folder / "table")],
        wildcards=Named(survey="voters"),
        params=Named(length=length, store=str(folder / "store")),
    )


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(locks, "ASKED_EVERY_SECONDS", 0.02)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "prompts").write_text("Vote:")
    return tmp_path


@pytest.fixture
def orphan(folder):
    begun = []

    def begin(length=1):
        begun.append(
            subprocess.Popen(
                [sys.executable, "-c", ORPHAN, str(folder), repr(length)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        assert begun[-1].stdout.readline() == "wanted\n"
        return begun[-1]

    yield begin
    for one in begun:
        one.kill()
        one.wait()
        one.stdin.close()
        one.stdout.close()


def make_when_waited_for(running, monkeypatch):
    def tell(seconds, sleep=time.sleep):
        if not running.stdin.closed:
            running.stdin.write("make\n")
            running.stdin.close()
        sleep(seconds)

    monkeypatch.setattr(locks.time, "sleep", tell)


def left(folder):
    return list((folder / "store/locks").iterdir())


def test_a_job_alone_makes_its_outputs_even_if_there_are_some(folder):
    (folder / "table").write_text("from somewhere")
    with once(of(folder, 1)) as wanted:
        assert wanted
    assert left(folder) == []


def test_a_job_that_waited_for_the_same_job_takes_what_it_made(folder, orphan, monkeypatch):
    running = orphan()
    assert len(left(folder)) == 1
    make_when_waited_for(running, monkeypatch)
    with once(of(folder, 1)) as wanted:
        assert not wanted
        assert (folder / "table").read_text() == "by the orphan"
    assert left(folder) == []


def test_what_it_took_is_a_file_even_if_a_cache_has_left_a_link(folder, orphan, monkeypatch):
    # On a cluster the other job's own snakemake moves its outputs into the between-workflow cache and leaves links.
    running = orphan()
    make_when_waited_for(running, monkeypatch)
    unless_made = once_module.unless_made

    @contextmanager
    def with_links(outputs, *arguments):
        with unless_made(outputs, *arguments) as wanted:
            outputs[0].rename(folder / "cached")
            outputs[0].symlink_to(folder / "cached")
            yield wanted

    monkeypatch.setattr(once_module, "unless_made", with_links)
    with once(of(folder, 1)) as wanted:
        assert not wanted
    assert not (folder / "table").is_symlink()
    assert (folder / "table").read_text() == (folder / "cached").read_text() == "by the orphan"


def test_what_another_job_s_snakemake_moves_into_the_cache_is_waited_for(folder, monkeypatch):
    table, cached = folder / "table", folder / "cached"
    table.write_text("by the orphan")

    def move():
        table.rename(cached)
        time.sleep(0.1)
        table.symlink_to(cached)

    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(folder))
    later = threading.Timer(0.5, move)
    later.start()
    left_in_cache([table])
    later.join()
    assert table.is_symlink() and cached.exists()


def test_nobody_waits_for_a_cache_that_is_not_there_or_does_not_come(folder, monkeypatch):
    (folder / "table").write_text("by the orphan")
    monkeypatch.delenv("SNAKEMAKE_OUTPUT_CACHE", raising=False)
    left_in_cache([folder / "table"])
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(folder))
    left_in_cache([folder / "absent"])
    monkeypatch.setattr(once_module, "SECONDS_TO_MOVE", 0.5)
    began = time.monotonic()
    left_in_cache([folder / "table"])
    assert time.monotonic() - began > 0.4


def test_a_link_that_a_half_filled_cache_has_left_changes_no_lock(folder):
    (folder / "cached").write_text("by a group")
    with once(of(folder, 1)):
        (name,) = left(folder)
    (folder / "table").symlink_to(folder / "cached")
    with once(of(folder, 1)) as wanted:
        assert wanted and left(folder) == [name]


def test_what_a_job_of_another_config_made_is_made_again(folder, orphan, monkeypatch):
    running = orphan(length=2)
    make_when_waited_for(running, monkeypatch)
    with once(of(folder, 1)) as wanted:
        assert wanted


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_a_dead_job_did_not_make_is_made(folder, orphan, number):
    running = orphan()
    os.kill(running.pid, number)
    running.wait()
    # One that is told to stop takes its lock along; one that is killed cannot.
    assert len(left(folder)) == (1 if number == signal.SIGKILL else 0)
    with once(of(folder, 1)) as wanted:
        assert wanted


def test_the_identity_follows_parameters_and_the_bytes_of_inputs(folder):
    before = identity(of(folder, 1))
    assert identity(of(folder, 1)) == before != identity(of(folder, 2))
    (folder / "prompts").write_text("Vote now:")
    assert identity(of(folder, 1)) != before
