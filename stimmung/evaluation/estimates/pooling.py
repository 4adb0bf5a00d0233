"""Rubin's rules: one estimate and one interval from the estimates of M completed data sets."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stimmung.vocabulary.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pooled:
    """Estimates pooled over M completed data sets, one for each of k quantities; arrays of shape (k,)."""

    estimate: Floats
    within: Floats  # mean variance within a completed data set
    between: Floats  # variance of the estimates over data sets
    df: Floats  # degrees of freedom of t
    n_imputations: int

    @property
    def relative_increase(self) -> Floats:
        """Relative increase of the variance due to the missing answers, (1 + 1/M) between / within; 0 where neither varies."""
        added = (1 + 1 / self.n_imputations) * self.between
        return np.divide(added, self.within, out=np.where(added > 0, np.inf, 0.0), where=self.within > 0)

    @property
    def std_error(self) -> Floats:
        """Root of the total variance, within + (1 + 1/M) between."""
        return np.asarray(np.sqrt(self.within + (1 + 1 / self.n_imputations) * self.between))

    @property
    def missing_information(self) -> Floats:
        """Fraction of missing information about each quantity (Rubin 1987, equation 3.1.10, with the pooled ``df``)."""
        r = self.relative_increase
        with np.errstate(invalid="ignore"):
            return np.where(np.isinf(r), 1.0, (r + 2 / (self.df + 3)) / (r + 1)) * (self.between > 0)

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Return the lower and the upper end of the t interval."""
        from scipy.stats import t

        reach = t.ppf((1 + level) / 2, self.df) * self.std_error
        return self.estimate - reach, self.estimate + reach


def pool(estimates: ArrayLike, variances: ArrayLike, complete_df: float = np.inf) -> Pooled:
    """Return the pooled estimates by the rules of Rubin (1987), with the degrees of freedom of Barnard and Rubin (1999).

    Parameters
    ----------
    estimates, variances
        Of k quantities in each of M completed data sets, shape (M, k).
    complete_df
        The degrees of freedom that the analysis has with complete data, such as n - 1 for a mean; infinite for none known.

    Raises
    ------
    InputError
        If there are fewer than two data sets, or a number is not finite.
    """
    q, u = (np.asarray(values, dtype=float) for values in (estimates, variances))
    m = len(q)
    if m < 2:
        raise InputError(
            f"{m} imputation{'s' if m != 1 else ''} cannot be pooled: how much they vary is then unknown",
            "Draw two or more; 20 is usual.",
        )
    if q.shape != u.shape or not (np.isfinite(q).all() and np.isfinite(u).all()):
        raise InputError(
            "an imputation has no finite estimate and variance of each quantity",
            "A regression in which an answer is predicted perfectly has none: use fewer predictors.",
        )
    # The sum of M equal numbers, divided by M, may differ from them in the last digit.
    within, between = u.mean(axis=0), np.where(np.ptp(q, axis=0) == 0, 0.0, q.var(axis=0, ddof=1))
    total = within + (1 + 1 / m) * between
    share = np.divide((1 + 1 / m) * between, total, out=np.zeros_like(total), where=total > 0)
    return Pooled(q.mean(axis=0), within, between, degrees_of_freedom(m, share, complete_df), m)


def degrees_of_freedom(m: int, share: Floats, complete_df: float) -> Floats:
    """Return the degrees of freedom of pooled quantities (Barnard and Rubin 1999, equations 3 to 5).

    ``share`` is the part of each total variance that is due to missing answers. With ``complete_df`` infinite this is Rubin's (1987)
    (m - 1) / share², which may exceed those of the complete data.
    """
    with np.errstate(divide="ignore"):
        old = (m - 1) / share**2
        if np.isinf(complete_df):
            return np.asarray(old)
        observed = (complete_df + 1) / (complete_df + 3) * complete_df * (1 - share)
        return np.asarray(1 / (1 / old + 1 / observed))
