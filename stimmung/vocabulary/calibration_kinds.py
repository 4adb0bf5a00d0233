"""The ways to calibrate predicted probabilities, by their names in the config."""

from typing import Literal, get_args

CalibrationKind = Literal["temperature", "vector", "isotonic", "none"]
CALIBRATION_KINDS: tuple[str, ...] = get_args(CalibrationKind)


def problem_with_calibration(kind: str, n_options: int) -> tuple[str, str] | None:
    """Return why a kind cannot calibrate the probabilities of so many answer options, and what to do; None if it can."""
    if kind == "isotonic" and n_options != 2:
        return (
            f"calibration: isotonic is for two answer options, and there are {n_options}",
            "Use temperature or vector.",
        )
    return None
