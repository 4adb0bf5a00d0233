"""Being asked to stop: cluster managers send a signal before they kill, which leaves time to save a checkpoint."""

import signal
import sys
from typing import Any

# SIGTERM: time limit, preemption, `scancel`. SIGUSR1: what `sbatch --signal` is usually told to send ahead of the limit.
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


class StopOnSignal:
    """A function that returns True once one of the signals has come."""

    def __init__(self) -> None:
        self._asked = False
        for number in SIGNALS:
            signal.signal(number, self._ask)

    def __call__(self) -> bool:
        """Return whether a signal has come."""
        return self._asked

    def _ask(self, *_: Any) -> None:
        self._asked = True


def exit_on_signal() -> None:
    """Let a signal end the process by SystemExit, for work without checkpoints: locks are released on the way out."""
    for number in SIGNALS:
        signal.signal(number, lambda received, _: sys.exit(128 + received))
