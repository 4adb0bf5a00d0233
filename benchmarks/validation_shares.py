"""Observed shares of weighted and clustered samples, and accuracies by bin, where the truth is known: of benchmarks/validate.py."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from known_truth import Floats, Rows, times
from validation_imputation import coverage_of

from stimmung.evaluation.estimates.observed_shares import answers_of, drawn_shares, observed_shares
from stimmung.evaluation.votes.calibration import bin_option_reliability, bin_reliability
from stimmung.evaluation.votes.fold_metrics import measure_folds
from stimmung.evaluation.votes.predicted_shares import compare_shares
from stimmung.evaluation.votes.shares_left_out import compare_left_out_shares
from stimmung.vocabulary.votes_schemas import CLUSTER, STRATUM

REPETITIONS = {"shares": 300}
OPTIONS = ["a", "b", "c"]
LARGE = 400_000
N_STRATA = 8  # of the population; a survey may not know them
SAMPLED = (0.75, 0.25)  # of each kind of people, half of the population each


@dataclass(frozen=True)
class Design:
    """How a sample is drawn: from strata of the population, so many clusters in each, and so many respondents in a cluster."""

    words: str
    strata: int
    clusters: int
    respondents: int
    clustered: bool = True


DESIGNS = {
    "weights": Design("weights alone: respondents drawn one by one", 1, 800, 1, clustered=False),
    "clusters": Design("80 clusters of 10 in 8 strata, weights", 8, 10, 10),
    "few clusters": Design("10 clusters of 80, weights", 1, 10, 80),
}
KINDS = pd.Index(["often drawn", "rarely drawn"])


def draw_sample(design: Design, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a RESPONDENTS table, and a PREDICTIONS table of a model that is too certain."""
    n_clusters = design.strata * design.clusters
    n = n_clusters * design.respondents
    cluster = np.repeat(np.arange(n_clusters), design.respondents)
    # Of a sample without strata, each cluster is of any stratum of the population.
    of_cluster = (
        np.arange(n_clusters) // design.clusters
        if design.strata > 1
        else rng.integers(N_STRATA, size=n_clusters)
    )
    kind = (rng.random(n) > SAMPLED[0]).astype(int)
    own = rng.normal(scale=0.5, size=(n_clusters, len(OPTIONS)))[cluster]
    of_stratum = np.random.default_rng(8).normal(scale=0.4, size=(N_STRATA, len(OPTIONS)))[
        of_cluster[cluster]
    ]
    of_kind = np.array([[0.6, 0.0, -0.8], [-0.4, 0.2, 0.0]])[kind]
    known = of_stratum + of_kind + rng.normal(scale=0.5, size=(n, len(OPTIONS)))
    true = softmax(known + own)
    codes = (rng.random((n, 1)) >= true.cumsum(axis=1)[:, :-1]).sum(axis=1)
    ids = [f"r{place:06d}" for place in range(n)]
    weight = 0.5 / np.array(SAMPLED)[kind]
    respondents = pd.DataFrame(
        {"respondent_id": ids, "weight": weight, "kind": pd.Categorical.from_codes(kind, KINDS)}
    )
    if design.clustered:
        respondents = respondents.assign(
            **{
                STRATUM: of_cluster[cluster].astype(str) if design.strata > 1 else "all",
                CLUSTER: cluster.astype(str),
            }
        )
    about = {
        "method": "model/zero-shot",
        "condition": "full",
        "seed": 0,
        "fold": np.arange(n, dtype="int64") % 5,
        "option_mass": 1.0,
    }
    predictions = pd.DataFrame(
        {"respondent_id": ids, "weight": weight, "target": np.array(OPTIONS)[codes], **about}
    ).astype({"fold": "int8"})
    predictions[[f"p_{option}" for option in OPTIONS]] = softmax(1.6 * known)
    return respondents, predictions


def softmax(scores: Floats) -> Floats:
    odds = np.exp(scores)
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def intervals(respondents: pd.DataFrame, predictions: pd.DataFrame) -> Rows:
    """Return what the report shows of shares and of accuracies by bin, each with its interval."""
    rows: Rows = []

    def add(quantity: str, table: pd.DataFrame, names: list[str], of: str) -> None:
        for label, estimate, low, high in table[[of, *names]].itertuples(index=False):
            rows.append({"quantity": f"{quantity}: {label}", "estimate": estimate, "low": low, "high": high})

    splits = predictions[["respondent_id", "condition", "fold"]].assign(in_training=True)
    drawn = observed_shares(answers_of(predictions), respondents)
    add("share, sampling design", drawn, ["share", "ci_low", "ci_high"], "option")
    shares = compare_shares(
        predictions, measure_folds(predictions, splits), drawn_shares(predictions, respondents)
    )
    ends = ["observed", "observed_low", "observed_high"]
    add("share, beside the predicted", shares, ends, "option")
    some = predictions[(respondents["kind"] == KINDS[1]).to_numpy()].assign(condition="without")
    condition = {"without": {"left_out": {"kind": [KINDS[1]]}}}
    add("share, of those left out", compare_left_out_shares(some, respondents, condition), ends, "option")
    if STRATUM not in respondents:  # the report says that these know of no clusters
        bins = bin_reliability(predictions, weighted=True)
        add("accuracy of a bin", bins, ["accuracy", "accuracy_low", "accuracy_high"], "bin")
        bins = bin_option_reliability(predictions, predictions, weighted=True)
        bins = bins[bins["stage"] == "before"].assign(of=bins["option"] + ", " + bins["bin"].astype(str))
        add("share of a bin", bins, ["share", "share_low", "share_high"], "of")
    return rows


def shares(effort: float, seed: int) -> Rows:
    """Observed shares and accuracies by bin, of samples drawn in three ways."""
    found: Rows = []
    truth: dict[str, float] = {}
    for number, (name, design) in enumerate(DESIGNS.items()):
        for one in range(times(REPETITIONS["shares"], effort)):
            rows = intervals(*draw_sample(design, np.random.default_rng([seed, number, one])))
            found += [{"method": name, "setting": row["quantity"].split(":")[0], **row} for row in rows]
        # Respondents of a large sample stand each in a cluster of its own: its shares are the population's.
        if not number:
            large = Design("", 1, LARGE, 1, clustered=False)
            truth = {
                row["quantity"]: row["estimate"]
                for row in intervals(*draw_sample(large, np.random.default_rng([seed, 10**6])))
            }
    return coverage_of(found, truth)
