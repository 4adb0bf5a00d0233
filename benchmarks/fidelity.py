"""Do the intervals of calibration and fidelity hold? Made-up surveys of a population in which every value is known.

Three methods: the probabilities that answers are drawn from, the same drawn half-way to the shares, and the same made more extreme.
What a measure is in the population is its value in one large survey. Counts how often the intervals hold it.

    python benchmarks/fidelity.py --surveys 300
"""

import argparse

import numpy as np
import pandas as pd

from stimmung.evaluation.votes.calibration_gain import compare_calibration
from stimmung.evaluation.votes.fidelity import compare_fidelity

OPTIONS = ["a", "b", "c"]
LARGE = 200_000
METHODS = ("true", "half", "extreme")


def survey(n, seed):
    """Return predictions, and respondents with a nominal and an ordinal item and one of five values."""
    rng = np.random.default_rng(seed)
    region, interest, income = rng.integers(3, size=n), rng.integers(4, size=n), rng.integers(5, size=n)
    scores = np.stack([0.6 * (region == 0), 0.3 * interest - 0.4, 0.8 * (region == 2) - 0.2 * income], axis=1)
    scores += rng.normal(size=(n, 3)) * 0.7  # what predictions know beyond the items
    true = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    answers = (rng.random(n)[:, None] > true.cumsum(axis=1)).sum(axis=1)
    extreme = true**2 / (true**2).sum(axis=1, keepdims=True)
    share = np.array(
        [0.333, 0.377, 0.29]
    )  # a fixed point; what matters is that it is the same in all surveys
    said = dict(zip(METHODS, (true, (true + share) / 2, extreme), strict=True))
    ids = [f"r{one}" for one in range(n)]
    respondents = pd.DataFrame(
        {
            **{"respondent_id": ids, "weight": 1.0},
            "region": pd.Categorical.from_codes(region, ["north", "middle", "south"]),
            "interest": pd.Categorical.from_codes(interest, list("defg"), ordered=True),
            "income": income.astype(float),
            "vote": pd.Categorical.from_codes(answers, OPTIONS),
        }
    )
    about = {
        "respondent_id": ids,
        "condition": "full",
        "seed": 0,
        "fold": np.arange(n, dtype=np.int64) % 5,
        "weight": 1.0,
    }
    tables = [
        pd.DataFrame({**about, "method": method, "target": np.array(OPTIONS)[answers]}).assign(
            **{f"p_{option}": probabilities[:, place] for place, option in enumerate(OPTIONS)}
        )
        for method, probabilities in said.items()
    ]
    return pd.concat(tables, ignore_index=True), respondents


def measured(n, seed, **more):
    """Return value and interval of every measure, by kind, method and measure."""
    predictions, respondents = survey(n, seed)
    found = compare_fidelity(predictions, respondents, "vote", {}, **more)
    measures = found.measures.assign(kind="fidelity", name=found.measures["measure"])
    parts = found.parts.assign(kind=found.parts["part"], value=found.parts["difference"])
    parts["name"] = parts["of"] + parts["option"].astype(object).fillna("")
    scaled = predictions.assign(scaling="none", calibrated_on="", n_calibrated_on=0)
    gain = compare_calibration(predictions, scaled, {}, **more)
    gain = gain.rename(columns={"before": "value", "before_low": "ci_low", "before_high": "ci_high"})
    gain["kind"] = np.where(gain["option"].isna(), "calibration", "calibration of an option")
    gain["name"] = gain["metric"] + gain["option"].astype(object).fillna("")
    every = pd.concat([measures, parts, gain])
    return every.set_index(["kind", "method", "name"])[["value", "ci_low", "ci_high"]]


def coverage(n_surveys, n_respondents, seed):
    """Return the truth, the mean estimate, the coverage and the number of surveys, by kind, method and measure."""
    truth = measured(LARGE, 10_000, n_resamples=2)["value"]
    found = [measured(n_respondents, seed * 10**6 + one) for one in range(n_surveys)]
    held = sum(((one["ci_low"] <= truth) & (truth <= one["ci_high"])).astype(float) for one in found)
    table = pd.DataFrame(
        {
            "truth": truth,
            "mean": sum(one["value"] for one in found) / len(found),
            "coverage": held / len(found),
            "n": len(found),
        }
    ).reset_index()
    # A measure of distributions or of calibration has a line of its own, one of an item or an option has not.
    table["name"] = table["name"].where(table["kind"].isin(("fidelity", "calibration")), "")
    return table.groupby(["kind", "name", "method"], sort=False).mean()


def main():
    """Print the coverage of each measure, mean over what it has, and the mean of its estimates beside the truth."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--surveys", type=int, default=300)
    parser.add_argument("--respondents", type=int, default=900)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    print(coverage(chosen.surveys, chosen.respondents, chosen.seed).round(3).to_string())


if __name__ == "__main__":
    main()
