"""What the conditions of a survey are to each other: a reference, a learning curve, a comparison; and what each does, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

Condition = Mapping[str, Any]  # as in the config: exclude, keep, share, drop_items, …
Conditions = Mapping[str, Condition]


def changes(condition: Condition) -> dict[str, Any]:
    """Return the keys of a condition that change training rows or prompts. Which arms it runs changes neither."""
    kept = {key: value for key, value in condition.items() if value and key not in ("arms", "combine")}
    if kept.get("share") == 1:
        del kept["share"]
    return kept


def reference_conditions(conditions: Conditions) -> list[str]:
    """Return the conditions that train on all rows: at most, items are left out of the prompt."""
    found = [name for name, condition in conditions.items() if set(changes(condition)) <= {"drop_items"}]
    return found or list(conditions)[:1]


def learning_curves(conditions: Conditions) -> list[list[str]]:
    """Return groups of conditions that differ in the training share alone, each ordered by share."""
    rest = {
        name: changes({**condition, "share": None}) for name, condition in _testing_all(conditions).items()
    }
    groups = [[other for other in rest if rest[other] == rest[name]] for name in rest]
    # Each group once, where its first condition stands.
    curves = [group for name, group in zip(rest, groups, strict=True) if group[0] == name and len(group) > 1]
    return [sorted(curve, key=lambda name: share_of(conditions[name])) for curve in curves]


def left_out(conditions: Conditions) -> list[tuple[str, str]]:
    """Return the conditions that leave a group of respondents out of training, each with its reference."""
    pairs = []
    for name, condition in _testing_all(conditions).items():
        mine = changes(condition)
        rest = {key: value for key, value in mine.items() if key not in ("exclude", "keep")}
        reference = next((other for other in conditions if changes(conditions[other]) == rest), None)
        if rest != mine and reference is not None:
            pairs.append((name, reference))
    return pairs


def without_answers(conditions: Conditions) -> list[tuple[str, str]]:
    """Return those of ``left_out`` that exclude everyone with a certain answer, as when one party's voters do not take part."""
    return [(name, reference) for name, reference in left_out(conditions) if conditions[name].get("exclude")]


def _testing_all(conditions: Conditions) -> dict[str, Condition]:
    """Return the conditions that test everybody, by models that learned answers to the target."""
    return {
        name: one for name, one in conditions.items() if not (one.get("left_out") or one.get("not_asked"))
    }


def share_of(condition: Condition) -> float:
    """Return the share of the training rows that a condition learns from."""
    return float(condition.get("share") or 1)


def in_words(condition: Condition) -> str:
    """Return what a condition does to training rows and prompts, as a sentence without a full stop."""
    parts = []
    for item, answers in (condition.get("exclude") or {}).items():
        parts.append(f"training rows without respondents whose {item} is {_one_of(answers)}")
    for item, answers in (condition.get("keep") or {}).items():
        parts.append(f"only training rows of respondents whose {item} is {_one_of(answers)}")
    left = [
        f"whose {item} is {_one_of(answers)}" for item, answers in (condition.get("left_out") or {}).items()
    ]
    if unasked := condition.get("not_asked"):
        whom = f"respondents {left[0]}, who alone are tested" if left else "anybody"
        parts.append(f"as if {', '.join(unasked)} had not been asked of {whom}")
    elif left:
        parts.append(f"training rows without respondents {left[0]}, who alone are tested")
    if condition.get("complete"):
        parts.append("only training rows of respondents who answered every item")
    if condition.get("same_size_as"):
        parts.append(f"a stratified sample of as many training rows as {condition['same_size_as']} has")
    if share_of(condition) < 1:
        parts.append(f"a stratified {100 * share_of(condition):g} % of the training rows")
    if condition.get("drop_items"):
        parts.append(f"without the items {', '.join(condition['drop_items'])}, in prompts and in baselines")
    known = {
        "left_out",
        "not_asked",
        "exclude",
        "keep",
        "complete",
        "share",
        "same_size_as",
        "drop_items",
        "combine",
    }
    parts += [f"{key}: {value}" for key, value in changes(condition).items() if key not in known]
    return "; ".join(parts) or "all training rows, all items"


def _one_of(answers: Sequence[str]) -> str:
    return answers[0] if len(answers) == 1 else f"{', '.join(answers[:-1])} or {answers[-1]}"
