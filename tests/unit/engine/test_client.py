import pytest

from stimmung.engine.endpoint.client import Pace, connect, told_plainly
from stimmung.vocabulary.endpoint import Endpoint
from stimmung.vocabulary.errors import InputError

ENDPOINT = Endpoint(url="http://127.0.0.1:9/v1", model="some-model", key_variable="SOME_KEY")


def test_requests_keep_their_distance(monkeypatch):
    clock, slept = [0.0], []

    def sleep(seconds):
        slept.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr("stimmung.engine.endpoint.client.time.monotonic", lambda: clock[0])
    monkeypatch.setattr("stimmung.engine.endpoint.client.time.sleep", sleep)
    pace = Pace(per_minute=30)
    for _ in range(4):
        pace.wait()
    assert slept == [0.0, 2.0, 2.0, 2.0]


@pytest.mark.parametrize("key", [None, ""])
def test_without_its_key_nobody_is_asked(monkeypatch, key):
    monkeypatch.delenv("SOME_KEY", raising=False)
    if key is not None:
        monkeypatch.setenv("SOME_KEY", key)
    with pytest.raises(InputError, match="SOME_KEY is not set"):
        connect(ENDPOINT)


def test_a_server_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("SOME_KEY", "sk-key")
    with (
        pytest.raises(InputError, match=r"no server answers at http://127\.0\.0\.1:9/v1"),
        told_plainly(ENDPOINT),
    ):
        connect(ENDPOINT)
