"""A base model on this machine, alone or with one adapter for each fold."""

from collections.abc import Sequence
from dataclasses import dataclass
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
        prompts = [self._prompt(one.messages, one.reader) for one in asked]
        readers = sorted({one.reader for one in asked}) if self.scoring.normalization == "pmi" else []
        blanks = [self._prompt(without_respondent(asked[0].messages), reader) for reader in readers]
        scores = score_with_adapters(
            self.base, [*prompts, *blanks], self.adapters, self.scoring.readout, self.tokens_per_batch
        )
        unconditional = dict(zip(readers, scores[len(prompts) :], strict=True))
        return [
            self._scored(prompt, score, unconditional.get(prompt.adapter))
            for prompt, score in zip(prompts, scores[: len(prompts)], strict=True)
        ]

    def fits(self, asked: Sequence[Asked]) -> bool:
        """Return whether each prompt fits the model's context."""
        return all(n_tokens(self._prompt(one.messages, one.reader)) <= self.base.max_length for one in asked)

    def _prompt(self, messages: Sequence[Message], reader: int) -> Prompt:
        return Prompt(*self.rendering.encode(messages, self.answers), reader)

    def _scored(self, prompt: Prompt, score: np.ndarray, unconditional: np.ndarray | None) -> Scored:
        probabilities = normalize(
            score,
            self.scoring.normalization,
            n_tokens=[len(option) for option in prompt.option_ids],
            options=self.answers,
            unconditional=unconditional,
        )
        return Scored(probabilities, option_mass(score), len(prompt.context_ids), self.scoring.normalization)
