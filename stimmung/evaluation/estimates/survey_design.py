"""How a sample was drawn, and what that does to standard errors: weights, strata, and clusters (primary sampling units)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from stimmung.evaluation.votes.predicted_shares import effective_n
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.votes_schemas import CLUSTER, GROUP, STRATUM

Floats = NDArray[np.float64]
LEVEL = 0.95


@dataclass(frozen=True)
class DesignEstimate:
    """Weighted means of k columns with standard errors by linearisation; each array has shape (k,)."""

    mean: Floats
    standard_error: Floats
    # Variance against that of a simple random sample of as many rows, drawn with replacement; NaN for a column without variance.
    design_effect: Floats
    df: int  # clusters less strata


@dataclass(frozen=True)
class SurveyDesign:
    """The design of n rows. Without strata there is one, without clusters each row is its own. Clusters are nested within strata.

    The first stage counts as drawn with replacement, so there is no correction for a finite population.
    Raises an InputError if weights, strata or clusters are not of the same rows, are missing, or a weight is not positive.
    """

    weights: Floats
    strata: "pd.Series[str] | ArrayLike | None" = None
    clusters: "pd.Series[str] | ArrayLike | None" = None

    def __post_init__(self) -> None:
        n = len(self.weights)
        for name, column in (("strata", self.strata), ("clusters", self.clusters)):
            if column is None:
                continue
            if (found := len(np.asarray(column))) != n:
                raise InputError(f"survey design: {n} weights, but {name} of {found} rows")
            if absent := int(pd.isna(np.asarray(column)).sum()):
                raise InputError(f"survey design: no value of {name} in {absent} of {n} rows")
        if unusable := int((~(np.asarray(self.weights) > 0) | ~np.isfinite(self.weights)).sum()):
            raise InputError(
                f"survey design: the weight is zero, negative or missing in {unusable} of {n} rows"
            )

    @cached_property
    def stratum_of(self) -> NDArray[np.intp]:
        """Number of each row's stratum, shape (n,)."""
        if self.strata is None:
            return np.zeros(len(self.weights), dtype=np.intp)
        return np.asarray(pd.factorize(np.asarray(self.strata))[0], dtype=np.intp)

    @cached_property
    def cluster_of(self) -> NDArray[np.intp]:
        """Number of each row's cluster, shape (n,); the same name in two strata is two clusters."""
        if self.clusters is None:
            return np.arange(len(self.weights))
        names = pd.factorize(np.asarray(self.clusters))[0]
        pairs = self.stratum_of * (names.max(initial=0) + 1) + names
        return np.asarray(pd.factorize(pairs)[0], dtype=np.intp)

    @cached_property
    def stratum_of_cluster(self) -> NDArray[np.intp]:
        """Number of each cluster's stratum, shape (clusters,)."""
        _, first = np.unique(self.cluster_of, return_index=True)
        return self.stratum_of[first]

    @property
    def df(self) -> int:
        """Degrees of freedom of a standard error: clusters less strata."""
        return len(self.stratum_of_cluster) - len(np.unique(self.stratum_of_cluster))

    @property
    def n_lonely(self) -> int:
        """How many strata have a single cluster, from which no variance can be computed."""
        return int((np.bincount(self.stratum_of_cluster) == 1).sum())

    @property
    def kish_effect(self) -> float:
        """Kish's design effect of unequal weights alone (1965, Survey sampling, 11.7)."""
        return len(self.weights) / effective_n(np.asarray(self.weights))

    def rows(self, chosen: NDArray[np.bool_]) -> "SurveyDesign":
        """Return the design of some of the rows."""
        strata, clusters = (
            None if column is None else np.asarray(column)[chosen] for column in (self.strata, self.clusters)
        )
        return SurveyDesign(np.asarray(self.weights)[chosen], strata, clusters)

    def scores(self, influence: Floats) -> Floats:
        """Return what each cluster adds to estimates, scaled so that ``scores.T @ scores`` is their covariance.

        ``influence`` has shape (n, k): by how much each row moves each estimate (weighted residuals over the sum of the weights for
        a mean). Totals of clusters are centred within their stratum and multiplied by the root of m / (m - 1), for m clusters
        (Binder 1983, Int. Stat. Rev. 51:279; the default of R's survey package). A stratum of one cluster is centred at the mean
        of all (``survey.lonely.psu = "adjust"`` there). Shape (clusters, k).
        """
        stratum = self.stratum_of_cluster
        totals = np.zeros((len(stratum), influence.shape[1]))
        np.add.at(totals, self.cluster_of, influence)
        sizes = np.bincount(stratum)
        sums = np.zeros((len(sizes), influence.shape[1]))
        np.add.at(sums, stratum, totals)
        lonely = sizes == 1
        centres = np.where(lonely[:, None], totals.mean(axis=0), sums / np.maximum(sizes, 1)[:, None])
        factors = np.where(lonely, 1.0, sizes / np.maximum(sizes - 1, 1))
        return np.asarray(np.sqrt(factors)[stratum, None] * (totals - centres[stratum]))

    def estimate_means(self, values: Floats, domain: NDArray[np.bool_] | None = None) -> DesignEstimate:
        """Return the weighted means of columns of shape (n, k), with linearised standard errors and design effects.

        ``domain``, of shape (n,), says whose means they are. Clusters without such a row count still: how many there are is chance.
        """
        chosen = np.ones(len(self.weights), dtype=bool) if domain is None else domain
        weights = np.where(chosen, self.weights, 0.0)
        n, total = int(chosen.sum()), weights.sum()
        mean = np.asarray(weights @ values / total)
        residuals = values - mean
        scores = self.scores(weights[:, None] * residuals / total)
        variance = (scores**2).sum(axis=0)
        # The variance of the values, as svyvar: weighted, over n - 1.
        of_values = weights @ residuals**2 / total * n / max(n - 1, 1)
        simple = of_values / n
        effect = np.divide(variance, simple, out=np.full(len(mean), np.nan), where=simple > 0)
        return DesignEstimate(mean, np.sqrt(variance), effect, self.df)


def design_columns(respondents: pd.DataFrame) -> dict[str, str]:
    """Return the columns of a RESPONDENTS table that hold the design: ``stratum`` and ``cluster``, where there are any.

    Without clusters the groups of rows that share a fold count as such: rows of one person, or household, are not independent.
    """
    found = {"stratum": STRATUM} if STRATUM in respondents else {}
    clusters = [name for name in (CLUSTER, GROUP) if name in respondents]
    return found | ({"cluster": clusters[0]} if clusters else {})


def design_table(respondents: pd.DataFrame) -> pd.DataFrame:
    """Return ``stratum`` and ``cluster`` of each row of a RESPONDENTS table, those that it has, by respondent_id."""
    columns = design_columns(respondents)
    return respondents.set_index("respondent_id")[[*columns.values()]].set_axis([*columns], axis=1)


def design_of(respondents: pd.DataFrame) -> SurveyDesign:
    """Return the design of the rows of a RESPONDENTS table, in their order."""
    columns = design_columns(respondents)
    strata, clusters = (
        respondents[columns[name]] if name in columns else None for name in ("stratum", "cluster")
    )
    return SurveyDesign(respondents["weight"].to_numpy(dtype=float), strata, clusters)


def t_quantile(df: float) -> float:
    """Return the quantile of Student's t for a two-sided interval of 95 %; infinite without degrees of freedom."""
    return float(stats.t.ppf((1 + LEVEL) / 2, df)) if df > 0 else np.inf


def share_interval(share: float, n_effective: float, df: float) -> tuple[float, float]:
    """Return the ends of Wilson's interval of a share of ``n_effective`` respondents, with Student's t for the normal quantile.

    Unlike the plain interval it has a length where nobody, or everybody, gave an answer.
    """
    quantile = t_quantile(df)
    if not np.isfinite(quantile):
        return 0.0, 1.0
    share, odds = min(max(share, 0.0), 1.0), quantile**2 / n_effective
    centre = (share + odds / 2) / (1 + odds)
    reach = np.sqrt(odds * share * (1 - share) + odds**2 / 4) / (1 + odds)
    return max(0.0, float(centre - reach)), min(1.0, float(centre + reach))


def intervals_of_shares(found: DesignEstimate, n_weighted: float) -> tuple[Floats, Floats, Floats]:
    """Return the effective n behind each share, and the ends of its interval, each of shape (k,).

    ``n_weighted`` is Kish's effective n: where nobody, or everybody, gave an answer, only the weights say what the sample is worth.
    """
    spread, variance = found.mean * (1 - found.mean), found.standard_error**2
    n = np.divide(spread, variance, out=np.full_like(spread, n_weighted), where=variance > 0)
    ends = [share_interval(share, one, found.df) for share, one in zip(found.mean, n, strict=True)]
    low, high = np.array(ends).T
    return n, low, high
