"""Made-up respondents of a real codebook: answers that hang together by one latent trait, never anybody's."""

import numpy as np
import pandas as pd

from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.survey_item import SurveyItem


def simulate_respondents(codebook: Codebook, language: str, n: int, seed: int) -> pd.DataFrame:
    """Return a respondents table of ``n`` simulated respondents without missing answers.

    Each item loads on a standard normal trait with a weight of its own, of .3 to 1 and either sign, drawn by
    ``seed``. Ordinal and numeric items follow it by rank, nominal ones through a softmax; the target does so with
    slopes six times as steep, so that it can be predicted, but not perfectly.

    Parameters
    ----------
    codebook
        Its items and their answer options; the target among them.
    language
        The language of the answers.
    n
        How many.
    seed
        Decides everything.

    Returns
    -------
    DataFrame
        Columns respondent_id ('simulated-1', …), weight (1) and each item: categories in the codebook's order, ordered
        where the item is ordinal; whole numbers within its range, or from 0 to 99, where it is numeric.
    """
    rng = np.random.default_rng(seed)
    trait = rng.normal(size=n)
    columns: dict[str, pd.Categorical[str] | list[float]] = {}
    for name, item in codebook.items.items():
        signal = rng.choice([-1, 1]) * rng.uniform(0.3, 1) * trait + rng.normal(scale=0.6, size=n)
        if name == codebook.target or item.scale == "nominal":
            columns[name] = _nominal(item, language, trait, 6.0 if name == codebook.target else 1.0, rng)
        else:
            columns[name] = _ranked(item, language, signal)
    identity = {"respondent_id": [f"simulated-{number}" for number in range(1, n + 1)], "weight": np.ones(n)}
    return pd.DataFrame(identity | columns)


def _nominal(
    item: SurveyItem, language: str, trait: np.ndarray, strength: float, rng: np.random.Generator
) -> "pd.Categorical[str]":
    labels = item.labels(language)
    slopes = np.linspace(-strength, strength, len(labels))
    utilities = trait[:, None] * slopes + rng.gumbel(size=(len(trait), len(labels)))
    return pd.Categorical.from_codes(utilities.argmax(axis=1).tolist(), categories=pd.Index(labels))


def _ranked(item: SurveyItem, language: str, signal: np.ndarray) -> "pd.Categorical[str] | list[float]":
    place = [float(one) - 1e-9 for one in pd.Series(signal).rank(pct=True)]
    if item.scale == "numeric":
        # Without a range of its own, one that fits ages, scores and percentages alike.
        low, high = item.range or (0, 99)
        return [float(round(low + one * (high - low))) for one in place]
    labels = item.labels(language)
    ranks = [int(one * len(labels)) for one in place]
    return pd.Categorical.from_codes(ranks, categories=pd.Index(labels), ordered=True)
