"""The schemas of the tables about a survey: from its respondents to what is measured of their predicted votes."""

import pandas as pd
import pandera.pandas as pa

from stimmung.vocabulary.parquet_tables import PROBABILITY, columns

MISSING_SUFFIX = ".missing"  # party_id.missing: why party_id is absent
OPTION_PREFIX = "p_"  # p_Clinton: the probability of the answer option Clinton
NO_FOLD = -1  # a respondent without a valid target: never tested, never in training


def option_columns(predictions: pd.DataFrame) -> list[str]:
    """Return the names of the probability columns, one for each answer option, in the order of the table."""
    return [name for name in predictions.columns if name.startswith(OPTION_PREFIX)]


def options_of(predictions: pd.DataFrame) -> list[str]:
    """Return the answer options that a predictions table has probabilities for."""
    return [name.removeprefix(OPTION_PREFIX) for name in option_columns(predictions)]


def _sums_to_one(frame: pd.DataFrame) -> "pd.Series[bool]":
    return (frame[option_columns(frame)].sum(axis=1) - 1).abs() < 1e-6


RESPONDENTS = pa.DataFrameSchema(
    {"respondent_id": pa.Column(str, unique=True), "weight": pa.Column(float, pa.Check.gt(0))},
    name="respondents",
)
SPLITS = pa.DataFrameSchema(
    {
        "respondent_id": pa.Column(str),
        "condition": pa.Column(str),
        "fold": pa.Column("int8", pa.Check.ge(NO_FOLD)),
        "in_training": pa.Column(bool),
    },
    unique=["respondent_id", "condition"],
    strict=True,
    name="splits",
)
PROMPTS = pa.DataFrameSchema(
    {
        "respondent_id": pa.Column(str, unique=True),
        "messages": pa.Column(object),
        "text": pa.Column(str),
        "target": pa.Column(str, nullable=True),
    },
    strict=True,
    name="prompts",
)
PREDICTIONS = pa.DataFrameSchema(
    {
        "respondent_id": pa.Column(str),
        "method": pa.Column(str),
        "condition": pa.Column(str),
        "seed": pa.Column(int),
        # Who did not answer has no target and is in no fold: predicted, and never evaluated.
        "fold": pa.Column("int8", pa.Check.ge(NO_FOLD)),
        "target": pa.Column(str, nullable=True),
        "weight": pa.Column(float, pa.Check.gt(0)),
        f"^{OPTION_PREFIX}.+$": pa.Column(float, PROBABILITY, regex=True),
        "option_mass": pa.Column(float, pa.Check.in_range(0.0, 1.0 + 1e-6)),
        "n_tokens": pa.Column(int, pa.Check.ge(0)),
        "normalization": pa.Column(str),
        # Options that a server did not show; their probabilities are then upper bounds (engine.endpoint_reading.first_tokens).
        "n_unseen": pa.Column(int, pa.Check.ge(0), default=0),
    },
    add_missing_columns=True,
    checks=pa.Check(_sums_to_one, error="probabilities do not sum to 1"),
    unique=["respondent_id", "method", "condition", "seed"],
    strict=True,
    name="predictions",
)
# What each column means: stimmung.evaluation.votes.imputation.readme.
IMPUTED = pa.DataFrameSchema(
    {
        "respondent_id": pa.Column(str),
        "method": pa.Column(str),
        "condition": pa.Column(str),
        "held_out_fold": pa.Column("int8", pa.Check.ge(NO_FOLD)),
        "answered": pa.Column(bool),
        "observed": pa.Column(str, nullable=True),
        "most_probable": pa.Column(str),
        "weight": pa.Column(float, pa.Check.gt(0)),
        "n_seeds": pa.Column(int, pa.Check.gt(0)),
        f"^{OPTION_PREFIX}.+$": pa.Column(float, PROBABILITY, regex=True),
    },
    checks=pa.Check(_sums_to_one, error="probabilities do not sum to 1"),
    unique=["respondent_id", "method", "condition"],
    strict=True,
    name="imputed",
)
FOLD_METRICS = pa.DataFrameSchema(
    {
        **columns(str, "method", "condition", "metric"),
        **columns(str, "option", nullable=True),
        "fold": pa.Column("int8", pa.Check.ge(0)),
        **columns(float, "value", nullable=True),
        **columns(int, "n_test", check=pa.Check.gt(0)),
        **columns(int, "n_training", check=pa.Check.ge(0)),
    },
    unique=["method", "condition", "metric", "option", "fold"],
    strict=True,
    name="fold metrics",
)
METRICS = pa.DataFrameSchema(
    {
        **columns(str, "method", "condition", "metric"),
        **columns(str, "option", nullable=True),
        **columns(float, "value", "sd_over_folds", "ci_low", "ci_high", nullable=True),
        **columns(int, "n_folds", "n_respondents"),
        **columns(float, "n_training", nullable=True),
    },
    unique=["method", "condition", "metric", "option"],
    strict=True,
    name="metrics",
)
COMPARISONS = pa.DataFrameSchema(
    {
        **columns(str, "method", "condition", "baseline", "metric"),
        **columns(float, "difference"),
        **columns(float, "ci_low", "ci_high", nullable=True),
        **columns(float, "p", "p_adjusted", check=PROBABILITY, nullable=True),
        **columns(int, "n_folds"),
    },
    unique=["method", "condition", "metric"],
    strict=True,
    name="comparisons",
)
# What each column means: stimmung.evaluation.votes.absent_options.compare_absent.
ABSENT = pa.DataFrameSchema(
    {
        **columns(str, "condition", "reference", "option", "method", "metric"),
        **columns(float, "before", "after", "difference", "ci_low", "ci_high", nullable=True),
        **columns(float, "p", "p_adjusted", check=PROBABILITY, nullable=True),
        **columns(str, "baseline"),
        **columns(float, "advantage", "advantage_low", "advantage_high", nullable=True),
        **columns(float, "advantage_p", "advantage_p_adjusted", check=PROBABILITY, nullable=True),
    },
    unique=["condition", "method", "metric"],
    strict=True,
    name="absent",
)
# Infinite: more respondents than there are; 0: fewer than the smallest share has. stimmung.evaluation.votes.effective_sample.
EFFECTIVE = pa.DataFrameSchema(
    {
        **columns(str, "method", "condition", "metric"),
        **columns(float, "n_training", check=pa.Check.gt(0)),
        **columns(float, "n_effective", "ci_low", "ci_high", check=pa.Check.ge(0)),
        **columns(float, "n_smallest", "n_largest", check=pa.Check.gt(0)),
    },
    unique=["method", "condition", "metric"],
    strict=True,
    name="effective",
)
SUBGROUPS = pa.DataFrameSchema(
    {**columns(str, "subgroup"), **METRICS.columns},
    unique=["subgroup", "method", "condition", "metric", "option"],
    strict=True,
    name="subgroups",
)
SHARES = pa.DataFrameSchema(
    {
        **columns(str, "method", "condition", "option"),
        **columns(float, "predicted", check=PROBABILITY),
        **columns(float, "predicted_low", "predicted_high", check=PROBABILITY, nullable=True),
        **columns(float, "observed", "observed_low", "observed_high", check=PROBABILITY),
        **columns(float, "n_effective", check=pa.Check.gt(0)),
    },
    unique=["method", "condition", "option"],
    strict=True,
    name="shares",
)
RELIABILITY = pa.DataFrameSchema(
    {
        **columns(str, "method", "condition"),
        **columns(int, "bin"),
        **columns(float, "confidence", "accuracy", "accuracy_low", "accuracy_high", check=PROBABILITY),
        **columns(int, "n", check=pa.Check.gt(0)),
    },
    unique=["method", "condition", "bin"],
    strict=True,
    name="reliability",
)
