"""Arms: the ways in which a language model answers a survey."""

from dataclasses import dataclass

FILE_PREFIX = "files/"  # files/gpt: a method whose predictions are read from a file


@dataclass(frozen=True)
class Arm:
    """One way to get answers from a language model."""

    tuned: bool = False  # an adapter is trained for each fold; a model behind an endpoint cannot be tuned
    shows_examples: bool = False  # the prompt shows answers of training respondents
    persona: bool = False  # the prompt is a backstory in the first person instead of a list of answers
    classifies: bool = False  # a classification head gives the answer, instead of the words of the options

    @property
    def sees_training_rows(self) -> bool:
        """Whether predictions depend on who is in the training rows."""
        return self.tuned or self.shows_examples


ARMS = {
    "tuned": Arm(tuned=True),
    "zero-shot": Arm(),
    "few-shot": Arm(shows_examples=True),
    "persona": Arm(persona=True),
    "classifier": Arm(tuned=True, classifies=True),
}


def sees_training_rows(method: str) -> bool:
    """Return whether a method, such as 'tiny/tuned' or 'baselines/logistic', depends on the training rows."""
    if method.startswith(FILE_PREFIX):
        return False  # whoever made the file may have; here it is the same under every condition
    arm = arm_of(method)
    return arm is None or arm.sees_training_rows  # baselines are not arms, and are fitted


def arm_of(method: str) -> Arm | None:
    """Return the arm of a method, such as 'tiny/tuned'; None for a baseline, or a file of predictions of whatever name."""
    return None if method.startswith(FILE_PREFIX) else ARMS.get(method.rsplit("/", 1)[-1])
