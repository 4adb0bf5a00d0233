"""The schema of every table that one rule writes and another reads, and the only way to read and write one.

Every parquet file is checked when it is written and when it is read, so that a damaged or outdated file is named
where it is found and not three rules later.
"""

from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow

from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.files import whole

MISSING_SUFFIX = ".missing"  # party_id.missing: why party_id is absent
OPTION_PREFIX = "p_"  # p_Clinton: the probability of the answer option Clinton
BASELINE_PREFIX = "baselines/"  # baselines/logistic: a method that is no arm of a language model
SIGNAL_PREFIX = "signals/"  # signals/peer: a weekly series that somebody else made
NO_FOLD = -1  # a respondent without a valid target: never tested, never in training

_probability = pa.Check.in_range(0.0, 1.0)
_iso_day = pa.Check.str_matches(r"^\d{4}-\d{2}-\d{2}$")


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
        f"^{OPTION_PREFIX}.+$": pa.Column(float, _probability, regex=True),
        "option_mass": pa.Column(float, pa.Check.in_range(0.0, 1.0 + 1e-6)),
        "n_tokens": pa.Column(int, pa.Check.ge(0)),
        "normalization": pa.Column(str),
        # Options that a server did not show; their probabilities are then upper bounds (engine.endpoint.first_tokens).
        "n_unseen": pa.Column(int, pa.Check.ge(0), default=0),
    },
    add_missing_columns=True,
    checks=pa.Check(_sums_to_one, error="probabilities do not sum to 1"),
    unique=["respondent_id", "method", "condition", "seed"],
    strict=True,
    name="predictions",
)
# What each column means: stimmung.evaluation.imputation.readme.
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
        f"^{OPTION_PREFIX}.+$": pa.Column(float, _probability, regex=True),
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
        "p": pa.Column(float, _probability, nullable=True),
        "p_adjusted": pa.Column(float, _probability, nullable=True),
        "n_folds": pa.Column(int),
    },
    unique=["method", "condition", "metric"],
    strict=True,
    name="comparisons",
)
# What each column means: stimmung.evaluation.absent.compare_absent.
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
        "p": pa.Column(float, _probability, nullable=True),
        "p_adjusted": pa.Column(float, _probability, nullable=True),
        "baseline": pa.Column(str),
        "advantage": pa.Column(float, nullable=True),
        "advantage_low": pa.Column(float, nullable=True),
        "advantage_high": pa.Column(float, nullable=True),
        "advantage_p": pa.Column(float, _probability, nullable=True),
        "advantage_p_adjusted": pa.Column(float, _probability, nullable=True),
    },
    unique=["condition", "method", "metric"],
    strict=True,
    name="absent",
)
# Infinite: more respondents than there are; 0: fewer than the smallest share has. stimmung.evaluation.effective.
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
        "predicted": pa.Column(float, _probability),
        "predicted_low": pa.Column(float, _probability, nullable=True),
        "predicted_high": pa.Column(float, _probability, nullable=True),
        "observed": pa.Column(float, _probability),
        "observed_low": pa.Column(float, _probability),
        "observed_high": pa.Column(float, _probability),
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
        "confidence": pa.Column(float, _probability),
        "accuracy": pa.Column(float, _probability),
        "accuracy_low": pa.Column(float, _probability),
        "accuracy_high": pa.Column(float, _probability),
        "n": pa.Column(int, pa.Check.gt(0)),
    },
    unique=["method", "condition", "bin"],
    strict=True,
    name="reliability",
)
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
        "probability": pa.Column(float, _probability),
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
        "share": pa.Column(float, _probability),
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
_correlation = pa.Check.in_range(-1.0, 1.0)


def _nullable(*checks: pa.Check) -> pa.Column:
    return pa.Column(float, list(checks), nullable=True)


# What each column means: stimmung.evaluation.affect.aggregate_answers.
AFFECT = pa.DataFrameSchema(
    {
        "model": pa.Column(str),
        "week": pa.Column(str, _iso_day),
        "question": pa.Column(str),
        "option": pa.Column(str),
        "seed": pa.Column(int),
        "value": pa.Column(float, _probability),
        "value_mean": pa.Column(float, _probability),
        "value_min": pa.Column(float, _probability),
        "value_max": pa.Column(float, _probability),
        "variant_min": pa.Column(float, _probability),
        "variant_max": pa.Column(float, _probability),
        "base": _nullable(_probability),
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
# What each column means: stimmung.evaluation.cross_correlation.cross_correlate_series.
CCF = pa.DataFrameSchema(
    {
        "model": pa.Column(str),
        "question": pa.Column(str),
        "option": pa.Column(str),
        "lag_weeks": pa.Column(int),
        "r": _nullable(_correlation),
        "p": _nullable(_probability),
        "p_adjusted": _nullable(_probability),
        "p_family": _nullable(_probability),
        "ci_low": _nullable(_correlation),
        "ci_high": _nullable(_correlation),
        "n": pa.Column(int, pa.Check.ge(0)),
        "n_effective": _nullable(pa.Check.ge(0)),
        "r_raw": _nullable(_correlation),
        "p_raw": _nullable(_probability),
        "ci_low_raw": _nullable(_correlation),
        "ci_high_raw": _nullable(_correlation),
        "n_raw": pa.Column(int, pa.Check.ge(0)),
        "n_effective_raw": _nullable(pa.Check.ge(0)),
        "r_differences": _nullable(_correlation),
        "p_differences": _nullable(_probability),
        "r_prewhitened": _nullable(_correlation),
        "p_prewhitened": _nullable(_probability),
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
        "p_confirmed": _nullable(_probability),
        "p_adjusted": _nullable(_probability),
    },
    unique=["model", "question", "option"],
    strict=True,
    name="confirmations",
)
# What each column means: stimmung.evaluation.recovery.measure_recovery.
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


def option_columns(predictions: pd.DataFrame) -> list[str]:
    """Return the names of the probability columns, one for each answer option, in the order of the table."""
    return [name for name in predictions.columns if name.startswith(OPTION_PREFIX)]


def options_of(predictions: pd.DataFrame) -> list[str]:
    """Return the answer options that a predictions table has probabilities for."""
    return [name.removeprefix(OPTION_PREFIX) for name in option_columns(predictions)]


def empty_table(schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Return a table without rows that ``schema`` accepts."""
    return pd.DataFrame({name: pd.Series(dtype=column.dtype.type) for name, column in schema.columns.items()})


def write_table(frame: pd.DataFrame, path: Path, schema: pa.DataFrameSchema) -> None:
    """Check ``frame`` against ``schema`` and write it as parquet, whole or not at all.

    Raises
    ------
    InputError
        If the table breaks its schema.
    OSError
        If the file cannot be written; nothing is left behind.
    """
    checked = _check(frame.reset_index(drop=True), schema, f"table for {path}")
    with whole(path) as draft:
        checked.to_parquet(draft, index=False)


def read_table(path: Path, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Read a parquet file and check it against ``schema``.

    Raises
    ------
    InputError
        If the file is absent, is no parquet file, or breaks its schema.
    """
    try:
        frame = pd.read_parquet(path)
    except FileNotFoundError as error:
        raise InputError(f"no table at {path}") from error
    except (arrow.ArrowInvalid, arrow.ArrowException, OSError, EOFError) as error:
        raise InputError(
            f"{path} is not a readable parquet file",
            f"It may be left from an interrupted run: delete it and run snakemake again, which makes it anew. ({error})",
        ) from error
    return _check(frame, schema, str(path))


def _check(frame: pd.DataFrame, schema: pa.DataFrameSchema, where: str) -> pd.DataFrame:
    try:
        checked: pd.DataFrame = schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases[["column", "check", "failure_case"]].drop_duplicates()
        faults = ", ".join(list(dict.fromkeys(_fault(*case) for case in cases.itertuples(index=False)))[:5])
        raise InputError(
            f"{where} is not a valid '{schema.name}' table: {faults}",
            "If an older version wrote it, delete it and run snakemake again.",
        ) from error
    return checked


def _fault(column: str, check: str, value: object) -> str:
    """Say what is wrong without the failing value, which may be a respondent's; only a column's name may stand there."""
    absent_or_extra = {"column_in_dataframe": "is absent", "column_in_schema": "does not belong there"}
    return f"column '{value}' {absent_or_extra[check]}" if check in absent_or_extra else f"{column}: {check}"
