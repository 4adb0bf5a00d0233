"""How often a test of zero correlation rejects what is independent, and how often it and the intervals hold what is not.

    python benchmarks/inference.py [--repetitions 2000] [--seed 1]

Simulates 34 weeks of 12 answer options on two sides that have nothing to do with each other, by several
processes, and counts at 5 % nominal: at lag 0, and for the best of 17 lags over the 12 options. Then a
correlation of .4 between the innovations of the two sides, against an oracle that knows the coefficients.
Then how often 95 % intervals hold the true correlation. Writes results/benchmarks/inference.json.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from processes import ALIKE, PROCESSES, UNSEEN, Floats, Process, simulate
from scipy.signal import lfilter

from stimmung.evaluation.series.correlation import (
    correlate_lags,
    effective_sample_size,
    lag_range,
    p_value,
    published_correlation,
)
from stimmung.evaluation.series.inference import (
    adjust_p,
    correlate_innovations,
    correlation_interval,
    fisher_z,
    simulated_maxima,
)
from stimmung.evaluation.series.prewhitening import whiten
from stimmung.evaluation.series.series_steps import differences, rolling_mean
from stimmung.vocabulary.atomic_files import write_json

WEEKS, OPTIONS, MAX_LAG, ROLLING = 34, 12, 8, 3
NOMINAL = 0.05
CORRELATION = 0.4  # of the innovations of the two sides, where power is measured
SIMULATIONS = 59
BATCHES = (10, 15, 34)  # which are as many
COVERAGE_AT = (0.0, CORRELATION, 0.8)  # true correlations of the innovations
INTERVALS = 2000  # simulated pairs behind each coverage, single options
RECOVERY_WEEKS, PERIOD_WEEKS = 16, 10  # of the demo's panel, and of a short period of a panel
LARGEST_ORDER = 6  # of the plain autoregressions that stand beside

POWER_PROCESS = "AR(1) .8"


def whiten_plainly(series: Floats) -> Floats:
    """Return the innovations of each of (..., weeks) under the AR(p) of least squares whose p, up to 6, has the lowest AICc.

    What a textbook does (Brockwell & Davis 2016, section 5.5.2). The first 6 weeks are used as lags only, and are NaN.
    """
    flat = series.reshape(-1, series.shape[-1])
    y = flat[:, LARGEST_ORDER:]
    n = y.shape[1]
    lagged = [flat[:, LARGEST_ORDER - lag : flat.shape[1] - lag] for lag in range(1, LARGEST_ORDER + 1)]
    best, innovations = np.full(len(flat), np.inf), np.empty_like(y)
    for order in range(LARGEST_ORDER + 1):
        design = np.stack([np.ones_like(y), *lagged[:order]], axis=-1)
        slopes = np.linalg.pinv(design) @ y[..., None]
        residuals = y - (design @ slopes)[..., 0]
        k = order + 2
        criterion = n * np.log((residuals**2).mean(axis=1)) + 2 * k * n / (n - k - 1)
        better = criterion < best
        best[better], innovations[better] = criterion[better], residuals[better]
    out = np.full(flat.shape, np.nan)
    out[:, LARGEST_ORDER:] = innovations
    return out.reshape(series.shape)


def rate(rejected: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the share of rejections and its standard error over repetitions, shape (repetitions, ...)."""
    each = rejected.reshape(len(rejected), -1).mean(axis=1)
    return float(each.mean()), float(each.std(ddof=1) / np.sqrt(len(each)))


def measure_level(process: Process, repetitions: int, seed: int) -> dict[str, tuple[float, float]]:
    """Return how often independent sides are taken for dependent ones, by procedure."""
    posts, survey = simulate(process, repetitions, OPTIONS, WEEKS, 0.0, np.random.default_rng(seed))
    _, published, _ = published_correlation(posts, survey, MAX_LAG, ROLLING)
    raw, _ = correlate_lags(posts, survey, 0)
    change = differences(posts), differences(survey)
    changed, _ = correlate_lags(*change, 0)
    plain = p_value(*correlate_lags(whiten_plainly(posts), whiten_plainly(survey), 0))
    innovations, others = whiten(posts), whiten(survey)
    ours = np.empty((repetitions, OPTIONS, 2 * MAX_LAG + 1))
    family, discoveries = np.empty(repetitions, dtype=bool), np.empty(repetitions)
    for one in range(repetitions):
        ours[one] = p_value(*correlate_innovations(innovations[one], others[one], MAX_LAG))
        z = np.nanmax(np.abs(fisher_z(*correlate_innovations(innovations[one], others[one], MAX_LAG))))
        family[one] = rejects_family(posts[one], survey[one], z, seed + 2 * 10**6 + one)
        discoveries[one] = adjust_p(ours[one]).min()
    return {
        "naive p on smoothed series": rate(published[..., MAX_LAG] <= NOMINAL),
        "effective n": rate(p_value(raw[..., 0], effective_sample_size(posts, survey)) <= NOMINAL),
        "effective n, differences": rate(p_value(changed[..., 0], effective_sample_size(*change)) <= NOMINAL),
        "plain AR(p) by AICc": rate(plain <= NOMINAL),
        "ours": rate(ours[..., MAX_LAG] <= NOMINAL),
        "naive p on smoothed series, best of all": rate((published <= NOMINAL).any(axis=(1, 2))),
        "ours, best of all": rate(family),
        "ours, any discovery": rate(discoveries <= NOMINAL),
    }


def rejects_family(posts: Floats, survey: Floats, observed: float, seed: int) -> bool:
    """Return whether ``familywise_p`` with ``SIMULATIONS`` has any p of 5 % or less, where ``observed`` is the largest Fisher z.

    No more simulations are made than the decision needs (Besag and Clifford 1991, Biometrika 78:301): a few, until too many reach z.
    """
    allowed = round(NOMINAL * (SIMULATIONS + 1)) - 1
    random, reached = np.random.default_rng(seed), np.zeros(2, dtype=int)
    for n in BATCHES:
        for place, largest in enumerate(simulated_maxima(posts, survey, MAX_LAG, n, random)):
            reached[place] += (largest >= observed - 1e-9).sum()
            if reached[place] > allowed:
                return False
    return True


def measure_power(process: Process, repetitions: int, seed: int) -> dict[str, float]:
    """Return how often the correlation is found at lag 0, by ours, by a plain AR(p), and by who knows the coefficients."""
    posts, survey = simulate(process, repetitions, OPTIONS, WEEKS, CORRELATION, np.random.default_rng(seed))
    p = p_value(
        *correlate_innovations(whiten(posts).reshape(-1, WEEKS), whiten(survey).reshape(-1, WEEKS), 0)
    )
    p_plain = p_value(*correlate_lags(whiten_plainly(posts), whiten_plainly(survey), 0))[..., 0]
    known = [1.0, *(-one for one in process.coefficients)]
    order = len(process.coefficients)
    exact = [lfilter(known, [1.0], side, axis=-1)[..., order:] for side in (posts, survey)]
    p_oracle = p_value(*correlate_lags(exact[0], exact[1], 0))
    found = (p.reshape(repetitions, OPTIONS) <= NOMINAL).mean(axis=1)
    oracle = (p_oracle[..., 0] <= NOMINAL).mean(axis=1)
    ratio = found.mean() / oracle.mean()
    return {
        "power": float(found.mean()),
        "plain": float((p_plain <= NOMINAL).mean()),
        "oracle": float(oracle.mean()),
        "ratio": float(ratio),
        "ratio_se": float((found - ratio * oracle).std(ddof=1) / np.sqrt(repetitions) / oracle.mean()),
    }


def measure_coverage(process: Process, correlation: float, intervals: int, seed: int) -> dict[str, float]:
    """Return how often 95 % intervals hold the true correlation, by kind; at lag 0 where no lag is named."""
    rng = np.random.default_rng(seed)

    def pairs(weeks: int) -> Floats:
        return simulate(process, intervals, 1, weeks, correlation, rng)[:, :, 0]

    posts, survey = pairs(WEEKS)
    raw, innovations = process.correlations(correlation, MAX_LAG), correlation * (lag_range(MAX_LAG) == 0)
    at_all = correlation_interval(posts, survey, MAX_LAG), raw
    whitened = whiten(posts), whiten(survey)
    white_at_all = correlation_interval(*whitened, MAX_LAG, centred=False), innovations
    smooth = rolling_mean(posts, ROLLING), rolling_mean(survey, ROLLING)
    found = {
        "raw": _held(*at_all)[MAX_LAG],
        f"raw, {RECOVERY_WEEKS} weeks": _held(correlation_interval(*pairs(RECOVERY_WEEKS)), raw[[MAX_LAG]])[
            0
        ],
        f"raw, {PERIOD_WEEKS} weeks": _held(correlation_interval(*pairs(PERIOD_WEEKS)), raw[[MAX_LAG]])[0],
        "raw, worst lag": _held(*at_all).min(),
        "prewhitened": _held(*white_at_all)[MAX_LAG],
        "prewhitened, worst lag": _held(*white_at_all).min(),
    }
    if process.survey is None:  # otherwise smoothing changes the correlation
        found["smoothed"] = _held(correlation_interval(*smooth), raw[[MAX_LAG]])[0]
    options = simulate(process, max(2, intervals // 10), OPTIONS, RECOVERY_WEEKS, correlation, rng)
    ends = [np.nanmean(end[..., 0], axis=1, keepdims=True) for end in correlation_interval(*options)]
    found[f"mean of {OPTIONS} options, {RECOVERY_WEEKS} weeks"] = _held((ends[0], ends[1]), raw[[MAX_LAG]])[0]
    return {name: float(value) for name, value in found.items()}


def _held(ends: tuple[Floats, Floats], truth: Floats) -> Floats:
    """Return the share of (pairs, lags) intervals that hold the truth at each lag; none at all is left out."""
    held = np.where(np.isnan(ends[0]), np.nan, (ends[0] <= truth) & (truth <= ends[1]))
    return np.asarray(np.nanmean(held, axis=0))


def measure_processes(repetitions: int, intervals: int, seed: int) -> dict[str, Any]:
    """Return levels, powers and coverages by process."""
    levels, powers, coverage = {}, {}, {}
    for number, (name, process) in enumerate({**PROCESSES, **UNSEEN}.items()):
        # Far apart, because a repetition's simulations are seeded by its number.
        own = seed * 10**9 + number * 10**7
        levels[name] = measure_level(process, repetitions, own)
        if name in PROCESSES and process.stationary:
            powers[name] = measure_power(process, repetitions, own + 10**6)
        if process.stationary:
            coverage[name] = {
                str(one): measure_coverage(process, one, intervals, own + 5 * 10**6) for one in COVERAGE_AT
            }
    return {"levels": levels, "powers": powers, "coverage": coverage}


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
    found = measure_processes(arguments.repetitions, INTERVALS, arguments.seed)
    levels, powers, coverage = found["levels"], found["powers"], found["coverage"]
    for name, level in levels.items():
        print(f"\n{name}: rejected at {NOMINAL:.0%} nominal, of independent pairs")
        for procedure, (share, error) in level.items():
            print(f"  {procedure:42s} {share:.3f} ± {error:.3f}")
        if name in powers:
            power = powers[name]
            print(
                f"  power at {CORRELATION}: {power['power']:.3f}, plain AR(p) {power['plain']:.3f}, "
                f"oracle {power['oracle']:.3f}, ratio {power['ratio']:.3f} ± {power['ratio_se']:.3f}"
            )
    print(f"\nCoverage of 95 % intervals, {INTERVALS} pairs")
    for name, by_correlation in coverage.items():
        for correlation, shares in by_correlation.items():
            print(
                f"  {name}, {correlation}: {', '.join(f'{kind} {one:.3f}' for kind, one in shares.items())}"
            )
    stationary = [levels[name] for name, process in {**PROCESSES, **UNSEEN}.items() if process.stationary]
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
                "intervals": INTERVALS,
                "seed": arguments.seed,
                "nominal": NOMINAL,
            },
            "rates": {
                name: {procedure: {"rate": share, "se": error} for procedure, (share, error) in level.items()}
                for name, level in levels.items()
            },
            "power": {"correlation_of_innovations": CORRELATION, **powers},
            "coverage": coverage,
        },
        arguments.output,
    )
    print(f"\n{arguments.output} written after {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
