"""Training text of the built-in base model: simulated questionnaires, filled in by simulated respondents.

Answers follow one latent trait, so that items correlate as they do in a survey. Invented parties have a fixed place on it.
Real names are given a random place in every document, so that the model learns how a questionnaire reads, and nothing about
how anybody votes.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml


def questionnaires(n: int, seed: int) -> Iterator[str]:
    """Yield ``n`` completed questionnaires as plain text, on average three in four in English, the others in German."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        yield _questionnaire(_wordings()["english" if rng.random() < 0.75 else "german"], rng)


def vocabulary() -> list[str]:
    """Return texts with words that the questionnaires may lack, for the tokenizer only."""
    known = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").split()
    words = sorted({form for word in known for form in (word, word.lower(), word.capitalize())})
    return [f" {word} {word}\n{word}" for word in words] * 20


@cache
def _wordings() -> dict[str, Any]:
    """Return by language: items, numbers, made-up and real target questions, and instructions."""
    wordings: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return wordings


def _questionnaire(language: dict[str, Any], rng: np.random.Generator) -> str:
    asked = [_question(language, rng) for _ in range(3)]
    instruction = _pick(language["instructions"], rng)
    shown = ", ".join(_shuffled(asked[0][1], rng))
    parts = [instruction.replace("{options}", shown)]
    items, numbers = language["items"], language["numbers"]
    chosen = rng.choice(len(items), size=rng.integers(3, 8), replace=False)
    counted = rng.choice(len(numbers), size=rng.integers(0, 5) % len(numbers), replace=False)
    for _ in range(rng.choice([1, 1, 2])):
        trait = rng.normal()
        lines = [f"{items[place][0]}: {_answer(items[place][1], trait, rng)}" for place in chosen]
        lines += [_number(numbers[place], trait, rng) for place in counted]
        lines = _shuffled(lines, rng)
        # Several questions, so that each respondent gives more than one answer to learn from.
        answers = [f"{question}: {_answer(options, trait, rng)}" for question, options in asked]
        parts.append("\n".join([*lines, *answers[: rng.integers(1, 4)]]))
    return "\n\n".join(parts)


def _question(language: dict[str, Any], rng: np.random.Generator) -> tuple[str, list[str]]:
    """Draw a question and its answers, ordered by their place on the trait."""
    if rng.random() < 0.7:
        question, options = _pick(language["made_up"], rng)
        return question, options
    question, options = _pick(language["real"], rng)
    return question, _shuffled(options, rng)


def _pick(choices: Sequence[Any], rng: np.random.Generator) -> Any:
    return choices[int(rng.integers(len(choices)))]


def _shuffled(texts: Sequence[str], rng: np.random.Generator) -> list[str]:
    return [texts[place] for place in rng.permutation(len(texts))]


def _answer(options: Sequence[str], trait: float, rng: np.random.Generator) -> str:
    return options[min(int(_place(trait, rng) * len(options)), len(options) - 1)]


def _number(number: Sequence[Any], trait: float, rng: np.random.Generator) -> str:
    stem, unit, low, high = number
    return f"{stem}: {low + int(_place(trait, rng) * (high - low + 0.999))}{unit}"


def _place(trait: float, rng: np.random.Generator) -> float:
    """Return a trait with noise, on a logistic scale from 0 to 1."""
    return float(1 / (1 + np.exp(-(trait + rng.normal(scale=0.7)))))
