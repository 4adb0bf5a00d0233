"""A model behind a server as a scorer of answer options."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stimmung.engine.endpoint.answer_cache import AnswerCache
from stimmung.engine.endpoint.ask import ask
from stimmung.engine.endpoint.logprobs import Answered, Question
from stimmung.engine.endpoint.token_ids import TokenQuestion
from stimmung.engine.scoring.normalize import normalize
from stimmung.engine.scoring.scorer import Asked, Scored, without_respondent
from stimmung.text.prompts import Message
from stimmung.text.rendering import Rendering
from stimmung.vocabulary.endpoint import Endpoint
from stimmung.vocabulary.errors import InputError


@dataclass(frozen=True)
class EndpointScorer:
    """Asks a server about each respondent."""

    endpoint: Endpoint
    rendering: Rendering  # has a tokenizer if the endpoint names one, and needs none otherwise
    answers: Sequence[str]  # the words scored for each option
    normalization: str  # first tokens have no length, so only 'none' goes with ``reads: top``
    cache: AnswerCache
    adapters = ()  # nothing is tuned behind a server

    def __post_init__(self) -> None:
        if self.endpoint.reads == "top" and self.normalization != "none":
            raise InputError(
                f"scoring.normalization: {self.normalization} needs whole options, but {self.endpoint.url} is read with `reads: top`",
                "Set `scoring.normalization: none`, or read the endpoint with `reads: prompt`, or on vLLM `reads: token-ids`.",
            )

    def score(self, asked: Sequence[Asked]) -> list[Scored]:
        """Return the server's answer for each respondent; errors as of ``stimmung.engine.endpoint.ask.ask``."""
        messages = [one.messages for one in asked]
        if self.normalization == "pmi":
            messages.append(without_respondent(messages[0]))
        answered = ask(self.endpoint, [self._question(one) for one in messages], self.cache)
        unconditional = np.array(answered[-1].loglikelihoods) if self.normalization == "pmi" else None
        return [self._scored(one, unconditional) for one in answered[: len(asked)]]

    def _question(self, messages: Sequence[Message]) -> Question | TokenQuestion:
        if self.endpoint.reads == "token-ids":
            ids, answers = self.rendering.encode(messages, self.answers)
            decode = self.rendering.tokenizer.decode
            return TokenQuestion(ids, answers, (decode(ids), decode(ids, skip_special_tokens=True)))
        if self.endpoint.api == "chat":
            return Question(tuple(self.rendering.turns(messages)), tuple(self.answers))
        # The space belongs to the answer, as in the local engine.
        prompt = self.rendering.text(messages).rstrip(" ")
        return Question(prompt, tuple(f" {answer}" for answer in self.answers))

    def _scored(self, answered: Answered, unconditional: np.ndarray | None) -> Scored:
        probabilities = normalize(
            answered.loglikelihoods,
            self.normalization,
            n_tokens=answered.n_tokens,
            options=self.answers,
            unconditional=unconditional,
        )
        first = f"first token of the {self.endpoint.top_logprobs} shown"
        how = first if self.endpoint.reads == "top" else self.normalization
        return Scored(probabilities, answered.seen_mass, answered.n_prompt, how, sum(answered.unseen))
