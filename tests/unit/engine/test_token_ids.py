"""Answers of one to four tokens, scored behind a server by the numbers of their tokens, against the engine on this machine."""

import math

import numpy as np
import pytest

from stimmung.engine.base.base_model import load_base
from stimmung.engine.endpoint import token_ids
from stimmung.engine.endpoint.answer_cache import AnswerCache
from stimmung.engine.endpoint.endpoint_scorer import EndpointScorer
from stimmung.engine.scoring.local_scorer import LocalScorer
from stimmung.engine.scoring.scorer import Asked
from stimmung.text.prompts import Message
from stimmung.text.rendering import Rendering
from stimmung.text.trie import build_trie
from stimmung.vocabulary.endpoint import Endpoint
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.scoring import Scoring
from tests.endpoint_server import serving
from tests.workflow.small_model import save_small_model

ANSWERS = ("voter", "Reda", "Redb", "yearsab", "Bl", "Bx", "Rex", "zyx", "zyq")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return load_base(save_small_model(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(save_small_model(tmp_path_factory.mktemp("served"))) as running:
        yield running


def messages(age):
    asked = "How does this voter vote?"
    return [Message(role="system", content=asked), Message(role="user", content=f"Age: {age} years")]


def asked_and_local(base, server, folder, ages=(20,), normalization="none", **endpoint):
    """Return what the server's and this machine's model say of voters of these ages."""
    rendering = Rendering(base.tokenizer, False, "Vote:")
    behind = Endpoint(url=server.url, model="small", reads="token-ids", tokenizer="./small", **endpoint)
    asked = [Asked(messages(age), -1) for age in ages]
    server.asked, server.bodies = 0, []
    with AnswerCache(folder / "answers.sqlite") as cache:
        said = EndpointScorer(behind, rendering, ANSWERS, normalization, cache).score(asked)
    local = LocalScorer(base, rendering, ANSWERS, (), Scoring(normalization=normalization), 4096).score(asked)
    return said, local


def trie_of(base):
    return build_trie(
        Rendering(base.tokenizer, False, "Vote:").encode(messages(20), ANSWERS).continuation_ids
    )


@pytest.mark.parametrize("normalization", ["none", "token", "byte", "pmi"])
def test_options_of_one_to_four_tokens_get_the_scores_of_the_local_engine(
    base, server, tmp_path, normalization
):
    assert {len(path) for path in trie_of(base).paths} == {1, 2, 3, 4}
    said, local = asked_and_local(base, server, tmp_path, (20, 70), normalization)
    for one, here in zip(said, local, strict=True):
        np.testing.assert_allclose(np.log(one.probabilities), np.log(here.probabilities), atol=1e-4)
        assert math.log(one.option_mass) == pytest.approx(math.log(here.option_mass), abs=1e-4)
        assert (one.n_tokens, one.n_unseen, one.normalization) == (here.n_tokens, 0, normalization)


def test_as_many_requests_as_nodes_that_a_token_follows_and_each_begins_with_the_prompt(
    base, server, tmp_path
):
    """The root, Red, years, years a, and of what is spelled: space, B, R, Re, z, zy."""
    asked_and_local(base, server, tmp_path, (20, 70, 20))
    assert server.asked == 2 * 10 == 2 * (1 + len(trie_of(base).read_tokens)), "equal prompts are asked once"
    encoded = [Rendering(base.tokenizer, False, "Vote:").encode(messages(age), ANSWERS) for age in (20, 70)]
    for body in server.bodies:
        assert any(tuple(body["prompt"][: len(one.context_ids)]) == one.context_ids for one in encoded)
        assert body["max_tokens"] == 1 and len(body["logprob_token_ids"]) == body["logprobs"]
    named = [token for body in server.bodies for token in body["logprob_token_ids"]]
    assert len(named) == 2 * len({pair for path in trie_of(base).paths for pair in path})
    # `echo` does without the server's prefix cache.
    assert [bool(body.get("echo")) for body in server.bodies] == [True] + [False] * 19


def test_more_tokens_than_a_request_may_name_are_asked_for_in_several(base, server, tmp_path, monkeypatch):
    monkeypatch.setattr(token_ids, "MOST_TOKENS_NAMED", 3)
    said, local = asked_and_local(base, server, tmp_path)
    np.testing.assert_allclose(said[0].probabilities, local[0].probabilities, atol=1e-5)
    assert server.asked == 10 + 1 and max(len(body["logprob_token_ids"]) for body in server.bodies) == 3


@pytest.mark.parametrize("value", [-9999.0, None, math.nan, -math.inf, 12.5, "-1.0"])
def test_what_is_no_log_probability_is_an_error_and_never_a_number(
    base, server, tmp_path, monkeypatch, value
):
    from tests import endpoint_server

    original = endpoint_server.complete

    def other(server, body):
        answer = original(server, body)
        answer["choices"][0]["logprobs"]["top_logprobs"][-1][f"token_id:{body['logprob_token_ids'][-1]}"] = (
            value
        )
        return answer

    monkeypatch.setattr(endpoint_server, "complete", other)
    with pytest.raises(InputError, match="does not return the log-probability of every token of the answers"):
        asked_and_local(base, server, tmp_path)


def test_logits_that_look_like_log_probabilities_are_noticed_by_their_sum(
    base, server, tmp_path, monkeypatch
):
    original = server.read
    monkeypatch.setattr(server, "read", lambda *what: (original(*what)[0], original(*what)[1] * 0.01))
    with pytest.raises(InputError, match="sum to a probability of"):
        asked_and_local(base, server, tmp_path)
