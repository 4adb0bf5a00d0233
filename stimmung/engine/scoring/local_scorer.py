"""A base model on this machine, alone or with one adapter for each fold."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from stimmung.engine.base.base_model import Base
from stimmung.engine.scoring.normalize import normalize, option_mass
from stimmung.engine.scoring.prompt_batches import Prompt, n_tokens
from stimmung.engine.scoring.score import score_with_adapters
from stimmung.engine.scoring.scorer import Asked, Scored, without_respondent
from stimmung.text.prompts import Message
from stimmung.text.rendering import Rendering
from stimmung.vocabulary.scoring import Scoring

# Prompts of several targets that are held as tokens at once: a choice, some hundred MB of main memory.
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
        """Return each respondent's probabilities; errors as of ``score_with_adapters``."""
        return score_together([self], [asked])[0]

    def fits(self, asked: Sequence[Asked]) -> bool:
        """Return whether each prompt fits the model's context."""
        return all(n_tokens(self._prompt(one.messages, one.reader)) <= self.base.max_length for one in asked)

    def _prompt(self, messages: Sequence[Message], reader: int, about: str | None = None) -> Prompt:
        return Prompt(*self.rendering.encode(messages, self.answers), reader, about)

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
    if len(scorers) == 1:
        return _score_at_once(scorers, asked)
    found: list[dict[int, Scored]] = [{} for _ in asked]
    names = list(dict.fromkeys(one.about for own in asked for one in own))
    n = max(1, PROMPTS_AT_ONCE // len(scorers))
    for block in (set(names[start : start + n]) for start in range(0, len(names), n)):
        places = [[place for place, one in enumerate(own) if one.about in block] for own in asked]
        chosen = [[own[place] for place in of_block] for own, of_block in zip(asked, places, strict=True)]
        for of_target, of_block, scored in zip(found, places, _score_at_once(scorers, chosen), strict=True):
            of_target |= zip(of_block, scored, strict=True)
    return [[of_target[place] for place in range(len(of_target))] for of_target in found]


def _score_at_once(scorers: Sequence[LocalScorer], asked: Sequence[Sequence[Asked]]) -> list[list[Scored]]:
    first = scorers[0]
    prompts: list[Prompt] = []
    # Of each scorer, the adapters that read its prompt without a respondent.
    readers_of_blanks: list[list[int]] = []
    for scorer, own in zip(scorers, asked, strict=True):
        prompts += [scorer._prompt(one.messages, one.reader, one.about) for one in own]
        readers = sorted({one.reader for one in own}) if first.scoring.normalization == "pmi" else []
        prompts += [scorer._prompt(without_respondent(own[0].messages), reader) for reader in readers]
        readers_of_blanks.append(readers)
    scores = zip(
        prompts,
        score_with_adapters(
            first.base, prompts, first.adapters, first.scoring.readout, first.tokens_per_batch
        ),
        strict=True,
    )
    found: list[list[Scored]] = []
    for scorer, own, readers in zip(scorers, asked, readers_of_blanks, strict=True):
        of_respondents = list(islice(scores, len(own)))
        unconditional = {prompt.adapter: score for prompt, score in islice(scores, len(readers))}
        found.append([scorer._scored(*one, unconditional.get(one[0].adapter)) for one in of_respondents])
    return found
