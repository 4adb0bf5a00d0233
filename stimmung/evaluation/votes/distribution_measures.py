"""How far predicted answers are spread, and how far their distribution is from that of the observed ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stimmung.evaluation.votes.resampling import LEVEL

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """A measure of fidelity, and what readers are told of it."""

    label: str
    range: tuple[float, float]
    ideal: float  # its value where predictions are as people are
    reading: str  # one sentence for a person


MEASURES = {
    "variance_ratio": Measure(
        "Variance ratio", (0.0, np.inf), 1.0, "below 1, predictions vary less than people do"
    ),
    "entropy_ratio": Measure(
        "Entropy ratio",
        (0.0, np.inf),
        1.0,
        "below 1, predictions are spread over fewer answers than people are",
    ),
    "wasserstein": Measure(
        "Wasserstein-1",
        (0.0, np.inf),
        0.0,
        "by how many steps of the scale answers would have to move, on average",
    ),
    "total_variation": Measure(
        "Total variation", (0.0, 1.0), 0.0, "the share of respondents whose answer would have to change"
    ),
    "overlap": Measure(
        "Overlap", (0.0, 1.0), 1.0, "the share of the two distributions that is common to both"
    ),
    "kolmogorov_smirnov": Measure(
        "Kolmogorov–Smirnov",
        (0.0, 1.0),
        0.0,
        "the largest difference of the shares up to some step of the scale",
    ),
}
RELATIONS = {
    "association_ratio": Measure(
        "Cramér's V, ratio",
        (0.0, np.inf),
        1.0,
        "below 1, predictions depend less on the other items than answers do",
    ),
    "correlation_of_correlations": Measure(
        "Correlation of the correlations",
        (-1.0, 1.0),
        1.0,
        "1 if predictions hang together with the other items as answers do, less by the noise of few respondents, 0 if in no such way",
    ),
    "slope_ratio": Measure(
        "Slopes, ratio",
        (-np.inf, np.inf),
        1.0,
        "below 1, a regression on the items finds weaker effects in predictions than in answers, above 1 stronger ones",
    ),
    "group_error": Measure(
        "Error within groups",
        (-1.0, 1.0),
        0.0,
        "how far predicted shares are off among those who gave the same answer to another item",
    ),
}


def variance(shares: Floats, scores: Floats | None = None) -> Floats:
    """Return the variance of answers with these shares (…, options), shape (…).

    Of ordered answers it is that of their ``scores`` (options,). Of nominal ones, it is the sum of the variances of the indicators of
    all options, 1 minus the sum of the squared shares: the chance that two respondents differ (Gini's index; Light and Margolin
    1971, An analysis of variance for categorical data).
    """
    if scores is None:
        return np.asarray(1 - (shares**2).sum(axis=-1))
    return np.asarray(shares @ scores**2 - (shares @ scores) ** 2)


def entropy(shares: Floats) -> Floats:
    """Return Shannon's entropy in nats of answers with these shares (…, options), shape (…)."""
    logs = np.log(np.where(shares > 0, shares, 1.0))
    return np.asarray(-(shares * logs).sum(axis=-1))


def total_variation(predicted: Floats, observed: Floats) -> Floats:
    """Return half the sum of the absolute differences of the shares (…, options), shape (…)."""
    return np.asarray(np.abs(predicted - observed).sum(axis=-1) / 2)


def wasserstein(predicted: Floats, observed: Floats, scores: Floats) -> Floats:
    """Return the Wasserstein-1 distance of ordered answers, in units of their rising ``scores`` (options,), shape (…)."""
    gaps = np.abs(np.cumsum(predicted - observed, axis=-1))[..., :-1]
    return np.asarray((gaps * np.diff(scores)).sum(axis=-1))


def kolmogorov_smirnov(predicted: Floats, observed: Floats) -> Floats:
    """Return the largest difference of the cumulated shares of ordered answers (…, options), shape (…)."""
    return np.asarray(np.abs(np.cumsum(predicted - observed, axis=-1)).max(axis=-1))


def distribution_measures(
    predicted: Floats, observed: Floats, scores: Floats | None = None
) -> dict[str, tuple[Floats, Floats, Floats]]:
    """Return each measure of two distributions of shape (…, options): predicted, observed, and the ratio or distance.

    The predicted shares are the mean probabilities: what draws from them have on average, so that a measure is of draws and not of
    most probable answers. With ``scores``, the options are ordered. Where a measure is a distance, the first two are NaN.
    """
    distance = total_variation(predicted, observed)
    nothing = np.full(distance.shape, np.nan)
    spreads = {
        "variance_ratio": (variance(predicted, scores), variance(observed, scores)),
        "entropy_ratio": (entropy(predicted), entropy(observed)),
    }
    found = {
        # Where all people gave one answer, there is no ratio.
        name: (mine, theirs, np.divide(mine, theirs, out=nothing.copy(), where=theirs > 1e-12))
        for name, (mine, theirs) in spreads.items()
    }
    distances = _distances(predicted - observed, scores) | {"overlap": 1 - distance}
    return found | {name: (nothing, nothing, value) for name, value in distances.items()}


def distance_intervals(
    predicted: Floats, observed: Floats, scores: Floats | None = None
) -> dict[str, tuple[float, float]]:
    """Return the 95 % intervals of the distances, from shares of shape (1 + resamples, options), the sample's first.

    A distance of a sample is too large, most of all where the true one is 0. But all of them are norms of the difference of the
    shares, so by the triangle inequality the true distance is no further off than the distance that chance alone makes: the
    interval reaches as far to both sides as the resamples' differences are from the sample's in 97.5 of 100, as an end of a
    two-sided interval does.
    """
    differences = predicted - observed
    found = {}
    values, by_chance = (
        _distances(one, scores) for one in (differences[0], differences[1:] - differences[0])
    )
    for name, value in values.items():
        reach = np.quantile(by_chance[name], (1 + LEVEL) / 2)
        found[name] = tuple(np.clip([value - reach, value + reach], *MEASURES[name].range))
    reach = np.quantile(total_variation(differences[1:], differences[0]), (1 + LEVEL) / 2)
    overlap = 1 - total_variation(differences[0], np.zeros_like(differences[0]))
    found["overlap"] = tuple(np.clip([overlap - reach, overlap + reach], *MEASURES["overlap"].range))
    return found


def _distances(difference: Floats, scores: Floats | None) -> dict[str, Floats]:
    """Return the distances that are norms of a difference of shares (…, options)."""
    nothing = np.zeros_like(difference)
    if scores is None:
        return {"total_variation": total_variation(difference, nothing)}
    return {
        "wasserstein": wasserstein(difference, nothing, scores),
        "kolmogorov_smirnov": kolmogorov_smirnov(difference, nothing),
    }
