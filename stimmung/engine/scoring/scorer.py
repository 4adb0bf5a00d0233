"""What all models that predict answers have in common, whether they run here, behind a server, or with a classification head."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from stimmung.text.prompts import Message


@dataclass(frozen=True)
class Asked:
    """The messages that ask about one respondent, and the fold whose adapter reads them (NO_FOLD: the model as it is)."""

    messages: Sequence[Message]
    reader: int
    about: str | None = None  # the respondent, of whom several targets may be asked for


@dataclass(frozen=True)
class Scored:
    """What a model says of one respondent."""

    probabilities: np.ndarray  # of the answer options, shape (options,); they sum to 1
    option_mass: float  # the probability of any of the options; a lower bound if some were not shown
    n_tokens: int | None  # of the prompt; None if a server does not say
    normalization: str  # of the loglikelihoods
    n_unseen: int | None = None  # how many options a server did not show; None where all are always seen


class Scorer(Protocol):
    """A model that gives each answer option a probability."""

    @property
    def adapters(self) -> Sequence[Path]:
        """The adapters' directories, one for each fold; none if the same model reads all respondents."""
        ...

    def score(self, asked: Sequence[Asked]) -> list[Scored]:
        """Return the answer of each respondent, in the order asked."""
        ...


@runtime_checkable
class MeasuringScorer(Protocol):
    """A scorer that can say how long prompts are before it reads them, which a model behind a server cannot."""

    def fits(self, asked: Sequence[Asked]) -> bool:
        """Return whether each prompt fits the model's context."""
        ...


def without_respondent(messages: Sequence[Message]) -> list[Message]:
    """Return the instruction and an empty answer list: the prompt of the unconditional loglikelihood in PMI."""
    return [messages[0], Message(role="user", content="")]
