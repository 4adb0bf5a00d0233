"""The schemas of the tables about a panel of posts: from its posts to what their weekly moods have to do with a survey."""

import pandera.pandas as pa

from stimmung.vocabulary.parquet_tables import PROBABILITY

_correlation = pa.Check.in_range(-1.0, 1.0)
_iso_day = pa.Check.str_matches(r"^\d{4}-\d{2}-\d{2}$")


def _nullable(*checks: pa.Check) -> pa.Column:
    return pa.Column(float, list(checks), nullable=True)


POSTS = pa.DataFrameSchema(
    {
        "post_id": pa.Column(str, unique=True),
        "week": pa.Column(str, _iso_day),
        "author": pa.Column(str),
        "text": pa.Column(str, pa.Check.str_length(min_value=1)),
    },
    strict=True,
    name="posts",
)
# What each week's adapters answer, and once the untuned base: model 'tiny/base', week '' and seed -1.
# `probability` is among the options of a variant and sums to 1 over them; `option_mass` is the probability
# that any of them follows the question at all.
BASE_WEEK, BASE_SEED = "", -1
ANSWERS = pa.DataFrameSchema(
    {
        "panel": pa.Column(str),
        "model": pa.Column(str),
        "week": pa.Column(str, pa.Check.str_matches(r"^(\d{4}-\d{2}-\d{2})?$")),
        "seed": pa.Column(int, pa.Check.ge(BASE_SEED)),
        "question": pa.Column(str),
        "variant": pa.Column(str),
        "option": pa.Column(str),
        "loglikelihood": pa.Column(float, pa.Check.le(1e-4)),
        "n_tokens": pa.Column(int, pa.Check.gt(0)),
        "probability": pa.Column(float, PROBABILITY),
        "option_mass": pa.Column(float, pa.Check.in_range(0.0, 1.0 + 1e-6)),
    },
    unique=["panel", "model", "week", "seed", "question", "variant", "option"],
    strict=True,
    name="answers",
)
TRACKER = pa.DataFrameSchema(
    {
        "week": pa.Column(str, _iso_day),
        "question": pa.Column(str),
        "option": pa.Column(str),
        "share": pa.Column(float, PROBABILITY),
        "n": pa.Column(float, pa.Check.ge(0), nullable=True),
    },
    unique=["week", "question", "option"],
    strict=True,
    name="tracker",
)
# Word counts, lexicon scores, other people's series; `n` is the number of posts or days behind a value.
SIGNALS = pa.DataFrameSchema(
    {
        "week": pa.Column(str, _iso_day),
        "signal": pa.Column(str),
        "option": pa.Column(str),
        "value": pa.Column(float),
        "n": pa.Column(float, pa.Check.ge(0)),
    },
    unique=["week", "signal", "option"],
    strict=True,
    name="signals",
)
# What each column means: stimmung.evaluation.series.affect.aggregate_answers.
AFFECT = pa.DataFrameSchema(
    {
        "model": pa.Column(str),
        "week": pa.Column(str, _iso_day),
        "question": pa.Column(str),
        "option": pa.Column(str),
        "seed": pa.Column(int),
        "value": pa.Column(float, PROBABILITY),
        "value_mean": pa.Column(float, PROBABILITY),
        "value_min": pa.Column(float, PROBABILITY),
        "value_max": pa.Column(float, PROBABILITY),
        "variant_min": pa.Column(float, PROBABILITY),
        "variant_max": pa.Column(float, PROBABILITY),
        "base": _nullable(PROBABILITY),
        "log_ratio": _nullable(),
        "scaled": _nullable(),
        "scaled_mean": _nullable(),
        "scaled_min": _nullable(),
        "scaled_max": _nullable(),
    },
    unique=["model", "week", "question", "option", "seed"],
    strict=True,
    name="affect",
)
# What each column means: stimmung.evaluation.series.cross_correlation.cross_correlate_series.
CCF = pa.DataFrameSchema(
    {
        "model": pa.Column(str),
        "question": pa.Column(str),
        "option": pa.Column(str),
        "lag_weeks": pa.Column(int),
        "r": _nullable(_correlation),
        "p": _nullable(PROBABILITY),
        "p_adjusted": _nullable(PROBABILITY),
        "p_family": _nullable(PROBABILITY),
        "ci_low": _nullable(_correlation),
        "ci_high": _nullable(_correlation),
        "n": pa.Column(int, pa.Check.ge(0)),
        "n_effective": _nullable(pa.Check.ge(0)),
        "r_raw": _nullable(_correlation),
        "p_raw": _nullable(PROBABILITY),
        "ci_low_raw": _nullable(_correlation),
        "ci_high_raw": _nullable(_correlation),
        "n_raw": pa.Column(int, pa.Check.ge(0)),
        "n_effective_raw": _nullable(pa.Check.ge(0)),
        "r_differences": _nullable(_correlation),
        "p_differences": _nullable(PROBABILITY),
        "r_prewhitened": _nullable(_correlation),
        "p_prewhitened": _nullable(PROBABILITY),
        "ci_low_prewhitened": _nullable(_correlation),
        "ci_high_prewhitened": _nullable(_correlation),
        "r_detrended": _nullable(_correlation),
        "note": pa.Column(str),
    },
    unique=["model", "question", "option", "lag_weeks"],
    strict=True,
    name="ccf",
)
CONFIRMATIONS = pa.DataFrameSchema(
    {
        "model": pa.Column(str),
        "question": pa.Column(str),
        "option": pa.Column(str),
        "lag_weeks": pa.Column(int),
        "max_lag_weeks": pa.Column(int, pa.Check.ge(0)),
        "r_found": _nullable(_correlation),
        "n_found": pa.Column(int, pa.Check.ge(0)),
        "r_confirmed": _nullable(_correlation),
        "n_confirmed": pa.Column(int, pa.Check.ge(0)),
        "p_confirmed": _nullable(PROBABILITY),
        "p_adjusted": _nullable(PROBABILITY),
    },
    unique=["model", "question", "option"],
    strict=True,
    name="confirmations",
)
# What each column means: stimmung.evaluation.series.recovery.measure_recovery.
RECOVERY = pa.DataFrameSchema(
    {
        "model": pa.Column(str),
        "question": pa.Column(str),
        "option": pa.Column(str, nullable=True),
        "r": pa.Column(float, _correlation),
        "ci_low": _nullable(_correlation),
        "ci_high": _nullable(_correlation),
        "rho": pa.Column(float, _correlation),
        "rho_worst_seed": _nullable(_correlation),
        "n": pa.Column(int, pa.Check.ge(3)),
    },
    unique=["model", "question", "option"],
    strict=True,
    name="recovery",
)
