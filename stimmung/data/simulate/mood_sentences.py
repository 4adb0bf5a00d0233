"""Short English sentences that express a mood, from templates: the content of simulated posts."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

# The question of YouGov's tracker "Britain's mood, measured weekly", and its answer options in order.
MOOD_QUESTION = "Broadly speaking, which of the following best describe your mood and/or how you have felt in the past week?"
MOODS = (
    "Happy", "Sad", "Energetic", "Apathetic", "Inspired", "Frustrated",
    "Optimistic", "Stressed", "Content", "Bored", "Lonely", "Scared",
)  # fmt: skip

_UNNAMED_SHARE = 0.25
_MOST_INTERVIEW_POSTS = 3


def mood_sentences(rng: np.random.Generator, mood: str) -> str:
    """Return one random sentence by somebody in a mood, one of ``MOODS``; three in four name the mood."""
    texts = _templates()
    frames = texts["unnamed_frames" if rng.random() < _UNNAMED_SHARE else "frames"]
    why = _pick(rng, texts["why"][mood])
    return _pick(rng, frames).format(
        mood=mood.lower(), when=_pick(rng, texts["when"]), why=why, Why=why[0].upper() + why[1:]
    )


def off_topic_sentence(rng: np.random.Generator) -> str:
    """Return one random sentence that expresses no mood."""
    return _pick(rng, _templates()["off_topic"]).format(n=rng.integers(1, 60))


def mood_interview(rng: np.random.Generator, mood: str, stem: str) -> str:
    """Return posts by somebody in a mood, their answer to the question ``stem``, and why.

    From such text a base model learns that the answer follows from the posts.
    """
    # Sometimes without posts: a week's adapter is asked the question alone.
    posts = [mood_sentences(rng, mood) for _ in range(rng.integers(_MOST_INTERVIEW_POSTS + 1))]
    answer = _pick(rng, ("", "I felt ")) + (mood if rng.random() < 0.5 else mood.lower())
    return " ".join([*posts, stem, f"{answer}, {_pick(rng, _templates()['why'][mood])}."])


def mood_interviews(n: int, seed: int) -> Iterator[str]:
    """Yield ``n`` interviews about the tracker's question, all moods equally frequent."""
    rng = np.random.default_rng(seed)
    for number in range(n):
        yield mood_interview(rng, MOODS[number % len(MOODS)], MOOD_QUESTION)


@cache
def _templates() -> dict[str, Any]:
    templates: dict[str, Any] = yaml.safe_load(
        Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
    )
    return templates


def _pick(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]
