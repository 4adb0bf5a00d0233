"""How often a test of zero correlation rejects what is independent, and how often it finds what is not.

    python benchmarks/inference.py [--repetitions 2000] [--seed 1]

Simulates 34 weeks of 12 answer options on two sides that have nothing to do with each other, by several
processes, and counts at 5 % nominal: at lag 0, and for the best of 17 lags over the 12 options. Then a
correlation of .4 between the innovations of the two sides, against an oracle that knows the coefficients.
Writes results/benchmarks/inference.json.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from stimmung.evaluation.series.correlation import (
    correlate_lags,
    effective_sample_size,
    p_value,
    published_correlation,
)
from stimmung.evaluation.series.inference import (
    adjust_p,
    correlate_innovations,
    effective_interval,
    familywise_p,
    fisher_interval,
)
from stimmung.evaluation.series.prewhitening import whiten
from stimmung.evaluation.series.series_steps import differences, rolling_mean
from stimmung.vocabulary.atomic_files import write_json

WEEKS, OPTIONS, MAX_LAG, ROLLING = 34, 12, 8, 3
NOMINAL = 0.05
ALIKE = 0.5  # correlation of the innovations of two options of one side: moods have something in common
CORRELATION = 0.4  # of the innovations of the two sides, where power is measured
BURN_IN = 300
SIMULATIONS = 59
STRONG = 0.8  # and where coverage is measured besides
INTERVALS = 2000  # simulated pairs behind each coverage
POWER_PROCESS = "AR(1) .8"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Process:
    """An autoregression, perhaps with a trend or a shift, both in its standard deviations."""

    coefficients: tuple[float, ...]
    moving_average: tuple[float, ...] = ()
    tails: float = np.inf  # degrees of freedom of the innovations' t distribution
    trend: float = 0.0  # rise from the first to the last week, on both sides
    shift: float = 0.0  # step at a week of each series' own

    @property
    def stationary(self) -> bool:
        return self.trend == 0 and self.shift == 0


PROCESSES = {
    "AR(1) .5": Process((0.5,)),
    "AR(1) .8": Process((0.8,)),
    "AR(1) .95": Process((0.95,)),
    "AR(2) .5 .3": Process((0.5, 0.3)),
    "AR(2) 1.2 -.5": Process((1.2, -0.5)),
    "trend 3 sd + AR(1) .5": Process((0.5,), trend=3.0),
    "shift 2 sd + AR(1) .5": Process((0.5,), shift=2.0),
}
# At which nothing was looked at when methods were chosen; only coverage is measured.
UNSEEN = {
    "ARMA .8, .5": Process((0.8,), (0.5,)),
    "ARMA .8, -.4": Process((0.8,), (-0.4,)),
    "season of 4 weeks .6": Process((0.0, 0.0, 0.0, 0.6)),
    "AR(1) .8, t with 3 df": Process((0.8,), tails=3.0),
}


def simulate(process: Process, repetitions: int, correlation: float, rng: np.random.Generator) -> Floats:
    """Return two sides, shape (2, repetitions, options, weeks), their innovations correlated by option."""
    shape = (2, repetitions, OPTIONS, WEEKS + BURN_IN)
    common = _noise(process, (2, repetitions, 1, WEEKS + BURN_IN), rng)
    innovations = np.sqrt(ALIKE) * common + np.sqrt(1 - ALIKE) * _noise(process, shape, rng)
    innovations[1] = correlation * innovations[0] + np.sqrt(1 - correlation**2) * innovations[1]
    series = lfilter(
        [1.0, *process.moving_average], [1.0, *(-one for one in process.coefficients)], innovations, axis=-1
    )
    sd = series.std()
    series = series[..., BURN_IN:]
    series += process.trend * sd * np.linspace(0, 1, WEEKS)
    start = rng.integers(1, WEEKS, (*shape[:-1], 1))
    series += process.shift * sd * (np.arange(WEEKS) >= start)
    return np.asarray(series)


def _noise(process: Process, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    if np.isinf(process.tails):
        return rng.standard_normal(shape)
    return np.asarray(rng.standard_t(process.tails, shape))


def rate(rejected: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the share of rejections and its standard error over repetitions, shape (repetitions, ...)."""
    each = rejected.reshape(len(rejected), -1).mean(axis=1)
    return float(each.mean()), float(each.std(ddof=1) / np.sqrt(len(each)))


def measure_level(process: Process, repetitions: int, seed: int) -> dict[str, tuple[float, float]]:
    """Return how often independent sides are taken for dependent ones, by procedure."""
    posts, survey = simulate(process, repetitions, 0.0, np.random.default_rng(seed))
    _, published, _ = published_correlation(posts, survey, MAX_LAG, ROLLING)
    raw, _ = correlate_lags(posts, survey, 0)
    change = differences(posts), differences(survey)
    changed, _ = correlate_lags(*change, 0)
    innovations, others = whiten(posts), whiten(survey)
    ours = np.empty((repetitions, OPTIONS, 2 * MAX_LAG + 1))
    family, discoveries = np.empty(repetitions), np.empty(repetitions)
    for one in range(repetitions):
        ours[one] = p_value(*correlate_innovations(innovations[one], others[one], MAX_LAG))
        family[one] = familywise_p(
            posts[one], survey[one], MAX_LAG, SIMULATIONS, seed + 2 * 10**6 + one
        ).min()
        discoveries[one] = adjust_p(ours[one]).min()
    return {
        "naive p on smoothed series": rate(published[..., MAX_LAG] <= NOMINAL),
        "effective n": rate(p_value(raw[..., 0], effective_sample_size(posts, survey)) <= NOMINAL),
        "effective n, differences": rate(p_value(changed[..., 0], effective_sample_size(*change)) <= NOMINAL),
        "ours": rate(ours[..., MAX_LAG] <= NOMINAL),
        "naive p on smoothed series, best of all": rate((published <= NOMINAL).any(axis=(1, 2))),
        "ours, best of all": rate(family <= NOMINAL),
        "ours, any discovery": rate(discoveries <= NOMINAL),
    }


def measure_power(process: Process, repetitions: int, seed: int) -> dict[str, float]:
    """Return how often the correlation is found at lag 0, by ours and by who knows the coefficients."""
    posts, survey = simulate(process, repetitions, CORRELATION, np.random.default_rng(seed))
    p = p_value(
        *correlate_innovations(whiten(posts).reshape(-1, WEEKS), whiten(survey).reshape(-1, WEEKS), 0)
    )
    known = [1.0, *(-one for one in process.coefficients)]
    order = len(process.coefficients)
    exact = [lfilter(known, [1.0], side, axis=-1)[..., order:] for side in (posts, survey)]
    p_oracle = p_value(*correlate_lags(exact[0], exact[1], 0))
    found = (p.reshape(repetitions, OPTIONS) <= NOMINAL).mean(axis=1)
    oracle = (p_oracle[..., 0] <= NOMINAL).mean(axis=1)
    ratio = found.mean() / oracle.mean()
    return {
        "power": float(found.mean()),
        "oracle": float(oracle.mean()),
        "ratio": float(ratio),
        "ratio_se": float((found - ratio * oracle).std(ddof=1) / np.sqrt(repetitions) / oracle.mean()),
    }


def measure_coverage(process: Process, correlation: float, seed: int) -> dict[str, float]:
    """Return how often 95 % intervals at lag 0 hold the true correlation."""
    posts, survey = simulate(process, INTERVALS, correlation, np.random.default_rng(seed))
    posts, survey = posts[:, 0], survey[:, 0]
    smooth = rolling_mean(posts, ROLLING), rolling_mean(survey, ROLLING)
    innovations = correlate_innovations(whiten(posts), whiten(survey), 0)
    intervals = {"prewhitened": [ends[:, 0] for ends in fisher_interval(*innovations)]}
    for name, pair in (("raw, effective n", (posts, survey)), ("smoothed, effective n", smooth)):
        r = correlate_lags(*pair, 0)[0][:, 0]
        intervals[name] = [*effective_interval(r, effective_sample_size(*pair))]
    return {
        name: float(np.mean((low <= correlation) & (correlation <= high)))
        for name, (low, high) in intervals.items()
    }


def main() -> None:
    """Measure, print the table and write it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("results/benchmarks/inference.json"))
    arguments = parser.parse_args()
    started = time.monotonic()
    levels, powers = {}, {}
    for number, (name, process) in enumerate(PROCESSES.items()):
        # Far apart, because a repetition's simulations are seeded by its number.
        seed = arguments.seed * 10**9 + number * 10**7
        levels[name] = measure_level(process, arguments.repetitions, seed)
        print(f"\n{name}: rejected at {NOMINAL:.0%} nominal, of independent pairs")
        for procedure, (share, error) in levels[name].items():
            print(f"  {procedure:42s} {share:.3f} ± {error:.3f}")
        if process.stationary:
            powers[name] = power = measure_power(process, arguments.repetitions, seed + 10**6)
            print(
                f"  power at {CORRELATION}: {power['power']:.3f}, oracle {power['oracle']:.3f}, "
                f"ratio {power['ratio']:.3f} ± {power['ratio_se']:.3f}"
            )
    coverage = {
        f"{name}, correlation {correlation}": measure_coverage(
            process, correlation, arguments.seed * 10**9 + 10**8
        )
        for name, process in {**PROCESSES, **UNSEEN}.items()
        if process.stationary
        for correlation in (0.0, CORRELATION, STRONG)
    }
    print(f"\nCoverage of 95 % intervals, {INTERVALS} pairs")
    for name, shares in coverage.items():
        print(f"  {name:36s} {', '.join(f'{kind} {share:.3f}' for kind, share in shares.items())}")
    stationary = [levels[name] for name, process in PROCESSES.items() if process.stationary]
    write_json(
        {
            "false_positive_rate_published": levels[POWER_PROCESS]["naive p on smoothed series"][0],
            "false_positive_rate": max(level["ours"][0] for level in stationary),
            "false_positive_rate_family": max(level["ours, best of all"][0] for level in stationary),
            "power_vs_oracle": powers[POWER_PROCESS]["ratio"],
            "settings": {
                "weeks": WEEKS,
                "options": OPTIONS,
                "lags": 2 * MAX_LAG + 1,
                "rolling_weeks": ROLLING,
                "correlation_between_options_of_a_side": ALIKE,
                "repetitions": arguments.repetitions,
                "simulations": SIMULATIONS,
                "seed": arguments.seed,
                "nominal": NOMINAL,
            },
            "rates": {
                name: {procedure: {"rate": share, "se": error} for procedure, (share, error) in level.items()}
                for name, level in levels.items()
            },
            "power": {"correlation_of_innovations": CORRELATION, **powers},
            "coverage": {
                "process": POWER_PROCESS,
                "nominal": 0.95,
                "pairs": INTERVALS,
                "by_correlation": coverage,
            },
        },
        arguments.output,
    )
    print(f"\n{arguments.output} written after {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
