"""Conditions made of other conditions: what each takes away is taken away together."""

from collections.abc import Mapping
from typing import Any

from stimmung.vocabulary.errors import near


def combined_conditions(conditions: Any) -> Any:
    """Return conditions as they stand in the config, each ``combine`` replaced by what it names.

    Exclusions and dropped items add up, and whoever is kept must be kept by every part. The arms are those of the
    condition itself: they are no part of the experiment.

    Parameters
    ----------
    conditions
        Name to condition. What is no map is left to the checks that follow.

    Raises
    ------
    ValueError
        If a part is unknown, is made of the condition itself, or two parts draw rows.
    """
    if not isinstance(conditions, Mapping):
        return conditions
    return {str(name): _resolved(str(name), conditions, ()) for name in conditions}


def _resolved(name: str, conditions: Mapping[str, Any], above: tuple[str, ...]) -> Any:
    condition = conditions[name]
    if not isinstance(condition, Mapping) or not isinstance(condition.get("combine"), list):
        return condition
    if name in above:
        raise ValueError(f"{name}: combine goes in a circle")
    parts = []
    for part in condition["combine"]:
        if part not in conditions:
            raise ValueError(f"{name}.combine: no condition '{part}'{near(part, conditions)}")
        resolved = _resolved(part, conditions, (*above, name))
        if not isinstance(resolved, Mapping):
            raise ValueError(f"{part}: is no map of keys, so nothing can be combined with it")
        parts.append({key: value for key, value in resolved.items() if key != "arms"})
    own = {key: value for key, value in condition.items() if key not in ("combine", "arms")}
    whole: dict[str, Any] = {}
    for part in [*parts, own]:
        whole = _together(name, whole, part)
    return whole | ({"arms": condition["arms"]} if "arms" in condition else {})


def _together(name: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    both = {**one, **other}
    for key in set(one) & set(other):
        mine, yours = one[key], other[key]
        if key == "exclude":
            both[key] = {item: _union(mine.get(item, []), yours.get(item, [])) for item in {**mine, **yours}}
        elif key == "keep":
            both[key] = {item: _intersection(mine.get(item), yours.get(item)) for item in {**mine, **yours}}
        elif key == "drop_items":
            both[key] = _union(mine, yours)
        elif key == "complete":
            both[key] = mine or yours
        elif mine is not None and yours is not None and mine != yours:
            raise ValueError(f"{name}.combine: two parts have a '{key}'")
        elif yours is None:
            both[key] = mine
    return both


def _union(mine: list[Any], yours: list[Any]) -> list[Any]:
    return [*mine, *(one for one in yours if one not in mine)]


def _intersection(mine: list[Any] | None, yours: list[Any] | None) -> list[Any]:
    if mine is None or yours is None:
        return mine if mine is not None else yours or []
    return [one for one in mine if one in yours]
