"""The schemas of the tables about a survey: from its respondents to what is measured of their predicted votes."""

import pandas as pd
import pandera.pandas as pa

from stimmung.vocabulary.parquet_tables import PROBABILITY

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
    {
        "respondent_id": pa.Column(str, unique=True),
        "weight": pa.Column(float, pa.Check.gt(0)),
    },
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
        "method": pa.Column(str),
        "condition": pa.Column(str),
        "metric": pa.Column(str),
        "option": pa.Column(str, nullable=True),
        "fold": pa.Column("int8", pa.Check.ge(0)),
        "value": pa.Column(float, nullable=True),
        "n_test": pa.Column(int, pa.Check.gt(0)),
        "n_training": pa.Column(int, pa.Check.ge(0)),
    },
    unique=["method", "condition", "metric", "option", "fold"],
    strict=True,
    name="fold metrics",
)
METRICS = pa.DataFrameSchema(
    {
        "method": pa.Column(str),
        "condition": pa.Column(str),
        "metric": pa.Column(str),
        "option": pa.Column(str, nullable=True),
        "value": pa.Column(float, nullable=True),
        "sd_over_folds": pa.Column(float, nullable=True),
        "ci_low": pa.Column(float, nullable=True),
        "ci_high": pa.Column(float, nullable=True),
        "n_folds": pa.Column(int),
        "n_respondents": pa.Column(int),
        "n_training": pa.Column(float, nullable=True),
    },
    unique=["method", "condition", "metric", "option"],
    strict=True,
    name="metrics",
)
COMPARISONS = pa.DataFrameSchema(
    {
        "method": pa.Column(str),
        "condition": pa.Column(str),
        "baseline": pa.Column(str),
        "metric": pa.Column(str),
        "difference": pa.Column(float),
        "ci_low": pa.Column(float, nullable=True),
        "ci_high": pa.Column(float, nullable=True),
        "p": pa.Column(float, PROBABILITY, nullable=True),
        "p_adjusted": pa.Column(float, PROBABILITY, nullable=True),
        "n_folds": pa.Column(int),
    },
    unique=["method", "condition", "metric"],
    strict=True,
    name="comparisons",
)
# What each column means: stimmung.evaluation.votes.absent_options.compare_absent.
ABSENT = pa.DataFrameSchema(
    {
        "condition": pa.Column(str),
        "reference": pa.Column(str),
        "option": pa.Column(str),
        "method": pa.Column(str),
        "metric": pa.Column(str),
        "before": pa.Column(float, nullable=True),
        "after": pa.Column(float, nullable=True),
        "difference": pa.Column(float, nullable=True),
        "ci_low": pa.Column(float, nullable=True),
        "ci_high": pa.Column(float, nullable=True),
        "p": pa.Column(float, PROBABILITY, nullable=True),
        "p_adjusted": pa.Column(float, PROBABILITY, nullable=True),
        "baseline": pa.Column(str),
        "advantage": pa.Column(float, nullable=True),
        "advantage_low": pa.Column(float, nullable=True),
        "advantage_high": pa.Column(float, nullable=True),
        "advantage_p": pa.Column(float, PROBABILITY, nullable=True),
        "advantage_p_adjusted": pa.Column(float, PROBABILITY, nullable=True),
    },
    unique=["condition", "method", "metric"],
    strict=True,
    name="absent",
)
# Infinite: more respondents than there are; 0: fewer than the smallest share has. stimmung.evaluation.votes.effective_sample.
EFFECTIVE = pa.DataFrameSchema(
    {
        "method": pa.Column(str),
        "condition": pa.Column(str),
        "metric": pa.Column(str),
        "n_training": pa.Column(float, pa.Check.gt(0)),
        "n_effective": pa.Column(float, pa.Check.ge(0)),
        "ci_low": pa.Column(float, pa.Check.ge(0)),
        "ci_high": pa.Column(float, pa.Check.ge(0)),
        "n_smallest": pa.Column(float, pa.Check.gt(0)),
        "n_largest": pa.Column(float, pa.Check.gt(0)),
    },
    unique=["method", "condition", "metric"],
    strict=True,
    name="effective",
)
SUBGROUPS = pa.DataFrameSchema(
    {"subgroup": pa.Column(str), **METRICS.columns},
    unique=["subgroup", "method", "condition", "metric", "option"],
    strict=True,
    name="subgroups",
)
SHARES = pa.DataFrameSchema(
    {
        "method": pa.Column(str),
        "condition": pa.Column(str),
        "option": pa.Column(str),
        "predicted": pa.Column(float, PROBABILITY),
        "predicted_low": pa.Column(float, PROBABILITY, nullable=True),
        "predicted_high": pa.Column(float, PROBABILITY, nullable=True),
        "observed": pa.Column(float, PROBABILITY),
        "observed_low": pa.Column(float, PROBABILITY),
        "observed_high": pa.Column(float, PROBABILITY),
        "n_effective": pa.Column(float, pa.Check.gt(0)),
    },
    unique=["method", "condition", "option"],
    strict=True,
    name="shares",
)
RELIABILITY = pa.DataFrameSchema(
    {
        "method": pa.Column(str),
        "condition": pa.Column(str),
        "bin": pa.Column(int),
        "confidence": pa.Column(float, PROBABILITY),
        "accuracy": pa.Column(float, PROBABILITY),
        "accuracy_low": pa.Column(float, PROBABILITY),
        "accuracy_high": pa.Column(float, PROBABILITY),
        "n": pa.Column(int, pa.Check.gt(0)),
    },
    unique=["method", "condition", "bin"],
    strict=True,
    name="reliability",
)
