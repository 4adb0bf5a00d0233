"""Made-up respondents whose votes follow a multinomial logistic model of their other answers, with some votes missing."""

import numpy as np
import pandas as pd

OPTIONS = ["CDU", "Grüne", "SPD"]
PREDICTORS = ["age", "sex"]


def make_respondents(n: int, seed: int) -> pd.DataFrame:
    """Return a RESPONDENTS table without gaps."""
    rng = np.random.default_rng(seed)
    age, sex = rng.integers(18, 90, n).astype(float), rng.choice(["female", "male"], n)
    logits = np.column_stack([np.zeros(n), 0.05 * (50 - age), 0.8 * (sex == "male") - 0.4])
    vote = (logits + rng.gumbel(size=(n, 3))).argmax(axis=1)
    return pd.DataFrame(
        {
            "respondent_id": [f"00{number:04d}" for number in range(n)],
            "weight": rng.uniform(0.5, 2, n),
            "age": age,
            "sex": pd.Categorical(sex, ["female", "male"]),
            "vote": pd.Categorical.from_codes(vote, OPTIONS),
        }
    )


def predict(donors: pd.DataFrame, recipients: pd.DataFrame, seed: int) -> np.ndarray:
    """Predict votes by a logistic regression that fits how they were made."""
    from stimmung.baselines.tabular import predict_baseline

    return predict_baseline(
        "logistic", donors, recipients, PREDICTORS, "vote", OPTIONS, {"C": [100.0]}, 3, seed
    )
