"""A base model on this machine, alone or with one adapter for each fold."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stimmung.engine.base.base_model import Base
from stimmung.engine.scoring.normalize import normalize, option_mass
from stimmung.engine.scoring.prompt_batches import Prompt, n_tokens
from stimmung.engine.scoring.score import with_adapters
from stimmung.engine.scoring.scorer import Asked, Scored, without_respondent
from stimmung.text.prompts import Message
from stimmung.text.rendering import Rendering
from stimmung.vocabulary.scoring import Scoring

# Prompts of several targets that are held as tokens at once: a choice.
PROMPTS_AT_ONCE = 16384


@dataclass(frozen=True)
class LocalScorer:
    """Reads answers from the probabilities of their words."""

    base: Base
    rendering: Rendering
    answers: Sequence[str]  # the words scored for each option
    adapters: Sequence[Path]  # directories by fold; without any the base alone reads
    scoring: Scoring
    tokens_per_batch: int

    def score(self, asked: Sequence[Asked]) -> list[Scored]:
        """Return each respondent's probabilities; errors as of ``with_adapters``."""
        return score_together([self], [asked])[0]

    def fits(self, asked: Sequence[Asked]) -> bool:
        """Return whether each prompt fits the model's context."""
        return all(n_tokens(self._prompt(one.messages, one.reader)) <= self.base.max_length for one in asked)

    def _prompt(self, messages: Sequence[Message], reader: int, about: str | None = None) -> Prompt:
        return Prompt(*self.rendering.encode(messages, self.answers), reader, about)

    def _prompt_of(self, one: Asked) -> Prompt:
        return self._prompt(one.messages, one.reader, one.about)

    def _scored(self, prompt: Prompt, score: np.ndarray, unconditional: np.ndarray | None) -> Scored:
        probabilities = normalize(
            score,
            self.scoring.normalization,
            n_tokens=[len(option) for option in prompt.option_ids],
            options=self.answers,
            unconditional=unconditional,
        )
        return Scored(probabilities, option_mass(score), len(prompt.context_ids), self.scoring.normalization)


def score_together(scorers: Sequence[LocalScorer], asked: Sequence[Sequence[Asked]]) -> list[list[Scored]]:
    """Return what each scorer says of what it is asked, as its ``score`` does, all read in one pass.

    The scorers differ in their words only: each asks for one target of a survey. What a respondent's prompts begin with is then
    read once for all targets. So that not all prompts of a large survey are in memory as tokens, respondents are read in blocks.
    """
    first = scorers[0]
    found: list[dict[int, Scored]] = [{} for _ in asked]
    with with_adapters(first.base, first.adapters, first.scoring.readout, first.tokens_per_batch) as score:
        blanks = _scored_blanks(scorers, asked, score)
        for block in _blocks(asked):
            prompts = [scorers[target]._prompt_of(asked[target][place]) for target, place in block]
            for (target, place), prompt, scores in zip(block, prompts, score(prompts), strict=True):
                blank = blanks.get((target, prompt.adapter))
                found[target][place] = scorers[target]._scored(prompt, scores, blank)
    return [[of_target[place] for place in range(len(of_target))] for of_target in found]


def _blocks(asked: Sequence[Sequence[Asked]]) -> Iterator[list[tuple[int, int]]]:
    """Yield targets and places of prompts to be read at once, a respondent's all in one block; of one target, all of them."""
    if len(asked) == 1:
        yield [(0, place) for place in range(len(asked[0]))]
        return
    of_respondent: dict[str | None, list[tuple[int, int]]] = {}
    for target, own in enumerate(asked):
        for place, one in enumerate(own):
            of_respondent.setdefault(one.about, []).append((target, place))
    block: list[tuple[int, int]] = []
    for places in of_respondent.values():
        if block and len(block) + len(places) > PROMPTS_AT_ONCE:
            yield block
            block = []
        block += places
    yield block


def _scored_blanks(
    scorers: Sequence[LocalScorer],
    asked: Sequence[Sequence[Asked]],
    score: Callable[[Sequence[Prompt]], list[np.ndarray]],
) -> dict[tuple[int, int], np.ndarray]:
    """Return what each adapter says without a respondent, by target and adapter, where that is asked for."""
    if scorers[0].scoring.normalization != "pmi":
        return {}
    keys = [
        (target, reader) for target, own in enumerate(asked) for reader in sorted({one.reader for one in own})
    ]
    prompts = [
        scorers[target]._prompt(without_respondent(asked[target][0].messages), reader)
        for target, reader in keys
    ]
    return dict(zip(keys, score(prompts), strict=True))
