"""Made-up predictions of several methods under several conditions, to test evaluation and report against."""

import numpy as np
import pandas as pd

from stimmung.evaluation.estimates.rectified_estimates import rectified_estimates
from stimmung.vocabulary.votes_schemas import options_of

CONDITIONS = {
    "full": {"exclude": {}, "keep": {}, "share": None, "drop_items": [], "arms": None},
    "no-democrats": {
        "exclude": {"party_id": ["strong Democrat"]},
        "keep": {},
        "share": None,
        "drop_items": [],
    },
    "share-10": {"exclude": {}, "keep": {}, "share": 0.1, "drop_items": []},
    "share-30": {"exclude": {}, "keep": {}, "share": 0.3, "drop_items": []},
    "without-party": {"exclude": {}, "keep": {}, "share": None, "drop_items": ["party_id"]},
}
# How sharply a method sees the truth: 0 is not at all.
SKILL = {
    "tiny/tuned": 2.4,
    "tiny/zero-shot": 0.2,
    "tiny/few-shot": 0.6,
    "baselines/majority": 0.0,
    "baselines/logistic": 2.6,
    "baselines/random-forest": 2.2,
}
LOSS = {"full": 1.0, "no-democrats": 0.8, "share-10": 0.5, "share-30": 0.75, "without-party": 0.6}
OPTIONS = {
    2: ["Clinton", "Dole"],
    8: ["CDU", "SPD", "AfD", "Grüne", "Linke", "FDP", "andere Partei", "Nichtwähler"],
}

SUBGROUPS = {"with-party": {"exclude": {"party_id": ["none"]}}, "no-party": {"keep": {"party_id": ["none"]}}}


def make_respondents(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return a RESPONDENTS table of the people of ``predictions``, with weights; every other one identifies with no party."""
    people = predictions.drop_duplicates("respondent_id").reset_index(drop=True)
    parties = pd.Categorical(np.array(["red", "none"])[np.arange(len(people)) % 2], ["red", "none"])
    votes = pd.Categorical(people["target"], options_of(predictions))
    weights = np.linspace(0.5, 2, len(people))
    return people[["respondent_id"]].assign(weight=weights, party_id=parties, vote=votes)


def make_rectified(predictions: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    """Return the RECTIFIED table of made-up votes."""
    people = predictions.drop_duplicates("respondent_id").rename(columns={"target": "vote"})
    how = {
        "target": "vote",
        "codes": None,
        "conditions": CONDITIONS,
        "twins": {name: name for name in CONDITIONS},
    }
    return rectified_estimates(predictions, splits, people[["respondent_id", "weight", "vote"]], **how)


def make_votes(
    n: int = 300,
    n_options: int = 2,
    seeds: tuple[int, ...] = (24,),
    conditions: tuple[str, ...] = tuple(CONDITIONS),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a PREDICTIONS and a SPLITS table of ``n`` made-up respondents with weights, in 5 folds."""
    rng = np.random.default_rng(7)
    options = OPTIONS[n_options]
    target = rng.choice(n_options, n, p=np.arange(n_options, 0, -1) / np.arange(n_options, 0, -1).sum())
    # Dealt out class by class, so that the folds are stratified.
    fold = np.empty(n, dtype="int8")
    fold[np.argsort(target, kind="stable")] = np.arange(n) % 5
    weight = rng.uniform(0.5, 2, n)
    ids = [f"respondent-{number:04d}" for number in range(n)]
    splits, predictions = [], []
    for condition in conditions:
        in_training = np.ones(n, dtype=bool)
        if condition == "no-democrats":
            in_training = (target != 0) | (rng.random(n) < 0.3)
        if CONDITIONS[condition]["share"]:
            in_training = rng.random(n) < CONDITIONS[condition]["share"]
        splits.append(
            pd.DataFrame(
                {"respondent_id": ids, "condition": condition, "fold": fold, "in_training": in_training}
            )
        )
        for method, skill in SKILL.items():
            if method.endswith("zero-shot") and condition not in ("full", "without-party"):
                continue
            for seed in seeds:
                scores = rng.gumbel(size=(n, n_options)) * 0.8
                scores[np.arange(n), target] += skill * LOSS[condition]
                if condition == "no-democrats" and method != "tiny/zero-shot":
                    scores[:, 0] -= 0.8
                if method == "baselines/majority":
                    scores = np.tile(np.log(np.bincount(target, minlength=n_options) / n), (n, 1))
                probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
                predictions.append(
                    pd.DataFrame(
                        {
                            "respondent_id": ids,
                            "method": method,
                            "condition": condition,
                            "seed": seed,
                            "fold": fold,
                            "target": np.array(options)[target],
                            "weight": weight,
                            **{
                                f"p_{option}": probabilities[:, place] for place, option in enumerate(options)
                            },
                            "option_mass": 1.0 if "baselines" in method else rng.uniform(0.9, 1, n),
                            "n_tokens": 0 if "baselines" in method else 120,
                            "normalization": "none",
                        }
                    )
                )
    return pd.concat(predictions, ignore_index=True), pd.concat(splits, ignore_index=True)


def make_draws(predictions: pd.DataFrame, splits: pd.DataFrame, condition: str = "share-10") -> pd.DataFrame:
    """Return a DRAWS table: three answers of each respondent whom ``condition`` hides, by a tuned arm and by an untuned one."""
    rng = np.random.default_rng(3)
    hidden = splits[(splits["condition"] == condition) & ~splits["in_training"]]["respondent_id"].to_numpy()
    options = [name.removeprefix("p_") for name in predictions.columns if name.startswith("p_")]
    parts = []
    for method, uncertainty in (("tiny/tuned", "bootstrap"), ("tiny/zero-shot", "none")):
        for draw in (1, 2, 3):
            answers = rng.choice(options[: 1 + len(options) // 2], len(hidden))
            part = {"method": method, "condition": condition, "uncertainty": uncertainty, "draw": draw}
            parts.append(pd.DataFrame({"respondent_id": hidden, "answer": answers}).assign(**part))
    return pd.concat(parts, ignore_index=True)
