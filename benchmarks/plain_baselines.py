"""Baselines of ESS 11 Germany as others published them, by scikit-learn alone: what is done before the fit makes the difference.

    python benchmarks/plain_baselines.py [--file ../shared/data/ess11-de/ess11_de.csv]

Ridge regression of an item on the 32 others but the party, mean-imputed and standardised, in two ways; and logistic regression of the
party, of seven, on the 33 others. What was done before the published fits is not said: these settings were found by trying some sixty.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

OF_TEN = [
    "rlgdgr",
    "lrscale",
    "trstprl",
    "trstlgl",
    "trstplt",
    "trstprt",
    "trstplc",
    "trstep",
    "stfdem",
    "stfgov",
    "ppltrst",
    "pplfair",
]
OF_TEN += ["pplhlp", "imbgeco", "imueclt", "imwbcnt", "happy", "stflife"]
# Valid codes; all others are refusals, no answer, and don't know.
VALID = dict.fromkeys(OF_TEN, (0, 10)) | {
    "health": (1, 5), "sclmeet": (1, 7), "polintr": (1, 4), "imdfetn": (1, 4), "impcntr": (1, 4), "gincdif": (1, 5),
    "agea": (15, 90), "eduyrs": (0, 60), "hinctnta": (1, 10),
}  # fmt: skip
CATEGORIES = {
    "gndr": (1, 2),
    "eisced": (1, 7),
    "domicil": (1, 5),
    "brncntr": (1, 2),
    "uemp12m": (1, 2),
    "vote": (1, 3),
}
PARTY, LEAST_VOTERS = "prtvgde1", 25
NO_PARTY = 50  # codes above: other parties, not applicable, refusals
PUBLISHED = {"trstplt": 0.874, "lrscale": 0.428, "rlgdgr": 0.337}
PUBLISHED_ACCURACY, PUBLISHED_F1 = 0.471, 0.321


def main() -> None:
    parser = argparse.ArgumentParser(description="Baselines of ESS 11 Germany by scikit-learn alone.")
    parser.add_argument("--file", type=Path, default=Path("../shared/data/ess11-de/ess11_de.csv"))
    answers = pd.read_csv(parser.parse_args().file)
    valid = {**VALID, **CATEGORIES}
    items = pd.DataFrame({name: answers[name].where(answers[name].between(*valid[name])) for name in valid})
    for item, published in PUBLISHED.items():
        halves = told_by_ridge(items, item, folds=2, dummies=True)
        fifths = told_by_ridge(items, item, folds=5, dummies=False)
        print(
            f"{item}: ridge, halves, categories as dummies r {halves:.3f}; five folds, as numbers {fifths:.3f}; published {published}"
        )
    accuracy, f1 = told_party(items, answers[PARTY])
    print(
        f"party: accuracy {accuracy:.3f}, macro F1 {f1:.3f}; published {PUBLISHED_ACCURACY} and {PUBLISHED_F1}"
    )


def told_by_ridge(items: pd.DataFrame, item: str, *, folds: int, dummies: bool) -> float:
    """Return the correlation of an item with what ridge regression tells of it in held-out folds."""
    asked = items[items[item].notna()]
    others = asked.drop(columns=item)
    if dummies:
        others = pd.get_dummies(others, columns=list(CATEGORIES), dtype=float)
    model = make_pipeline(SimpleImputer(), StandardScaler(), Ridge())
    told = cross_val_predict(model, others, asked[item], cv=KFold(folds, shuffle=True, random_state=0))
    return float(np.corrcoef(told, asked[item])[0, 1])


def told_party(items: pd.DataFrame, party: pd.Series) -> tuple[float, float]:
    """Return accuracy and macro F1 of logistic regression for parties with voters enough, in five stratified folds."""
    voters = party.value_counts()
    asked = party.isin([code for code, n in voters.items() if code < NO_PARTY and n >= LEAST_VOTERS])
    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(max_iter=2000))
    cv = StratifiedKFold(5, shuffle=True, random_state=0)
    told = cross_val_predict(model, items[asked], party[asked], cv=cv)
    return float((told == party[asked]).mean()), float(f1_score(party[asked], told, average="macro"))


if __name__ == "__main__":
    main()
