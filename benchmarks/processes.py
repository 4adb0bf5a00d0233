"""Weekly series of two sides whose correlation is known at every lag, by several processes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter, oaconvolve
from scipy.special import gammaln

Floats = NDArray[np.float64]

BURN_IN = 300
ALIKE = 0.5  # correlation of the innovations of two options of one side: moods have something in common


@dataclass(frozen=True)
class Process:
    """An autoregression with moving average, perhaps with a trend or a shift, both in its standard deviations."""

    coefficients: tuple[float, ...] = ()
    moving_average: tuple[float, ...] = ()
    memory: float = 0.0  # d of fractional differencing (Granger & Joyeux 1980, J. Time Ser. Anal. 1:15)
    tails: float = np.inf  # degrees of freedom of the innovations' t distribution
    trend: float = 0.0  # rise from the first to the last week, on both sides
    shift: float = 0.0  # step at a week of each series' own
    survey: tuple[float, ...] | None = None  # the autoregression of the second side; None: the same

    @property
    def stationary(self) -> bool:
        return self.trend == 0 and self.shift == 0

    def of_survey(self) -> tuple[float, ...]:
        return self.coefficients if self.survey is None else self.survey

    def filtered(self, innovations: Floats, coefficients: tuple[float, ...]) -> Floats:
        """Return the series of (..., weeks) innovations."""
        if self.memory:
            j = np.arange(1, innovations.shape[-1])
            weights = np.exp(gammaln(j + self.memory) - gammaln(j + 1) - gammaln(self.memory))
            weights = np.r_[1.0, weights].reshape((1,) * (innovations.ndim - 1) + (-1,))
            innovations = oaconvolve(innovations, weights, axes=-1)[..., : innovations.shape[-1]]
        return np.asarray(
            lfilter([1.0, *self.moving_average], [1.0, *(-one for one in coefficients)], innovations, axis=-1)
        )

    def correlations(self, correlation: float, max_lag_weeks: int) -> Floats:
        """Return the correlation of the two series at each lag, if that of their innovations is ``correlation`` at lag 0."""
        impulse = np.r_[1.0, np.zeros(20 * BURN_IN)]
        x, y = self.filtered(impulse, self.coefficients), self.filtered(impulse, self.of_survey())
        size = np.sqrt((x @ x) * (y @ y))
        lags = range(-max_lag_weeks, max_lag_weeks + 1)
        ends = impulse.size
        covered = [x[max(0, -k) : ends - max(0, k)] @ y[max(0, k) : ends - max(0, -k)] for k in lags]
        return correlation * np.array(covered) / size


PROCESSES = {
    "AR(1) .5": Process((0.5,)),
    "AR(1) .8": Process((0.8,)),
    "AR(1) .95": Process((0.95,)),
    "AR(2) .5 .3": Process((0.5, 0.3)),
    "AR(2) 1.2 -.5": Process((1.2, -0.5)),
    "season of 6 weeks .6": Process((*[0.0] * 5, 0.6)),
    "season of 10 weeks .6": Process((*[0.0] * 9, 0.6)),
    "trend 3 sd + AR(1) .5": Process((0.5,), trend=3.0),
    "shift 2 sd + AR(1) .5": Process((0.5,), shift=2.0),
}
# Not looked at when the test and its prior weights were chosen.
UNSEEN = {
    "ARMA .8, .5": Process((0.8,), (0.5,)),
    "ARMA .8, -.4": Process((0.8,), (-0.4,)),
    "long memory d .3": Process(memory=0.3),
    "season of 4 weeks .6": Process((*[0.0] * 3, 0.6)),
    "season of 5 weeks .6": Process((*[0.0] * 4, 0.6)),
    "season of 12 weeks .6": Process((*[0.0] * 11, 0.6)),
    "AR(1) .9 and .2": Process((0.9,), survey=(0.2,)),
    "AR(1) .5, t with 3 df": Process((0.5,), tails=3.0),
    "AR(1) .8, t with 3 df": Process((0.8,), tails=3.0),
}


def simulate(
    process: Process, repetitions: int, options: int, weeks: int, correlation: float, rng: np.random.Generator
) -> Floats:
    """Return two sides, shape (2, repetitions, options, weeks), their innovations correlated by option."""
    shape = (2, repetitions, options, weeks + BURN_IN)
    common = _noise(process, (2, repetitions, 1, weeks + BURN_IN), rng)
    innovations = np.sqrt(ALIKE) * common + np.sqrt(1 - ALIKE) * _noise(process, shape, rng)
    innovations[1] = correlation * innovations[0] + np.sqrt(1 - correlation**2) * innovations[1]
    series = np.stack(
        [
            process.filtered(innovations[0], process.coefficients),
            process.filtered(innovations[1], process.of_survey()),
        ]
    )
    sd = series.std(axis=(1, 2, 3), keepdims=True)
    series = series[..., BURN_IN:]
    series += process.trend * sd * np.linspace(0, 1, weeks)
    start = rng.integers(1, weeks, (*shape[:-1], 1))
    series += process.shift * sd * (np.arange(weeks) >= start)
    return series


def _noise(process: Process, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    if np.isinf(process.tails):
        return rng.standard_normal(shape)
    return np.asarray(rng.standard_t(process.tails, shape))
