"""What a server has said is kept for good, under everything that it depends on."""

import pytest

from stimmung.engine.endpoint.answer_cache import AnswerCache

ANSWER = {"loglikelihoods": [-0.1, -2.5], "n_tokens": [1, 2], "unseen": [False, False], "n_prompt": 9}


def test_what_is_put_is_there_when_the_file_is_opened_again(tmp_path):
    with AnswerCache(tmp_path / "deep" / "answers.sqlite") as cache:
        cache.put(cache.key("url", "prompt"), ANSWER)
    with AnswerCache(tmp_path / "deep" / "answers.sqlite") as cache:
        assert cache.known(cache.key("url", "prompt")) == ANSWER
        assert cache.get(cache.key("url", "another")) is None
        with pytest.raises(KeyError):
            cache.known(cache.key("url", "another"))


def test_two_jobs_may_write_at_the_same_time(tmp_path):
    path = tmp_path / "answers.sqlite"
    with AnswerCache(path) as one, AnswerCache(path) as other:
        one.put("a", ANSWER)
        other.put("b", ANSWER)
        assert one.known("b") == other.known("a") == ANSWER


def test_a_key_is_a_digest_of_every_part_in_its_place():
    keys = {AnswerCache.key(*parts) for parts in (("a", "b"), ("b", "a"), ("ab",), ("a", ["b"]), ("a",))}
    assert len(keys) == 5
    assert "voter" not in AnswerCache.key("voter-4711")


def test_nothing_but_numbers_stands_in_the_file(tmp_path):
    path = tmp_path / "answers.sqlite"
    with AnswerCache(path) as cache:
        cache.put(cache.key("url", "voter-4711 voted Green"), ANSWER)
    assert b"voter-4711" not in path.read_bytes()
