import os
import signal

import pytest

from stimmung.engine.cohort.interruption import SIGNALS, StopOnSignal


@pytest.fixture(autouse=True)
def handlers():
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_asks_for_a_stop_and_does_not_end_the_process(number):
    stop = StopOnSignal()
    assert not stop()
    os.kill(os.getpid(), number)
    assert stop() and stop(), "it stays asked"
