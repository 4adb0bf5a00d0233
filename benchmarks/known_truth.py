"""Simulated surveys whose shares and coefficients are known exactly, with answers missing in a known way.

    python benchmarks/known_truth.py --mechanism MAR --seed 1

Writes the survey of studies/known-truth.yaml to data/known-truth.csv, and prints what is true of its population.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = list[dict[str, Any]]  # what parts of the validation find

ITEMS = {
    "party": ["red", "blue", "green", "none"],
    "education": ["low", "middle", "high"],
    "age": ["18-34", "35-59", "60 or more"],
}
TARGET, OPTIONS = "vote", ["red list", "blue list", "other"]
MECHANISMS = {
    "MCAR": "completely at random: 3 in 10 do not answer",
    "MAR": "at random: by party and education, which everybody answers, from 8 to 60 in 100",
    "MNAR": "not at random: by the vote itself, 2 in 10 and, of the blue list, 5 in 10",
}
_SEED_OF_THE_POPULATION = 20


def times(repetitions: int, effort: float) -> int:
    """Return how often a part of the validation is repeated."""
    return max(2, round(repetitions * effort))


def population() -> tuple[Floats, Floats]:
    """Return the share of each cell of the items, shape (4, 3, 3), and the vote's probabilities in it, shape (4, 3, 3, 3).

    The vote follows a multinomial logistic model of the three items with all interactions of party and education.
    """
    rng = np.random.default_rng(_SEED_OF_THE_POPULATION)
    party = np.array([0.3, 0.3, 0.15, 0.25])
    education = np.array([[0.5, 0.3, 0.2], [0.3, 0.4, 0.3], [0.15, 0.35, 0.5], [0.4, 0.4, 0.2]])
    age = np.array([[0.2, 0.4, 0.4], [0.25, 0.45, 0.3], [0.4, 0.4, 0.2]])  # by education
    cells = party[:, None, None] * education[:, :, None] * age[None]
    scores = np.zeros((4, 3, 3, 3))
    scores += np.array([[1.2, -0.3, 0], [-0.3, 1.2, 0], [0, 0, 0.8], [0.2, 0.2, 0.3]])[:, None, None, :]
    scores += np.array([[0.3, 0, 0], [0, 0, 0], [-0.3, 0.2, 0]])[None, :, None, :]
    scores += np.array([[-0.2, 0, 0.2], [0, 0, 0], [0.3, 0.3, -0.2]])[None, None, :, :]
    scores += rng.normal(scale=0.6, size=(4, 3, 1, 3))  # the interactions
    probabilities = np.exp(scores)
    return cells, probabilities / probabilities.sum(axis=-1, keepdims=True)


def true_values() -> dict[str, float]:
    """Return the shares of the vote and the coefficients of its multinomial logistic regression on education."""
    cells, votes = population()
    shares = np.einsum("pea,peav->v", cells, votes)
    by_education = np.einsum("pea,peav->ev", cells, votes)
    odds = np.log(by_education[:, 1:] / by_education[:, :1])
    found = {f"share: {option}": float(one) for option, one in zip(OPTIONS, shares, strict=True)}
    for place, option in enumerate(OPTIONS[1:]):
        for level, name in enumerate(ITEMS["education"][1:], 1):
            found[f"coefficient: {option}, {name}"] = float(odds[level, place] - odds[0, place])
    return found


def draw_survey(n: int, mechanism: str, rng: np.random.Generator) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Return a RESPONDENTS table with all answers, and who gives theirs, shape (n,)."""
    cells, votes = population()
    drawn = rng.choice(cells.size, n, p=cells.ravel())
    places = np.unravel_index(drawn, cells.shape)
    chosen = (rng.random((n, 1)) >= votes.reshape(-1, len(OPTIONS))[drawn].cumsum(axis=1)[:, :-1]).sum(axis=1)
    table = pd.DataFrame({"respondent_id": [f"r{one:05d}" for one in range(n)], "weight": 1.0})
    for (item, answers), place in zip(ITEMS.items(), places, strict=True):
        table[item] = pd.Categorical.from_codes(place, answers)
    table[TARGET] = pd.Categorical.from_codes(chosen, OPTIONS)
    silent = {
        "MCAR": np.full(n, 0.3),
        "MAR": np.array([[0.6, 0.5, 0.3], [0.3, 0.2, 0.1], [0.2, 0.1, 0.08], [0.5, 0.3, 0.2]])[places[:2]],
        "MNAR": np.array([0.2, 0.5, 0.2])[chosen],
    }[mechanism]
    return table, rng.random(n) >= silent


def well_specified(table: pd.DataFrame) -> Floats:
    """Return indicators of all items and of party by education, an intercept left out: the model that the vote follows."""
    codes = [table[item].cat.codes.to_numpy() for item in ITEMS]
    sizes = [len(answers) for answers in ITEMS.values()]
    both = codes[0] * sizes[1] + codes[1]
    return np.hstack([np.eye(sizes[0] * sizes[1])[both][:, 1:], np.eye(sizes[2])[codes[2]][:, 1:]])


def main() -> None:
    """Write a survey as csv, in which who does not answer has an empty cell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mechanism", choices=[*MECHANISMS], default="MAR")
    parser.add_argument("--respondents", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("data/known-truth.csv"))
    given = parser.parse_args()
    table, answered = draw_survey(given.respondents, given.mechanism, np.random.default_rng(given.seed))
    table[TARGET] = table[TARGET].astype(object).where(answered)
    given.output.parent.mkdir(parents=True, exist_ok=True)
    table.drop(columns=["respondent_id", "weight"]).to_csv(given.output, index=False)
    print(f"{given.output}: {int((~answered).sum())} of {len(table)} respondents do not answer")
    for name, value in true_values().items():
        print(f"  {name}: {value:.3f}")


if __name__ == "__main__":
    main()
