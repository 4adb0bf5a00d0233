"""A file of somebody else's predictions of a survey: where it is, and what its columns are."""

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from stimmung.vocabulary.answer_options import Code
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import unknown
from stimmung.vocabulary.strict import Strict, TextEncoding, UserPath


class PredictionFile(Strict):
    """Predictions that somebody made elsewhere, shown beside arms and baselines. Needs `answer` or `probabilities`."""

    file: UserPath
    """A file of any kind that surveys are read from (docs/reading.md)."""
    encoding: TextEncoding | None = None
    """The encoding of its texts. null: as for a survey's file."""
    id: str
    """Its column with the respondent's identifier; if the codebook names none, the number of the row in the survey's file, from 1."""
    item: str | None = None
    """Of several targets, in a file with a row for each: its column with the target's name. null: a row for each respondent."""
    answer: str | dict[str, str] | None = None
    """Its column with the predicted answer: a code or the words of an option. It counts as certain: a probability of 1. Of several
    targets a column for each, as {target: column}; other targets have no predictions in this file."""
    no_answer: list[Code] = Field([])
    """Values of that column that are no prediction, such as a model's words of refusal. Codes of missing answers are none either."""
    unknown_answers: Literal["refuse", "drop"] = "refuse"
    """Other values that are no option. refuse: an error; drop: no prediction either, for a model that refuses in many words."""
    probabilities: dict[str, str] | dict[str, dict[str, str]] = Field({})
    """Answer option, in any language of the codebook, to the column with its probability. Every option needs one. Of several targets
    such a map for each, as {target: {option: column}}."""

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if (self.answer is None) == (not self.probabilities):
            raise ValueError("needs either 'answer' or 'probabilities'")
        if self.no_answer and self.answer is None:
            raise ValueError("no_answer: only with 'answer'; an empty cell is no probability")
        return self

    @property
    def targets(self) -> list[str] | None:
        """The targets whose columns are named; None if columns are of one target, or of every row's own."""
        by_target = self.answer if isinstance(self.answer, dict) else self.probabilities
        named = isinstance(self.answer, dict) or any(isinstance(one, dict) for one in by_target.values())
        return list(by_target) if named else None

    @property
    def columns(self) -> list[str]:
        """All columns that are named, but for the identifier's."""
        answers = list(self.answer.values()) if isinstance(self.answer, dict) else [self.answer]
        stated = [
            one
            for of in self.probabilities.values()
            for one in (of.values() if isinstance(of, dict) else [of])
        ]
        return [name for name in (self.item, *answers, *stated) if name is not None]

    def of_target(self, target: str) -> "PredictionFile | None":
        """Return how the predictions of one target are read; None if the file has none."""
        if self.targets is None:
            return self
        if target not in self.targets:
            return None
        key = "answer" if isinstance(self.answer, dict) else "probabilities"
        return self.model_copy(update={key: getattr(self, key)[target]})

    def problems_with_targets(self, targets: Sequence[str], place: str) -> list[str]:
        """Return what does not fit the number and the names of a survey's targets; without names, it has one."""
        key = "probabilities" if self.answer is None else "answer"
        if len(targets) < 2:
            several = [f"{place}.{key}: columns by target"] if self.targets is not None else []
            several += [f"{place}.item: '{self.item}'"] if self.item is not None else []
            return [f"{one}, and the survey has one target; name its column only" for one in several]
        if self.targets is not None:
            return unknown(f"{place}.{key}", "target", self.targets, targets)
        if self.item is not None:
            return []
        return [
            f"{place}.{key}: of one target, and `targets` has {len(targets)}; give each its own, as {{{targets[0]}: …}}, "
            "or name under `item` the column that says which target a row is of"
        ]

    def problems_with(self, codebook: Codebook, place: str) -> list[str]:
        """Return which options the codebook does not have, and which have no column, each with its place."""
        if not self.probabilities:
            return []
        if self.targets is not None:
            own = self.of_target(codebook.target)
            return [] if own is None else own.problems_with(codebook, place)
        words = [codebook.target_labels(language) for language in codebook.languages]
        known = [word for labels in words for word in labels]
        problems = unknown(f"{place}.probabilities", "answer option", self.probabilities, known)
        absent = [names[0] for names in zip(*words, strict=True) if not set(names) & set(self.probabilities)]
        return problems + [f"{place}.probabilities: no column for '{option}'" for option in absent]
