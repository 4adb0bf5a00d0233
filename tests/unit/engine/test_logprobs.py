import math
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stimmung.engine.endpoint.answer_cache import AnswerCache
from stimmung.engine.endpoint.client import Pace
from stimmung.engine.endpoint.endpoint_scorer import EndpointScorer
from stimmung.engine.endpoint.logprobs import (
    Question,
    first_tokens,
    read_prompt,
    read_prompt_logprobs,
    read_top,
)
from stimmung.engine.scoring.predict import predict_respondents
from stimmung.text.rendering import Rendering
from stimmung.vocabulary.endpoint import Endpoint
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.few_shot import FewShot
from stimmung.vocabulary.votes_schemas import PREDICTIONS

PARTIES = ("CDU", "SPD", "AfD", "Grüne", "Linke", "FDP", "andere Partei", "Nichtwähler")


def logs(**shown):
    return {token.replace("_", " "): math.log(value) for token, value in shown.items()}


def test_a_token_counts_for_the_one_option_that_begins_with_it_with_or_without_a_space():
    said = first_tokens(logs(_CD=0.5, CDU=0.2, Gr=0.1), PARTIES)
    assert math.exp(said.loglikelihoods[0]) == pytest.approx(0.7)
    assert math.exp(said.loglikelihoods[3]) == pytest.approx(0.1)
    assert said.unseen == [False, True, True, False, True, True, True, True]


def test_a_token_that_begins_two_options_is_halved_between_them_and_shows_neither():
    said = first_tokens(logs(_Lib=0.6, Lab=0.3), ("Liberal Democrats", "Libertarians", "Labour"))
    assert said.unseen == [True, True, False]
    assert said.seen_mass == pytest.approx(0.3)
    # What is left, .1, is halved too.
    assert [math.exp(score) for score in said.loglikelihoods] == pytest.approx([0.35, 0.35, 0.3])


def test_an_option_with_a_token_of_its_own_takes_no_part_of_a_shared_one():
    said = first_tokens(logs(C=0.3, CDU=0.5), ("CDU", "CSU"))
    assert said.unseen == [False, True]
    assert [math.exp(score) for score in said.loglikelihoods] == pytest.approx([0.5, 0.15 + 0.2])


def test_another_spelling_is_not_taken_for_the_option():
    said = first_tokens(logs(AFD=0.9), PARTIES)
    assert all(said.unseen) and said.seen_mass == 0


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["CD", " SPD", "Af", " Gr", "x", "Die", "F"]), st.floats(1e-6, 0.14), min_size=1
    )
)
def test_what_is_not_shown_is_never_0_and_never_more_than_it_can_be(shown):
    said = first_tokens({token: math.log(value) for token, value in shown.items()}, PARTIES)
    left = 1 - sum(shown.values())
    hidden = [
        math.exp(score) for score, unseen in zip(said.loglikelihoods, said.unseen, strict=True) if unseen
    ]
    assert all(0 < value <= min(shown.values()) + 1e-12 for value in hidden)
    assert sum(hidden) <= left + 1e-9
    assert said.seen_mass <= sum(shown.values()) + 1e-12


class Server:
    """A client whose server says of every request what it is told to say."""

    def __init__(self, logprobs=None, prompt_logprobs=None, usage=9):
        self.said = SimpleNamespace(
            choices=[SimpleNamespace(logprobs=logprobs, prompt_logprobs=prompt_logprobs)],
            usage=None if usage is None else SimpleNamespace(prompt_tokens=usage),
            prompt_logprobs=prompt_logprobs,
        )
        self.completions = SimpleNamespace(create=lambda **_: self.said)
        self.chat = SimpleNamespace(completions=self.completions)


def endpoint(reads, api="completions"):
    return Endpoint(url="http://localhost/v1", model="small", reads=reads, api=api)


def top(shown, api, usage=9):
    """Read the most likely first tokens that a server shows, pairs of token and value, as each API writes them."""
    if api == "chat":
        pairs = [SimpleNamespace(token=token, logprob=value) for token, value in shown]
        logprobs = SimpleNamespace(content=[SimpleNamespace(top_logprobs=pairs)])
    else:
        logprobs = SimpleNamespace(top_logprobs=[dict(shown)])
    question = Question("Vote:", (" CDU", " SPD"))
    return read_top(Server(logprobs, usage=usage), endpoint("top", api), question, Pace(None))


@pytest.mark.parametrize("api", ["completions", "chat"])
@pytest.mark.parametrize("value", [-9999.0, None, math.nan, -math.inf])
def test_a_value_that_servers_write_for_none_is_not_shown_and_bounds_nothing(api, value):
    """OpenAI writes -9999.0 for what is very unlikely: as a number it would set every bound to the least there is."""
    plain = top([(" CDU", math.log(0.5)), ("x", math.log(0.2))], api)
    other = top([(" CDU", math.log(0.5)), ("x", math.log(0.2)), (" SPD", value)], api)
    assert other == plain and other.unseen == [False, True]
    assert math.exp(other.loglikelihoods[1]) == pytest.approx(0.2)


@pytest.mark.parametrize("api", ["completions", "chat"])
def test_nothing_but_such_values_is_no_answer(api):
    with pytest.raises(InputError, match="does not return log-probabilities"):
        top([(" CDU", -9999.0)], api)


@pytest.mark.parametrize("api", ["completions", "chat"])
def test_logits_are_not_taken_for_log_probabilities(api):
    with pytest.raises(InputError, match=r"sum to a probability of 1\.8"):
        top([(" CDU", -0.1), (" SPD", -0.1)], api)


def test_a_first_token_that_is_all_but_impossible_is_still_shown():
    said = top([(" CDU", -0.1), (" SPD", -2000.0)], "completions")
    assert said.unseen == [False, False] and said.loglikelihoods[1] == -2000


def test_tokens_that_a_chat_server_writes_alike_are_added_up():
    """Two tokens of a vocabulary may be written the same, as ' CDU' and 'CDU' by some servers."""
    said = top([("CDU", math.log(0.3)), ("CDU", math.log(0.4)), ("SPD", math.log(0.1))], "chat")
    assert math.exp(said.loglikelihoods[0]) == pytest.approx(0.7)
    assert said.seen_mass == pytest.approx(0.8)


def test_a_token_that_a_server_names_twice_counts_once():
    said = top([("CDU", -0.3), ("CDU", -0.3), ("SPD", -2.0)], "chat")
    assert said.loglikelihoods == [-0.3, -2.0]


def test_a_token_that_takes_all_but_rounding_leaves_the_rest_what_rounding_may_hide():
    """In float32 the rest of 1 - 1e-7 is 0, which says nothing of 1e-7 and the like."""
    said = top([(" CDU", 0.0), ("x", -17.0)], "completions")
    assert math.exp(said.loglikelihoods[1]) == pytest.approx(math.exp(-17.0))
    alone = top([(" CDU", 0.0)], "completions")
    assert math.exp(alone.loglikelihoods[1]) == pytest.approx(1e-6)


def test_a_completion_without_its_most_likely_tokens_is_no_answer():
    logprobs = SimpleNamespace(top_logprobs=[None])
    with pytest.raises(InputError, match="does not return log-probabilities"):
        read_top(Server(logprobs), endpoint("top"), Question("Vote:", (" CDU",)), Pace(None))


@pytest.mark.parametrize("value", [-9999.0, None, math.nan, -math.inf, 3.0])
def test_a_token_of_an_option_without_a_log_probability_is_told_where_whole_options_are_read(value):
    question = Question("Vote:", (" CDU",))
    told = pytest.raises(
        InputError, match="does not return the log-probability of every token of the answers"
    )

    def echo(prompt, **_):
        words = ["Vote", ":", " CDU"] if "CDU" in prompt else ["Vote", ":"]
        return SimpleNamespace(
            choices=[
                SimpleNamespace(logprobs=SimpleNamespace(tokens=words, token_logprobs=[None, -1.0, value]))
            ],
            usage=SimpleNamespace(prompt_tokens=len(words)),
        )

    def numbers(prompt, **_):
        shown = [None, {"7": {"logprob": -1.0}}, *([{"8": {"logprob": value}}] if "CDU" in prompt else [])]
        return SimpleNamespace(choices=[SimpleNamespace(prompt_logprobs=shown)])

    for create, read, reads in (
        (echo, read_prompt, "prompt"),
        (numbers, read_prompt_logprobs, "prompt-logprobs"),
    ):
        server = SimpleNamespace(completions=SimpleNamespace(create=create))
        with told:
            read(server, endpoint(reads), question, Pace(None))


def test_a_prompt_whose_tokens_a_server_does_not_count_has_no_length_of_0(tmp_path, monkeypatch):
    shown = SimpleNamespace(top_logprobs=[{" CDU": -0.5}])
    monkeypatch.setattr("stimmung.engine.endpoint.ask.connect", lambda _: Server(shown, usage=None))
    turns = [{"role": "system", "content": "Vote?"}, {"role": "user", "content": "Age: 30"}]
    prompts = pd.DataFrame(
        {"respondent_id": ["a"], "messages": [turns], "text": ["Age: 30"], "target": ["CDU"]}
    )
    splits = pd.DataFrame({"respondent_id": ["a"], "condition": "full", "fold": 0, "in_training": True})
    with AnswerCache(tmp_path / "answers.sqlite") as cache:
        scorer = EndpointScorer(
            endpoint("top"), Rendering(None, False, "Vote:"), ("CDU", "SPD"), "none", cache
        )
        table = predict_respondents(
            scorer,
            prompts=prompts,
            splits=splits,
            respondents=pd.DataFrame({"respondent_id": ["a"], "weight": [1.0]}),
            options=("CDU", "SPD"),
            examples=0,
            few_shot=FewShot(),
            items=(),
            seed=0,
        )
    assert "n_tokens" not in table and table.n_unseen.tolist() == [1]
    valid = PREDICTIONS.validate(
        table.assign(method="server/zero-shot", seed=0, fold=table.fold.astype("int8"))
    )
    assert "n_tokens" not in valid
