"""Which tuned arms are less accurate than what needs no training, so that their training may have failed."""

import pandas as pd

from stimmung.evaluation.votes.condition_roles import Conditions
from stimmung.vocabulary.arms import arm_of
from stimmung.vocabulary.parquet_tables import BASELINE_PREFIX

MAJORITY = f"{BASELINE_PREFIX}majority"
ADVICE = (
    "Training may have failed: look at the losses in the adapters' training.json, and try more steps or another learning rate in "
    "the survey's `training`. Where a condition leaves respondents out, that may be the reason."
)


def less_accurate_than_untrained(metrics: pd.DataFrame, conditions: Conditions) -> list[str]:
    """Return a line for each tuned arm and condition less accurate than the majority baseline or its own model untuned.

    ``metrics`` is a METRICS table, whose values are means over folds. An untuned arm that shows no training rows runs once for
    all conditions with the same prompts; it counts for each of them. What did not run is not compared with.
    """
    accuracy = metrics[metrics["metric"] == "accuracy"].dropna(subset="value")
    columns = (accuracy[name].tolist() for name in ("condition", "method", "value"))
    values = {(str(where), str(method)): float(value) for where, method, value in zip(*columns, strict=True)}
    prompts = {name: frozenset(condition.get("drop_items") or ()) for name, condition in conditions.items()}
    lines = []
    for (condition, method), value in values.items():
        arm = arm_of(method)
        if arm is None or not arm.tuned:
            continue
        floors = {
            other: floor
            for (where, other), floor in values.items()
            if (other == MAJORITY and where == condition)
            or (_is_untrained(other, method) and prompts.get(where) == prompts.get(condition))
        }
        above = [f"{floor:.3f} of {other}" for other, floor in floors.items() if value < floor]
        if above:
            lines.append(
                f"{method}, condition {condition}: accuracy {value:.3f} is below {' and '.join(above)}"
            )
    return lines


def _is_untrained(other: str, method: str) -> bool:
    """Return whether ``other`` is the model of ``method`` in an arm that learns nothing from training rows."""
    arm = arm_of(other)
    return (
        other.rpartition("/")[0] == method.rpartition("/")[0]
        and arm is not None
        and not arm.sees_training_rows
    )
