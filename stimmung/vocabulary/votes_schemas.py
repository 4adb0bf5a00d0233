"""The schemas of the tables about a survey: from its respondents to what is measured of their predicted votes."""

import pandas as pd
import pandera.pandas as pa

from stimmung.vocabulary.parquet_tables import MASS, PROBABILITY, columns, table_schema

GROUP = "fold_group"  # of a RESPONDENTS table, if the survey has groups: rows with the same value stand in the same fold
STRATUM, CLUSTER = (
    "design_stratum",
    "design_cluster",
)  # of a RESPONDENTS table, if the survey names these columns
MISSING_SUFFIX = ".missing"  # party_id.missing: why party_id is absent
OPTION_PREFIX = "p_"  # p_Clinton: the probability of the answer option Clinton
NO_FOLD = -1  # a respondent without a valid target: never tested, never in training


def option_columns(predictions: pd.DataFrame) -> list[str]:
    """Return the names of the probability columns, one for each answer option, in the order of the table."""
    return [name for name in predictions.columns if name.startswith(OPTION_PREFIX)]


def options_of(predictions: pd.DataFrame) -> list[str]:
    """Return the answer options that a predictions table has probabilities for."""
    return [name.removeprefix(OPTION_PREFIX) for name in option_columns(predictions)]


def is_tested(splits: pd.DataFrame) -> "pd.Series[bool]":
    """Return which rows of SPLITS tables are tested: those in a fold, and of a condition that leaves respondents out these alone."""
    in_fold = splits["fold"] != NO_FOLD
    # Of a condition without the column, put together with one that has it, the value is missing.
    return in_fold & ~splits["tested"].isin([False]) if "tested" in splits else in_fold


def _sums_to_one(frame: pd.DataFrame) -> "pd.Series[bool]":
    return (frame[option_columns(frame)].sum(axis=1) - 1).abs() < 1e-6


_positive = pa.Check.gt(0)
_count = pa.Check.ge(0)
_fold_or_none = pa.Check.ge(NO_FOLD)
_options = columns(float, f"^{OPTION_PREFIX}.+$", checks=PROBABILITY, regex=True)
_probabilities = pa.Check(_sums_to_one, error="probabilities do not sum to 1")
_metric = columns(str, "method", "condition", "metric")
_option = columns(str, "option", nullable=True)

RESPONDENTS = pa.DataFrameSchema(
    {**columns(str, "respondent_id", unique=True), **columns(float, "weight", checks=_positive)},
    name="respondents",
)
SPLITS = table_schema(
    "splits",
    columns(str, "respondent_id", "condition"),
    columns("int8", "fold", checks=_fold_or_none),
    columns(bool, "in_training"),
    # Of a condition that leaves respondents out: they alone are tested. Without the column all are.
    columns(bool, "tested", required=False),
    unique=["respondent_id", "condition"],
)
PROMPTS = table_schema(
    "prompts",
    columns(str, "respondent_id", unique=True),
    columns(object, "messages"),
    columns(str, "text"),
    columns(str, "target", nullable=True),
)
PREDICTIONS = table_schema(
    "predictions",
    columns(str, "respondent_id", "method", "condition"),
    columns(int, "seed"),
    # Who did not answer has no target and is in no fold: predicted, and never evaluated.
    columns("int8", "fold", checks=_fold_or_none),
    columns(str, "target", nullable=True),
    columns(float, "weight", checks=_positive),
    _options,
    columns(float, "option_mass", checks=MASS),
    # Of the prompt; a server that does not say it leaves the column out.
    columns(int, "n_tokens", checks=_count, required=False),
    columns(str, "normalization"),
    # Options that a server did not show; their probabilities are then upper bounds (stimmung.engine.endpoint.logprobs.first_tokens).
    columns(int, "n_unseen", checks=_count, default=0),
    add_missing_columns=True,
    checks=_probabilities,
    unique=["respondent_id", "method", "condition", "seed"],
)
# The same rows with scaled probabilities: stimmung.evaluation.votes.scaling.
CALIBRATED = table_schema(
    "calibrated",
    PREDICTIONS.columns,
    columns(str, "scaling", "calibrated_on"),
    columns(int, "n_calibrated_on", checks=_count),
    checks=_probabilities,
    unique=["respondent_id", "method", "condition", "seed"],
)
# What each column means: stimmung.evaluation.votes.imputation.readme.
IMPUTED = table_schema(
    "imputed",
    columns(str, "respondent_id", "method", "condition"),
    columns("int8", "held_out_fold", checks=_fold_or_none),
    columns(bool, "answered"),
    columns(str, "observed", nullable=True),
    columns(str, "most_probable", nullable=True),
    columns(float, "weight", checks=_positive),
    columns(int, "n_seeds", checks=_positive),
    _options,
    checks=_probabilities,
    unique=["respondent_id", "method", "condition"],
)
FOLD_METRICS = table_schema(
    "fold metrics",
    _metric,
    _option,
    columns("int8", "fold", checks=_count),
    columns(float, "value", nullable=True),
    columns(int, "n_test", checks=_positive),
    columns(int, "n_training", checks=_count),
    # For each answer option, and for the training rows: stimmung.evaluation.votes.fold_metrics.answer_errors.
    columns(object, "answer_errors", required=False),
    unique=["method", "condition", "metric", "option", "fold"],
)
METRICS = table_schema(
    "metrics",
    _metric,
    _option,
    columns(float, "value", "sd_over_folds", "ci_low", "ci_high", nullable=True),
    columns(int, "n_folds", "n_respondents"),
    columns(float, "n_training", nullable=True),
    unique=["method", "condition", "metric", "option"],
)
COMPARISONS = table_schema(
    "comparisons",
    columns(str, "method", "condition", "baseline", "metric"),
    columns(float, "difference"),
    columns(float, "ci_low", "ci_high", nullable=True),
    columns(float, "p", "p_adjusted", checks=PROBABILITY, nullable=True),
    columns(int, "n_folds"),
    unique=["method", "condition", "metric"],
)
# What each column means: stimmung.evaluation.votes.absent_options.compare_absent.
ABSENT = table_schema(
    "absent",
    columns(str, "condition", "reference", "option", "method", "metric"),
    columns(float, "before", "after", "difference", "ci_low", "ci_high", nullable=True),
    columns(float, "p", "p_adjusted", checks=PROBABILITY, nullable=True),
    columns(str, "baseline"),
    columns(float, "advantage", "advantage_low", "advantage_high", nullable=True),
    columns(float, "advantage_p", "advantage_p_adjusted", checks=PROBABILITY, nullable=True),
    unique=["condition", "method", "metric"],
)
# Infinite: more respondents than there are; 0: fewer than the smallest share has. stimmung.evaluation.votes.effective_sample.
EFFECTIVE = table_schema(
    "effective",
    _metric,
    columns(float, "n_training", checks=_positive),
    columns(float, "n_effective", "ci_low", "ci_high", checks=_count),
    columns(float, "n_smallest", "n_largest", checks=_positive),
    unique=["method", "condition", "metric"],
)
SUBGROUPS = table_schema(
    "subgroups",
    columns(str, "subgroup"),
    METRICS.columns,
    unique=["subgroup", "method", "condition", "metric", "option"],
)
SHARES = table_schema(
    "shares",
    columns(str, "method", "condition", "option"),
    columns(float, "predicted", checks=PROBABILITY),
    columns(float, "predicted_low", "predicted_high", checks=PROBABILITY, nullable=True),
    columns(float, "observed", "observed_low", "observed_high", checks=PROBABILITY),
    columns(float, "n_effective", checks=_positive),
    unique=["method", "condition", "option"],
)
# What each column means: stimmung.evaluation.votes.shares_left_out.
LEFT_OUT_SHARES = table_schema(
    "left-out shares",
    columns(str, "method", "condition", "item", "answer", "option"),
    columns(float, "predicted", "observed", "observed_low", "observed_high", checks=PROBABILITY),
    columns(int, "n_respondents", checks=_positive),
    unique=["method", "condition", "answer", "option"],
)
RELIABILITY = table_schema(
    "reliability",
    columns(str, "method", "condition"),
    columns(int, "bin"),
    columns(float, "confidence", "accuracy", "accuracy_low", "accuracy_high", checks=PROBABILITY),
    columns(int, "n", checks=_positive),
    unique=["method", "condition", "bin"],
)
# What each column means: stimmung.evaluation.votes.target_summary.
TARGETS = table_schema(
    "targets",
    columns(str, "target", "condition", "method"),
    columns(int, "n_respondents", checks=_positive),
    *(
        kind
        for metric in ("accuracy", "macro_f1", "correlation", "mean_absolute_error")
        for kind in (
            columns(float, metric, f"{metric}_of_baseline", nullable=True),
            columns(str, f"{metric}_baseline", nullable=True),
        )
    ),
    unique=["target", "condition", "method"],
)
# What each column means: stimmung.evaluation.votes.option_metrics.
SELECTED = table_schema(
    "selected options",
    columns(str, "respondent_id", "method", "condition", "option"),
    columns(int, "seed"),
    columns("int8", "fold", checks=_fold_or_none),
    columns("boolean", "chosen", nullable=True),
    columns(float, "probability", checks=PROBABILITY),
    columns(float, "weight", checks=_positive),
    unique=["respondent_id", "method", "condition", "seed", "option"],
)
OPTION_RELIABILITY = table_schema(
    "option reliability",
    columns(str, "method", "condition", "option"),
    columns(str, "stage", checks=pa.Check.isin(("before", "after"))),
    columns(int, "bin"),
    columns(float, "probability", "share", "share_low", "share_high", checks=PROBABILITY),
    columns(int, "n", checks=_positive),
    unique=["method", "condition", "option", "stage", "bin"],
)
# What each column means: stimmung.evaluation.votes.fidelity.compare_fidelity.
FIDELITY = table_schema(
    "fidelity",
    columns(str, "method", "condition", "measure"),
    columns(float, "predicted", "observed", "value", "ci_low", "ci_high", nullable=True),
    columns(int, "n_respondents", checks=_positive),
    unique=["method", "condition", "measure"],
)
FIDELITY_PARTS = table_schema(
    "fidelity parts",
    columns(str, "method", "condition", "part", "of"),
    _option,
    columns(float, "predicted", "observed", "difference", "ci_low", "ci_high", nullable=True),
    columns(int, "n_respondents", checks=_positive),
    unique=["method", "condition", "part", "of", "option"],
)
# What each column means: stimmung.evaluation.votes.calibration_gain.compare_calibration.
CALIBRATION_GAIN = table_schema(
    "calibration gain",
    columns(str, "method", "condition", "metric", "calibrated_on"),
    columns(str, "subgroup", "option", nullable=True),
    columns(
        float,
        *(f"{stage}{end}" for stage in ("before", "after", "change") for end in ("", "_low", "_high")),
        nullable=True,
    ),
    columns(int, "n_respondents", checks=_count),
    unique=["method", "condition", "subgroup", "option", "metric"],
)
# What each column means: stimmung.evaluation.estimates.observed_shares.
SAMPLING_DESIGN = table_schema(
    "sampling design",
    columns(str, "option", unique=True),
    columns(float, "share", checks=PROBABILITY),
    columns(float, "standard_error", "ci_low", "ci_high"),
    columns(int, "n", checks=_positive),
    columns(float, "n_effective", checks=_positive),
    columns(float, "design_effect", "kish_effect", nullable=True),
    columns(int, "n_strata", "n_clusters", "n_lonely", checks=_count),
)
# Drawn answers of those who have none, or none that a condition lets one see.
DRAWS = table_schema(
    "draws",
    columns(str, "method", "condition", "uncertainty"),
    columns(int, "draw", checks=_positive),
    columns(str, "respondent_id", "answer"),
    unique=["method", "condition", "draw", "respondent_id"],
)
ESTIMATES = table_schema(
    "estimates",
    columns(str, "method", "condition", "uncertainty", "option"),
    columns(float, "estimate", checks=PROBABILITY),
    columns(float, "std_error", "df", checks=_count),
    columns(float, "ci_low", "ci_high", checks=PROBABILITY),
    columns(float, "missing_information", checks=PROBABILITY, nullable=True),
    columns(int, "n_respondents", checks=_positive),
    columns(int, "n_imputed", "n_imputations", checks=_count),
    unique=["method", "condition", "option"],
)
# What each column means: stimmung/evaluation/estimates/rectified_readme.txt.
RECTIFIED = table_schema(
    "rectified",
    columns(str, "method", "condition", "model", "term"),
    columns(int, "n_labelled", "n_predicted", checks=_count),
    columns(str, "selection"),
    columns(float, "classical", "classical_error", "classical_low", "classical_high", nullable=True),
    columns(float, "predicted", "estimate", "error", "ci_low", "ci_high", nullable=True),
    columns(float, "power", checks=PROBABILITY),
    columns(float, "correlation", "n_effective", "n_effective_low", "n_effective_high", nullable=True),
    columns(float, "design_effect", "kish_effect", "shift", "shift_p", nullable=True),
    columns(str, "note"),
    unique=["method", "condition", "model", "term"],
)
INTERVIEW_PLANS = table_schema(
    "interview plans",
    columns(str, "method", "condition", "model", "term"),
    columns(float, "half_width", "sd", checks=_positive),
    columns(float, "correlation"),
    columns(int, "n_interviews", "n_predictions", checks=_count),
    columns(float, "cost"),
    columns(int, "n_interviews_alone", checks=_count),
    columns(float, "cost_alone"),
    unique=["method", "condition", "model", "term"],
)
