"""Made-up respondents of a real codebook: answers that hang together by one latent trait, never anybody's."""

import numpy as np
import pandas as pd

from stimmung.vocabulary.codebook import Codebook, SurveyItem


def simulate_respondents(codebook: Codebook, language: str, n: int, seed: int) -> pd.DataFrame:
    """Return a respondents table of ``n`` simulated respondents without missing answers.

    Each item loads on a standard normal trait with a weight of its own, of .3 to 1 and either sign, drawn by ``seed``; ordinal and
    numeric items follow it by rank, nominal ones through a softmax with random slopes. The target does so with slopes six times as large,
    so that it can be predicted, but not perfectly.
    """
    rng = np.random.default_rng(seed)
    trait = rng.normal(size=n)
    columns = {}
    for name, item in codebook.items.items():
        signal = rng.choice([-1, 1]) * rng.uniform(0.3, 1) * trait + rng.normal(scale=0.6, size=n)
        if name == codebook.target or item.scale == "nominal":
            columns[name] = _nominal(item, language, trait, 6.0 if name == codebook.target else 1.0, rng)
        else:
            columns[name] = _ranked(item, language, signal)
    identity = {"respondent_id": [f"simulated-{number}" for number in range(1, n + 1)], "weight": np.ones(n)}
    return pd.DataFrame(identity | columns)


def _nominal(item: SurveyItem, language: str, trait: np.ndarray, strength: float, rng: np.random.Generator) -> pd.Categorical:
    labels = item.labels(language)
    slopes = np.linspace(-strength, strength, len(labels))
    utilities = trait[:, None] * slopes + rng.gumbel(size=(len(trait), len(labels)))
    return pd.Categorical.from_codes(utilities.argmax(axis=1), categories=labels)


def _ranked(item: SurveyItem, language: str, signal: np.ndarray) -> "pd.Categorical | np.ndarray":
    place = pd.Series(signal).rank(pct=True).to_numpy() - 1e-9
    if item.scale == "numeric":
        # A range that fits ages, scores and percentages alike.
        numbers: np.ndarray = np.round(place * 99.0)
        return numbers
    labels = item.labels(language)
    return pd.Categorical.from_codes((place * len(labels)).astype(int), categories=labels, ordered=True)
