"""Short English sentences that express a mood, from templates: the content of simulated posts."""

from collections.abc import Iterator

import numpy as np

# The question of YouGov's tracker "Britain's mood, measured weekly", and its answer options in order.
MOOD_QUESTION = "Broadly speaking, which of the following best describe your mood and/or how you have felt in the past week?"
MOODS = (
    "Happy",
    "Sad",
    "Energetic",
    "Apathetic",
    "Inspired",
    "Frustrated",
    "Optimistic",
    "Stressed",
    "Content",
    "Bored",
    "Lonely",
    "Scared",
)

# {mood} is the word itself; {why} a clause that expresses the mood without naming it.
_FRAMES = (
    "I feel {mood} {when}.",
    "I felt {mood} {when}.",
    "I am {mood} {when}.",
    "I'm so {mood} {when}.",
    "Feeling {mood} {when}, {why}.",
    "I felt {mood} because {why}.",
    "I feel {mood}, {why}.",
    "{Why}, and I am {mood}.",
    "{Why} and it made me {mood}.",
    "Really {mood} {when}.",
)
_UNNAMED_FRAMES = ("{Why}.", "{Why} {when}.", "Well, {why}.", "So {why} {when}.")
_UNNAMED_SHARE = 0.25

_WHEN = (
    "today", "tonight", "this morning", "this week", "all day", "after work", "at home", "on the bus",
    "right now", "these days", "since Monday", "this evening"
)  # fmt: skip
_WHY = {
    "Happy": ("the sun is out", "my sister is visiting", "we danced in the kitchen", "I got the good news"),
    "Sad": ("I miss my grandmother", "our old dog died", "she moved away", "I cried over the letter"),
    "Energetic": ("I ran ten miles", "I cleaned the whole house", "I could not sit still", "I was up at dawn"),
    "Apathetic": ("nothing matters much", "I could not care less", "whatever happens happens", "I skipped the vote"),
    "Inspired": ("that talk gave me ideas", "I started to paint", "her book changed my view", "I wrote a new song"),
    "Frustrated": ("the form crashed again", "nobody answers the phone", "the queue never moved", "they lost my order"),
    "Optimistic": ("better times are coming", "the plan will work out", "next year looks bright", "we will get there"),
    "Stressed": ("the deadline is tomorrow", "I have too much to do", "my boss keeps calling", "the bills pile up"),
    "Content": ("a cup of tea is enough", "the cat sleeps on my lap", "I have all I need", "the fire is warm"),
    "Bored": ("there is nothing on", "I counted the tiles", "the meeting went on and on", "I watched paint dry"),
    "Lonely": ("nobody called me", "the flat is too quiet", "I ate by myself", "all my friends are far away"),
    "Scared": ("I heard a noise outside", "the news is frightening", "I could not sleep for fear", "my hands shook"),
}  # fmt: skip
_OFF_TOPIC = (
    "The number {n} bus was late.",
    "Does anybody have a spare ladder?",
    "Lunch was soup with bread.",
    "The shop on the corner shuts at {n}.",
    "We scored {n} points in the quiz.",
    "Page {n} of the manual has a typo.",
    "The train to Leeds leaves from platform {n}.",
    "New shelves are up in the hall.",
)
_MOST_INTERVIEW_POSTS = 3


def mood_sentences(rng: np.random.Generator, mood: str) -> str:
    """Return one random sentence by somebody in a mood, one of ``MOODS``; three in four name the mood."""
    frames = _UNNAMED_FRAMES if rng.random() < _UNNAMED_SHARE else _FRAMES
    why = _pick(rng, _WHY[mood])
    return _pick(rng, frames).format(
        mood=mood.lower(), when=_pick(rng, _WHEN), why=why, Why=why[0].upper() + why[1:]
    )


def off_topic_sentence(rng: np.random.Generator) -> str:
    """Return one random sentence that expresses no mood."""
    return _pick(rng, _OFF_TOPIC).format(n=rng.integers(1, 60))


def mood_interview(rng: np.random.Generator, mood: str, stem: str) -> str:
    """Return posts by somebody in a mood, their answer to the question ``stem``, and why.

    From such text a base model learns that the answer follows from the posts.
    """
    # Sometimes without posts: a week's adapter is asked the question alone.
    posts = [mood_sentences(rng, mood) for _ in range(rng.integers(_MOST_INTERVIEW_POSTS + 1))]
    answer = _pick(rng, ("", "I felt ")) + (mood if rng.random() < 0.5 else mood.lower())
    return " ".join([*posts, stem, f"{answer}, {_pick(rng, _WHY[mood])}."])


def mood_interviews(n: int, seed: int) -> Iterator[str]:
    """Yield ``n`` interviews about the tracker's question, all moods equally frequent."""
    rng = np.random.default_rng(seed)
    for number in range(n):
        yield mood_interview(rng, MOODS[number % len(MOODS)], MOOD_QUESTION)


def _pick(rng: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[int(rng.integers(len(choices)))]
