"""The few-shot examples of each respondent: which training respondents, and in which order."""

import zlib
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from stimmung.data.surveys.nearest_respondents import nearest_respondents
from stimmung.engine.scoring.survey_prompts import check_enough, draw_examples, examples_of
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.few_shot import FewShot

Example = tuple[str, str]  # what somebody answered, as a prompt words it, and the answer that is asked for


def examples_of_each(
    prompts: pd.DataFrame,
    tested: Sequence[str],
    training: Sequence[str],
    k: int,
    seed: int,
    how: FewShot,
    respondents: pd.DataFrame,
    items: Sequence[str],
) -> list[list[Example]]:
    """Return the ``k`` examples of each tested respondent, in the order in which they are shown.

    ``training`` are the ids that may be shown, ``items`` those of the RESPONDENTS table that nearness is judged by. Raises an
    InputError if there are fewer training respondents than ``k``.
    """
    if how.choice == "random":
        shown = [draw_examples(prompts, training, k, seed)] * len(tested)
    else:
        check_enough(training, k)
        chosen = nearest_respondents(respondents, tested, training, items, k, seed)
        named = list({one for of_one in chosen for one in of_one})
        said = dict(zip(named, examples_of(prompts, named), strict=True))
        # The nearest stands last, just before the question.
        shown = [[said[one] for one in reversed(of_one)] for of_one in chosen]
    if how.order == "kept":
        return shown
    return [_shuffled(of_one, seed, respondent) for respondent, of_one in zip(tested, shown, strict=True)]


def _shuffled(examples: Sequence[Example], seed: int, respondent: str) -> list[Example]:
    """Return examples in a random order that depends on nothing but the seed and the respondent."""
    order = np.random.default_rng([seed, zlib.crc32(respondent.encode())]).permutation(len(examples))
    return [examples[place] for place in order]


def too_many_examples(k: int, fits: Callable[[int], bool], problem: InputError) -> InputError:
    """Return the error for prompts with ``k`` examples that do not fit a model's context; it names the largest number that does.

    ``fits`` says whether all prompts with so many examples fit; ``problem`` is what the model said of ``k``.
    """
    if not fits(0):
        return InputError(f"{problem.what}, not even without few-shot examples", problem.hint)
    most, too_many = 0, k
    while too_many - most > 1:
        middle = (most + too_many) // 2
        most, too_many = (middle, too_many) if fits(middle) else (most, middle)
    return InputError(
        f"few-shot: with {k} examples {problem.what}; at most {most} fit",
        f"Set the survey's `few_shot_k` to {most} or less, or shorten the codebook's wording; a prompt is never cut."
        if most
        else "Shorten the codebook's wording, or drop items; a prompt is never cut.",
    )
