"""Which training respondents a few-shot prompt shows, and in which order: `few_shot` of a survey."""

from typing import Literal

from stimmung.vocabulary.strict import Strict


class FewShot(Strict):
    """How the examples of a few-shot prompt are chosen from the training rows; `few_shot_k` says how many."""

    choice: Literal["random", "nearest"] = "random"
    """random: one draw for all respondents of a fold. nearest: for each respondent those whose answers are most alike, by Gower's
    distance over the items of the prompt."""
    order: Literal["kept", "redrawn"] = "kept"
    """kept: as drawn, so that a fold's prompts begin alike and what they share is read once; of nearest ones, the nearest last.
    redrawn: another random order for each respondent."""
