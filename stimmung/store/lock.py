"""A lock for work that must not be done twice, such as that of a killed ``snakemake`` whose cluster jobs still run.

A lock is a file that its owner touches every few seconds, since many cluster file systems do not carry ``flock`` between hosts. It
is void once its owner is seen to be dead on this host, or has not touched it for a while by this host's clock. Files stay
whole even without locks, since each appears by a rename.
"""

import json
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from stimmung.vocabulary.errors import Interrupted

logger = logging.getLogger(__name__)

TOUCH_SECONDS = 10.0
# Twelve missed touches: the owner's host is down, or cut off from the file system.
STALE_SECONDS = 120.0
POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Owner:
    """The process that holds a lock, and a token that is unique to this lock."""

    host: str
    pid: int
    began: str
    job: str
    token: str

    @classmethod
    def this_process(cls) -> "Owner":
        """Return this process as the owner of a new lock."""
        number = os.environ.get("SLURM_JOB_ID")
        job = f"Slurm job {number}" if number else ""
        return cls(_host(), os.getpid(), _began(os.getpid()), job, secrets.token_hex(8))

    def is_seen_dead(self) -> bool:
        """Return whether the owner was a process of this host that no longer runs."""
        return self.host == _host() and bool(self.began) and _began(self.pid) != self.began

    def __str__(self) -> str:
        return f"{self.job} process {self.pid} on {self.host.split(' ', 1)[0]}".strip()


class Lock:
    """A lock that this process holds; a thread touches it."""

    def __init__(self, path: Path, owner: Owner) -> None:
        self.path, self.owner = path, owner
        self._ended, self._lost = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._touch, daemon=True)
        self._thread.start()

    def is_lost(self) -> bool:
        """Return whether another job took this process for dead and the lock from it."""
        return self._lost.is_set()

    def release(self) -> None:
        """Let the next job in."""
        self._ended.set()
        self._thread.join()
        if _read(self.path)[0] == self.owner:
            self.path.unlink(missing_ok=True)

    def _touch(self) -> None:
        while not self._ended.wait(TOUCH_SECONDS):
            try:
                if _read(self.path)[0] != self.owner:
                    logger.error("another job took over %s, so this one stops", self.path)
                    self._lost.set()
                    return
                os.utime(self.path)
            except OSError as error:  # the file system is away for a moment
                logger.warning("%s: %s", self.path, error)


@contextmanager
def lock(
    path: Path, what: str, *, stop: Callable[[], bool] = lambda: False, stale_after: float = STALE_SECONDS
) -> Iterator[Lock]:
    """Hold the lock at ``path``; wait for it as long as another live process has it.

    ``what`` is being made, for messages. ``stop`` is asked while waiting. A lock of another host is void after ``stale_after``
    seconds without a touch.

    Raises Interrupted if ``stop`` was true while the lock was waited for.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    owner = Owner.this_process()
    seen: tuple[Owner | None, int] | None = None
    seen_at = 0.0
    while not _take(path, owner):
        if stop():
            raise Interrupted(f"stopped while waiting for {what}, which another job is making")
        other, touched = _read(path)
        if seen is None or seen[0] != other:
            logger.info("waiting for %s, which is being made by %s", what, other or "another job")
        if seen != (other, touched):
            seen, seen_at = (other, touched), time.monotonic()
        if (other and other.is_seen_dead()) or time.monotonic() - seen_at > stale_after:
            logger.info("%s, which was making %s, is dead", other or "another job", what)
            _clear(path, other)
        else:
            time.sleep(POLL_SECONDS)
    held = Lock(path, owner)
    try:
        yield held
    finally:
        held.release()


def _take(path: Path, owner: Owner) -> bool:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(json.dumps(asdict(owner)))
    except FileExistsError:
        return False
    return True


def _clear(path: Path, owner: Owner | None) -> None:
    """Remove a dead owner's lock, and put back what another job has put there in the meantime."""
    removed = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with suppress(FileNotFoundError):  # another job that waits was quicker
        path.rename(removed)
        if _read(removed)[0] == owner or path.exists():
            removed.unlink()
        else:
            removed.rename(path)  # a third job whose lock this replaces notices that it is gone


def _read(path: Path) -> tuple[Owner | None, int]:
    """Return a lock's owner and when it was last touched; (None, 0) where nobody has written down that it is his."""
    try:
        return Owner(**json.loads(path.read_text(encoding="utf-8"))), path.stat().st_mtime_ns
    except (FileNotFoundError, ValueError, TypeError):
        return None, 0


def _host() -> str:
    # Two containers can share a name but see different processes, and a restarted host has none of its old ones.
    boot, space = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    marks = [boot.read_text().strip(), str(space.readlink())] if boot.exists() and space.is_symlink() else []
    return " ".join([socket.gethostname(), *marks])


def _began(pid: int) -> str:
    """Return the kernel's start time of a process, since numbers are used again; '' if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] == "Z" else fields[19]
