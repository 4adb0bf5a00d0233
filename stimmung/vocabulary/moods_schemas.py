"""The schemas of the tables about a panel of posts: from its posts to the correlations of their weekly moods with a survey."""

import pandera.pandas as pa

from stimmung.vocabulary.parquet_tables import PROBABILITY, columns

_correlation = pa.Check.in_range(-1.0, 1.0)
_iso_day = pa.Check.str_matches(r"^\d{4}-\d{2}-\d{2}$")
_count = pa.Check.ge(0)


def _correlations(*names: str) -> dict[str, pa.Column]:
    return columns(float, *names, check=_correlation, nullable=True)


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
        **columns(str, "model"),
        **columns(str, "week", check=_iso_day),
        **columns(str, "question", "option"),
        **columns(int, "seed"),
        **columns(float, "value", "value_mean", "value_min", "value_max", check=PROBABILITY),
        **columns(float, "variant_min", "variant_max", check=PROBABILITY),
        **columns(float, "base", check=PROBABILITY, nullable=True),
        **columns(float, "log_ratio", "scaled", "scaled_mean", "scaled_min", "scaled_max", nullable=True),
    },
    unique=["model", "week", "question", "option", "seed"],
    strict=True,
    name="affect",
)
# What each column means: stimmung.evaluation.series.cross_correlation.cross_correlate_series.
CCF = pa.DataFrameSchema(
    {
        **columns(str, "model", "question", "option"),
        **columns(int, "lag_weeks"),
        **_correlations("r"),
        **columns(float, "p", "p_adjusted", "p_family", check=PROBABILITY, nullable=True),
        **_correlations("ci_low", "ci_high"),
        **columns(int, "n", check=_count),
        **columns(float, "n_effective", check=_count, nullable=True),
        **_correlations("r_raw"),
        **columns(float, "p_raw", check=PROBABILITY, nullable=True),
        **_correlations("ci_low_raw", "ci_high_raw"),
        **columns(int, "n_raw", check=_count),
        **columns(float, "n_effective_raw", check=_count, nullable=True),
        **_correlations("r_differences"),
        **columns(float, "p_differences", check=PROBABILITY, nullable=True),
        **_correlations("r_prewhitened"),
        **columns(float, "p_prewhitened", check=PROBABILITY, nullable=True),
        **_correlations("ci_low_prewhitened", "ci_high_prewhitened", "r_detrended"),
        **columns(str, "note"),
    },
    unique=["model", "question", "option", "lag_weeks"],
    strict=True,
    name="ccf",
)
CONFIRMATIONS = pa.DataFrameSchema(
    {
        **columns(str, "model", "question", "option"),
        **columns(int, "lag_weeks"),
        **columns(int, "max_lag_weeks", check=_count),
        **_correlations("r_found"),
        **columns(int, "n_found", check=_count),
        **_correlations("r_confirmed"),
        **columns(int, "n_confirmed", check=_count),
        **columns(float, "p_confirmed", "p_adjusted", check=PROBABILITY, nullable=True),
    },
    unique=["model", "question", "option"],
    strict=True,
    name="confirmations",
)
# What each column means: stimmung.evaluation.series.recovery.measure_recovery.
RECOVERY = pa.DataFrameSchema(
    {
        **columns(str, "model", "question"),
        **columns(str, "option", nullable=True),
        **columns(float, "r", check=_correlation),
        **_correlations("ci_low", "ci_high"),
        **columns(float, "rho", check=_correlation),
        **_correlations("rho_worst_seed"),
        **columns(int, "n", check=pa.Check.ge(3)),
    },
    unique=["model", "question", "option"],
    strict=True,
    name="recovery",
)
