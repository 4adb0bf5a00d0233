"""The schemas of the tables about a panel of posts: from its posts to the correlations of their weekly moods with a survey."""

import pandera.pandas as pa

from stimmung.vocabulary.parquet_tables import MASS, PROBABILITY, columns, table_schema

_correlation = pa.Check.in_range(-1.0, 1.0)
_count = pa.Check.ge(0)
_week = columns(str, "week", checks=pa.Check.str_matches(r"^\d{4}-\d{2}-\d{2}$"))


def _correlations(*names: str) -> dict[str, pa.Column]:
    return columns(float, *names, checks=_correlation, nullable=True)


POSTS = table_schema(
    "posts",
    columns(str, "post_id", unique=True),
    _week,
    columns(str, "author"),
    columns(str, "text", checks=pa.Check.str_length(min_value=1)),
)
# What each week's adapters answer, and once the untuned base: model 'tiny/base', week '' and seed -1.
# `probability` is among the options of a variant and sums to 1 over them; `option_mass` is the probability
# that any of them follows the question at all. Of a select-all question, `probability` is that of yes among yes and no to the option,
# and `option_mass` that of either.
BASE_WEEK, BASE_SEED = "", -1
ANSWERS = table_schema(
    "answers",
    columns(str, "panel", "model"),
    columns(str, "week", checks=pa.Check.str_matches(r"^(\d{4}-\d{2}-\d{2})?$")),
    columns(int, "seed", checks=pa.Check.ge(BASE_SEED)),
    columns(str, "question", "variant", "option"),
    columns(float, "loglikelihood", checks=pa.Check.le(1e-4)),
    columns(int, "n_tokens", checks=pa.Check.gt(0)),
    columns(float, "probability", checks=PROBABILITY),
    columns(float, "option_mass", checks=MASS),
    unique=["panel", "model", "week", "seed", "question", "variant", "option"],
)
TRACKER = table_schema(
    "tracker",
    _week,
    columns(str, "question", "option"),
    columns(float, "share", checks=PROBABILITY),
    columns(float, "n", checks=_count, nullable=True),
    unique=["week", "question", "option"],
)
# Word counts, lexicon scores, other people's series; `n` is the number of posts or days behind a value.
SIGNALS = table_schema(
    "signals",
    _week,
    columns(str, "signal", "option"),
    columns(float, "value"),
    columns(float, "n", checks=_count),
    unique=["week", "signal", "option"],
)
# What each column means: stimmung.evaluation.series.affect.aggregate_answers.
AFFECT = table_schema(
    "affect",
    columns(str, "model"),
    _week,
    columns(str, "question", "option"),
    columns(int, "seed"),
    columns(float, "value", "value_mean", "value_min", "value_max", checks=PROBABILITY),
    columns(float, "variant_min", "variant_max", checks=PROBABILITY),
    columns(float, "base", checks=PROBABILITY, nullable=True),
    columns(float, "log_ratio", "scaled", "scaled_mean", "scaled_min", "scaled_max", nullable=True),
    unique=["model", "week", "question", "option", "seed"],
)
# The answers of each wording of a question, averaged over seeds; the untuned model's have week ''. `weight` is that of the wording
# in the series of AFFECT, and sums to 1 over the wordings.
WORDINGS = table_schema(
    "wordings",
    columns(str, "model", "question", "variant", "option"),
    columns(str, "week", checks=pa.Check.str_matches(r"^(\d{4}-\d{2}-\d{2})?$")),
    columns(float, "value", checks=PROBABILITY),
    columns(float, "option_mass", checks=MASS),
    columns(float, "weight", checks=PROBABILITY),
    unique=["model", "question", "variant", "option", "week"],
)
# How much of a model's probability each wording reaches, over weeks, and how its series go with the survey, or the known mood
# (`r`, at lag 0); `mass_base` is that of the untuned model.
WORDING_MASS = table_schema(
    "wording_mass",
    columns(str, "model", "question", "variant", "option"),
    columns(float, "weight", checks=PROBABILITY),
    columns(float, "mass_base", checks=MASS, nullable=True),
    columns(float, "mass", "mass_min", "mass_max", checks=MASS),
    _correlations("r"),
    columns(int, "n", checks=_count),
    unique=["model", "question", "variant", "option"],
)
# How many weeks a series has, and how many of these it is compared on with the others of its question.
SERIES_WEEKS = table_schema(
    "series_weeks",
    columns(str, "model", "question"),
    columns(int, "n_own", "n_compared", checks=_count),
    unique=["model", "question"],
)
# What each column means: stimmung.evaluation.series.cross_correlation.cross_correlate_series.
_CCF = (
    columns(str, "model", "question", "option"),
    columns(int, "lag_weeks"),
    _correlations("r"),
    columns(float, "p", "p_adjusted", "p_family", checks=PROBABILITY, nullable=True),
    _correlations("ci_low", "ci_high"),
    columns(int, "n", checks=_count),
    columns(float, "n_effective", checks=_count, nullable=True),
    _correlations("r_raw"),
    columns(float, "p_raw", checks=PROBABILITY, nullable=True),
    _correlations("ci_low_raw", "ci_high_raw"),
    columns(int, "n_raw", checks=_count),
    columns(float, "n_effective_raw", checks=_count, nullable=True),
    _correlations("r_differences"),
    columns(float, "p_differences", checks=PROBABILITY, nullable=True),
    _correlations("r_prewhitened"),
    columns(float, "p_prewhitened", checks=PROBABILITY, nullable=True),
    _correlations("ci_low_prewhitened", "ci_high_prewhitened", "r_detrended"),
    columns(str, "note"),
)
_LAG = ["model", "question", "option", "lag_weeks"]
CCF = table_schema("ccf", *_CCF, unique=_LAG)
# The same within named periods of the panel.
PERIODS = table_schema("periods", columns(str, "period"), *_CCF, unique=["period", *_LAG])
CONFIRMATIONS = table_schema(
    "confirmations",
    columns(str, "model", "question", "option"),
    columns(int, "lag_weeks"),
    columns(int, "max_lag_weeks", checks=_count),
    _correlations("r_found"),
    columns(int, "n_found", checks=_count),
    _correlations("r_confirmed"),
    columns(int, "n_confirmed", checks=_count),
    columns(float, "p_confirmed", "p_adjusted", checks=PROBABILITY, nullable=True),
    unique=["model", "question", "option"],
)
# What each column means: stimmung.evaluation.series.recovery.measure_recovery.
RECOVERY = table_schema(
    "recovery",
    columns(str, "model", "question"),
    columns(str, "option", nullable=True),
    _correlations("r", "ci_low", "ci_high", "rho", "rho_worst_seed"),
    columns(int, "n", checks=_count),
    unique=["model", "question", "option"],
)
