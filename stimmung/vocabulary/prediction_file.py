"""A file of somebody else's predictions of a survey: where it is, and what its columns are."""

from typing import Literal, Self

from pydantic import Field, model_validator

from stimmung.vocabulary.answer_options import Code
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import unknown
from stimmung.vocabulary.strict import Strict, TextEncoding, UserPath


class PredictionFile(Strict):
    """Predictions of the target that somebody made elsewhere, shown beside arms and baselines. Needs `answer` or `probabilities`."""

    file: UserPath
    """A file of any kind that surveys are read from (docs/reading.md)."""
    encoding: TextEncoding | None = None
    """The encoding of its texts. null: as for a survey's file."""
    id: str
    """Its column with the respondent's identifier; if the codebook names none, the number of the row in the survey's file, from 1."""
    answer: str | None = None
    """Its column with the predicted answer: a code or the words of an option. It counts as certain: a probability of 1."""
    no_answer: list[Code] = Field([])
    """Values of that column that are no prediction, such as a model's words of refusal. Codes of missing answers are none either."""
    unknown_answers: Literal["refuse", "drop"] = "refuse"
    """Other values that are no option. refuse: an error; drop: no prediction either, for a model that refuses in many words."""
    probabilities: dict[str, str] = Field({})
    """Answer option, in any language of the codebook, to the column with its probability. Every option needs one."""

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if (self.answer is None) == (not self.probabilities):
            raise ValueError("needs either 'answer' or 'probabilities'")
        if self.no_answer and self.answer is None:
            raise ValueError("no_answer: only with 'answer'; an empty cell is no probability")
        return self

    def problems_with(self, codebook: Codebook, place: str) -> list[str]:
        """Return which options the codebook does not have, and which have no column, each with its place."""
        if not self.probabilities:
            return []
        words = [codebook.target_labels(language) for language in codebook.languages]
        known = [word for labels in words for word in labels]
        problems = unknown(f"{place}.probabilities", "answer option", self.probabilities, known)
        absent = [names[0] for names in zip(*words, strict=True) if not set(names) & set(self.probabilities)]
        return problems + [f"{place}.probabilities: no column for '{option}'" for option in absent]
