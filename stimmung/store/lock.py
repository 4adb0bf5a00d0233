"""One job for one adapter, or one table: a second job that wants it waits until the first has ended, however that ended.

A killed `snakemake` leaves its cluster jobs running, and the next one submits them again. A lock is a file that its owner touches
every few seconds. It counts for nothing once its owner is seen to be dead on this host, or has not touched it for a while as seen
from here: no clock of another host is believed. `flock` would be simpler, but many cluster file systems do not carry it
between hosts. Locks save work; what keeps files whole is that each appears by a rename, even if two jobs do write it.
"""

import hashlib
import json
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from stimmung.engine.base.base_model import Base
from stimmung.engine.cohort.training_config import Recipe, Task, distinct, keys_of
from stimmung.store.paths import Store
from stimmung.vocabulary.errors import Interrupted

logger = logging.getLogger(__name__)

TOUCHED_EVERY_SECONDS = 10.0
# Twelve touches that did not come: the owner's host is down, or cut off from the file system.
STALE_AFTER_SECONDS = 120.0
ASKED_EVERY_SECONDS = 1.0


@dataclass(frozen=True)
class Owner:
    """Who holds a lock: a process of a host, and the word that tells this lock from every other."""

    host: str
    pid: int
    began: str
    job: str
    token: str
    identity: str = ""

    @classmethod
    def this_process(cls, identity: str = "") -> "Owner":
        """Return the owner that this process is, at work on what ``identity`` tells from all else."""
        job = os.environ.get("SLURM_JOB_ID")
        named = f"Slurm job {job}" if job else ""
        return cls(_host(), os.getpid(), _began(os.getpid()), named, secrets.token_hex(8), identity)

    def is_seen_dead(self) -> bool:
        """Return whether the owner was a process of this host that runs no more."""
        return self.host == _host() and bool(self.began) and _began(self.pid) != self.began

    def __str__(self) -> str:
        name = self.host.split(" ", 1)[0]
        return " ".join([self.job, f"process {self.pid} on {name}"]).strip()


@contextmanager
def only_one(
    base: Base,
    recipe: Recipe,
    tasks: Sequence[Task],
    store: Store,
    *,
    code: str,
    stop: Callable[[], bool],
    stale_after: float = STALE_AFTER_SECONDS,
) -> Iterator[Callable[[], bool]]:
    """Hold the locks of some adapters; yield the question whether training must stop.

    Parameters
    ----------
    base, recipe, tasks, store, code, stop
        As for ``train_adapters``.
    stale_after
        Seconds without a sign of life after which a lock of another host counts for nothing.

    Raises
    ------
    Interrupted
        If ``stop`` was true while a lock was waited for.
    """
    wanted = distinct(tasks, keys_of(base.digest, recipe, tasks, code))
    names = {key: task.name for key, task in wanted.items()}
    with ExitStack() as held:
        # In one order for all, so that no two jobs wait for each other.
        locks = [
            held.enter_context(
                lock(store.root / "locks" / key, names[key], stop=stop, stale_after=stale_after)
            )
            for key in sorted(names)
        ]
        yield lambda: stop() or any(one.is_lost() for one in locks)


@contextmanager
def unless_made(
    outputs: Sequence[Path], identity: str, locks: Path, *, stop: Callable[[], bool] = lambda: False
) -> Iterator[bool]:
    """Hold the lock of some outputs; yield whether they are still to be made.

    They are not if the job that was waited for has made them, and it was the same job: Snakemake removes a job's outputs
    before it begins, so that what is there after the wait was made during the wait.

    Parameters
    ----------
    outputs
        The files of the job. The lock is that of their place, so that no job of another config writes them meanwhile either.
    identity
        What decides their content, as a digest.
    locks
        The folder of the locks.

    Raises
    ------
    Interrupted
        If ``stop`` was true while the lock was waited for.
    """
    # Not where a link leads that the between-workflow cache has left there: the next job finds none.
    stands = outputs[0].parent.resolve() / outputs[0].name
    place = hashlib.sha256(str(stands).encode()).hexdigest()[:32]
    with lock(locks / place, str(outputs[0]), identity=identity, stop=stop) as held:
        made = (
            held.after is not None
            and held.after.identity == identity
            and all(output.exists() for output in outputs)
        )
        if made:
            logger.info("%s was made by %s", outputs[0], held.after)
        yield not made


class Lock:
    """A lock that this process holds, and the thread that touches it.

    ``after`` is the owner that was waited for last, if any was.
    """

    def __init__(self, path: Path, owner: Owner, after: Owner | None = None) -> None:
        self.path, self.owner, self.after = path, owner, after
        self._ended, self._lost = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._touch, daemon=True)
        self._thread.start()

    def is_lost(self) -> bool:
        """Return whether others took this process for dead and the lock from it."""
        return self._lost.is_set()

    def release(self) -> None:
        """Let the next one in."""
        self._ended.set()
        self._thread.join()
        if _owner(self.path) == self.owner:
            self.path.unlink(missing_ok=True)

    def _touch(self) -> None:
        while not self._ended.wait(TOUCHED_EVERY_SECONDS):
            try:
                if _owner(self.path) != self.owner:
                    logger.error("%s was taken over by another job, so this one stops", self.path)
                    self._lost.set()
                    return
                os.utime(self.path)
            except OSError as error:  # a file system that is away for a moment
                logger.warning("%s: %s", self.path, error)


@contextmanager
def lock(
    path: Path,
    what: str,
    *,
    identity: str = "",
    stop: Callable[[], bool] = lambda: False,
    stale_after: float = STALE_AFTER_SECONDS,
) -> Iterator[Lock]:
    """Hold the lock at ``path``; wait for it as long as another live process has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    owner = Owner.this_process(identity)
    after: Owner | None = None
    seen: tuple[Owner | None, int] | None = None
    seen_at = 0.0
    while not _take(path, owner):
        if stop():
            raise Interrupted(f"stopped while it waited for {what}, which another job makes")
        found = (_owner(path), _touched(path))
        after = found[0] or after
        if found != seen:
            if seen is None or seen[0] != found[0]:
                logger.info("waits for %s, which is being made by %s", what, found[0] or "another job")
            seen, seen_at = found, time.monotonic()
        silent = time.monotonic() - seen_at
        if (found[0] and found[0].is_seen_dead()) or silent > stale_after:
            logger.info("%s was left by %s, which is dead", what, found[0] or "another job")
            _clear(path, found[0])
        else:
            time.sleep(ASKED_EVERY_SECONDS)
    held = Lock(path, owner, after)
    try:
        yield held
    finally:
        held.release()


def _take(path: Path, owner: Owner) -> bool:
    # A link appears with its content and only where nothing is: no reader ever sees a lock without owner.
    draft = path.with_name(f".{path.name}.{owner.token}")
    try:
        draft.write_text(json.dumps(asdict(owner)), encoding="utf-8")
        try:
            os.link(draft, path)
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links
            with path.open("x", encoding="utf-8") as file:
                file.write(json.dumps(asdict(owner)))
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True


def _clear(path: Path, owner: Owner | None) -> None:
    """Remove a dead owner's lock, and put back what another job has put there in the meantime."""
    removed = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.rename(removed)
    except FileNotFoundError:
        return
    try:
        if _owner(removed) != owner:
            os.link(removed, path)
    except FileExistsError:
        pass  # a third job was quicker; the second notices that its lock is gone
    finally:
        removed.unlink(missing_ok=True)


def _owner(path: Path) -> Owner | None:
    try:
        return Owner(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _touched(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _host() -> str:
    # Two containers can have one name and see different processes; a host that was restarted has none of its old ones.
    boot, space = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    marks = [boot.read_text().strip(), str(space.readlink())] if boot.exists() and space.is_symlink() else []
    return " ".join([socket.gethostname(), *marks])


def _began(pid: int) -> str:
    """Return when a process began, as the kernel counts, so that a number used again is another process; '' if it runs no more."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] == "Z" else fields[19]
