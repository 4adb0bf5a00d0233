"""How much predictions of GPT-5-nano add to answers of the ESS, and whether rectified intervals hold.

    python benchmarks/rectification.py [--data ../shared/data/ess11-de] [--draws 2000] [--labelled 200] [--seed 1]

ESS 11 Germany, unweighted: of all respondents with a valid answer to an item some are drawn and count as labelled, the rest are
predicted, and the truth is the mean of all. Then simulated answers, drawn from a population with a known mean, with predictors from
useless to perfect; predictions that were fitted on the labelled of other folds; and regression coefficients. Writes
results/benchmarks/rectification.json.
"""

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from stimmung.evaluation.estimates.rectification import (
    FEWEST_TO_TUNE,
    Rectified,
    rectify,
    with_share_intervals,
)
from stimmung.evaluation.estimates.survey_design import SurveyDesign
from stimmung.evaluation.estimates.weighted_fits import fit_linear, fit_logistic, fit_mean
from stimmung.vocabulary.atomic_files import write_json

Floats = NDArray[np.float64]

# Lowest and highest valid code; all else is missing.
TRUST = ("trstprl", "trstlgl", "trstplt", "trstprt", "trstplc", "trstep", "ppltrst", "pplfair", "pplhlp")
VIEWS = ("rlgdgr", "lrscale", "stfdem", "stfgov", "imbgeco", "imueclt", "imwbcnt", "happy", "stflife")
RANGES = dict.fromkeys((*TRUST, *VIEWS), (0, 10)) | dict.fromkeys(("polintr", "imdfetn", "impcntr"), (1, 4))
RANGES |= {"health": (1, 5), "gincdif": (1, 5), "sclmeet": (1, 7)}
SKILLS = {"useless": 0.0, "weak": 0.3, "good": 0.7, "perfect": 1.0}
SIZES = ((2, 500), (5, 500), (10, 500), (20, 500), (50, 500), (200, 200), (200, 2000))


def ess_item(folder: Path, item: str) -> tuple[Floats, Floats]:
    """Return the valid answers to an item and the predictions of them."""
    answers, predictions = (
        pd.read_csv(folder / name) for name in ("ess11_de.csv", "gpt-5-nano_predictions.csv")
    )
    both = answers.merge(predictions, on="unique_id", validate="one_to_one")
    valid = both[both[item].between(*RANGES[item]) & both[f"pred_{item}"].between(*RANGES[item])]
    return valid[item].to_numpy(dtype=float), valid[f"pred_{item}"].to_numpy(dtype=float)


def rectified_draws(answers: Floats, predicted: Floats, n: int, draws: int, seed: int) -> list[Rectified]:
    """Return the rectified mean of each of some draws of ``n`` labelled respondents."""
    rng = np.random.default_rng(seed)
    design = SurveyDesign(np.ones(len(answers)))
    found = []
    for _ in range(draws):
        labelled = np.zeros(len(answers), dtype=bool)
        labelled[rng.choice(len(answers), n, replace=False)] = True
        found += rectify(fit_mean, answers, predicted, labelled, design)
    return found


def simulated_draws(
    kind: str, skill: float, n: int, n_predicted: int, draws: int, seed: int
) -> tuple[list[Rectified], float]:
    """Return rectified means of samples from a population, and the mean of that."""
    rng = np.random.default_rng(seed)
    design, labelled = SurveyDesign(np.ones(n + n_predicted)), np.arange(n + n_predicted) < n
    draw: Callable[[], Floats]
    draw, truth = {
        "normal": (lambda: rng.normal(size=len(labelled)), 0.0),
        "share of .2": (lambda: (rng.random(len(labelled)) < 0.2).astype(float), 0.2),
    }[kind]
    found = []
    for _ in range(draws):
        answers = draw()
        noise = rng.normal(scale=answers.std(), size=len(answers))
        predicted = 0.3 + skill * answers + np.sqrt(1 - skill**2) * noise  # biased, too
        found += rectify(fit_mean, answers, predicted, labelled, design)
    if kind != "normal":
        found = [with_share_intervals(one, design.rows(labelled)) for one in found]
    return found, truth


def cross_predicted_draws(n: int, n_predicted: int, own_fold: bool, draws: int, seed: int) -> list[Rectified]:
    """Return rectified means, of truth 0, with predictions of regressions that are fitted on the labelled of the other four folds.

    The rest is predicted by the mean over folds, as who did not answer; with ``own_fold`` by the model of their own fold, as who
    answered and is not trained on.
    """
    rng = np.random.default_rng(seed)
    size = n + n_predicted
    design, labelled = SurveyDesign(np.ones(size)), np.arange(size) < n
    found = []
    for _ in range(draws):
        items = rng.normal(size=(size, 8))
        answers = items @ np.linspace(0, 0.6, 8) + rng.normal(size=size)
        folds = np.where(labelled, np.arange(size), rng.permutation(size)) % 5
        by_fold = []
        for fold in range(5):
            train = labelled & (folds != fold)
            by_fold.append(items @ np.linalg.lstsq(items[train], answers[train], rcond=None)[0])
        own = np.choose(folds, by_fold)
        predicted = own if own_fold else np.where(labelled, own, np.mean(by_fold, axis=0))
        found += rectify(fit_mean, answers, predicted, labelled, design)
    return found


def coefficient_draws(kind: str, n: int, n_predicted: int, draws: int, seed: int) -> list[Rectified]:
    """Return rectified coefficients of an item, of truth .5, whose predictions are biased by that item."""
    rng = np.random.default_rng(seed)
    size = n + n_predicted
    design, labelled = SurveyDesign(np.ones(size)), np.arange(size) < n
    found = []
    for _ in range(draws):
        matrix = np.stack([np.ones(size), rng.normal(size=size)], axis=1)
        hidden = rng.normal(size=size)  # what the predictions know of the answer besides the item
        latent = 0.5 * matrix[:, 1] - 0.3
        if kind == "logistic":
            noise = stats.logistic.ppf(stats.norm.cdf(hidden))
            answers = (latent + noise > 0).astype(float)
            predicted = stats.norm.cdf(1.2 * matrix[:, 1] + hidden + 0.7 * rng.normal(size=size))
        else:
            answers = latent + hidden
            predicted = 1.2 * matrix[:, 1] + hidden + 0.7 * rng.normal(size=size)
        fit = fit_logistic if kind == "logistic" else fit_linear
        found.append(rectify(fit, answers, predicted, labelled, design, matrix)[1])
    return found


def summary(found: Iterable[Rectified], truth: float) -> dict[str, float]:
    """Return coverage, and the length of intervals against the classical ones."""
    rows = pd.DataFrame([vars(one) for one in found])
    length, classical = rows["high"] - rows["low"], rows["classical_high"] - rows["classical_low"]
    return {
        "error_ratio": float((rows["error"] / rows["classical_error"]).mean()),
        "length_ratio": float(length.mean() / classical.mean()),
        "coverage": float(((rows["low"] <= truth) & (truth <= rows["high"])).mean()),
        "classical_coverage": float(
            ((rows["classical_low"] <= truth) & (truth <= rows["classical_high"])).mean()
        ),
        "more_respondents": float(rows["gain"].mean() - 1),
        "gain_low": float(rows["gain_low"].mean()),
        "gain_high": float(rows["gain_high"].mean()),
        "power": float(rows["power"].mean()),
    }


def main() -> None:
    """Print and write both parts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data/ess11-de"))
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--labelled", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    results: dict[str, dict[str, dict[str, float]]] = {"ess": {}, "simulated": {}}
    if given.data.is_dir():
        for item in RANGES:
            answers, predicted = ess_item(given.data, item)
            found = rectified_draws(answers, predicted, given.labelled, given.draws, given.seed)
            results["ess"][item] = summary(found, float(answers.mean()))
        print(_shown(results["ess"]))
    for kind in ("normal", "share of .2"):
        for n, n_predicted in SIZES:
            for name, skill in SKILLS.items():
                found, truth = simulated_draws(kind, skill, n, n_predicted, given.draws, given.seed)
                place = f"{kind}, {n} + {n_predicted}, {name}"
                results["simulated"][place] = summary(found, truth)
                gain = 1 / (1 - skill**2 * n_predicted / (n + n_predicted))
                if found[0].df >= FEWEST_TO_TUNE - 1:
                    covered = [one.gain_low <= gain <= one.gain_high for one in found]
                    results["simulated"][place]["gain_covered"] = float(np.mean(covered))
    for n in (50, 200):
        for name, own_fold in (("mean over folds", False), ("own fold", True)):
            found = cross_predicted_draws(n, 600, own_fold, given.draws, given.seed)
            results["simulated"][f"cross-predicted, {n} + 600, {name}"] = summary(found, 0.0)
        for kind in ("linear", "logistic"):
            found = coefficient_draws(kind, n, 600, given.draws, given.seed)
            results["simulated"][f"{kind} coefficient, {n} + 600"] = summary(found, 0.5)
    print(_shown(results["simulated"]))
    write_json(results, Path("results/benchmarks/rectification.json"))


def _shown(results: dict[str, dict[str, float]]) -> str:
    table = pd.DataFrame(results).T
    extremes = {"mean": table.mean(), "lowest": table.min(), "highest": table.max()}
    return pd.concat([table, pd.DataFrame(extremes).T]).round(3).to_string()


if __name__ == "__main__":
    main()
