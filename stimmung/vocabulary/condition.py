"""Conditions, the experiments on a survey's training rows, and subgroups of its tested respondents."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from pydantic import Field, model_validator

from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import near
from stimmung.vocabulary.strict import Strict


class Subgroup(Strict):
    """A part of the tested respondents that is also evaluated separately. Without an answer to a named item one is in none."""

    keep: dict[str, list[str]] = Field({})
    """Item to answers: respondents who gave one of them."""
    exclude: dict[str, list[str]] = Field({})
    """Item to answers: respondents who gave another one."""

    def problems_with(self, codebook: Codebook, place: str) -> list[str]:
        """Return the items and answers that the codebook does not have, each with its place."""
        problems = []
        for key, chosen in (("exclude", self.exclude), ("keep", self.keep)):
            for item, answers in chosen.items():
                if item not in codebook.items:
                    problems.append(
                        f"{place}.{key}: no item '{item}' in the codebook{near(item, codebook.items)}"
                    )
                    continue
                known = [word for lang in codebook.languages for word in codebook.items[item].labels(lang)]
                problems += [
                    f"{place}.{key}.{item}: no answer '{answer}'{near(answer, known)}"
                    for answer in answers
                    if answer not in known
                ]
        return problems

    def in_words(self, codebook: Codebook, language: str) -> dict[str, dict[str, list[str]]]:
        """Return `keep` and `exclude` with their answers in ``language``, in whichever language of the codebook they are written."""
        return {
            key: {item: _translated(answers, item, codebook, language) for item, answers in chosen.items()}
            for key, chosen in (("keep", self.keep), ("exclude", self.exclude))
        }


class Condition(Subgroup):
    """An experiment on the training rows. The tested respondents and their folds are the same in every condition."""

    exclude: dict[str, list[str]] = Field({})
    """Item to answers, in any language of the codebook: respondents who gave one of them leave the training rows."""
    keep: dict[str, list[str]] = Field({})
    """Item to answers: only respondents who gave one of them stay in the training rows."""
    share: float | None = Field(None, gt=0, le=1)
    """Stratified share of the remaining training rows. Every share is part of all larger ones."""
    drop_items: list[str] = Field([])
    """Items that leave the prompt and the baselines' columns."""
    complete: bool = False
    """Whether only respondents with an answer to every item of the prompt stay in the training rows."""
    same_size_as: str | None = None
    """A stratified draw of as many training rows as this other condition has."""
    combine: list[str] = Field([])
    """Other conditions, whose exclusions, dropped items and draws apply as well. Their `arms` do not."""
    arms: list[str] | None = None
    """Only these of the survey's arms: MODEL/ARM, or an arm such as `tuned` for that arm of every model. null: all."""

    @model_validator(mode="after")
    def _draws_once(self) -> Self:
        if self.share is not None and self.same_size_as is not None:
            raise ValueError("share and same_size_as both set the number of training rows; give one")
        return self


def combined_conditions(conditions: Any) -> Any:
    """Return the config's conditions with each ``combine`` replaced by what it names.

    Exclusions and dropped items add up, and respondents must be kept by every part. The arms are those of the condition
    itself: they are not part of the experiment.

    Parameters
    ----------
    conditions
        Name to condition. Anything but a map is left to the checks that follow.

    Raises
    ------
    ValueError
        If a part is unknown or contains the condition itself, or two parts draw rows.
    """
    if not isinstance(conditions, Mapping):
        return conditions
    return {str(name): _resolved(str(name), conditions, ()) for name in conditions}


def _resolved(name: str, conditions: Mapping[str, Any], above: tuple[str, ...]) -> Any:
    condition = conditions[name]
    if not isinstance(condition, Mapping) or not isinstance(condition.get("combine"), list):
        return condition
    if name in above:
        raise ValueError(f"{name}.combine: refers to itself")
    parts = []
    for part in condition["combine"]:
        if part not in conditions:
            raise ValueError(f"{name}.combine: no condition '{part}'{near(part, conditions)}")
        resolved = _resolved(part, conditions, (*above, name))
        if not isinstance(resolved, Mapping):
            raise ValueError(f"{part}: needs keys, such as exclude or share, and is {resolved!r}")
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
            raise ValueError(f"{name}.combine: two parts give '{key}', {mine} and {yours}")
        elif yours is None:
            both[key] = mine
    return both


def _union(mine: list[Any], yours: list[Any]) -> list[Any]:
    return [*mine, *(one for one in yours if one not in mine)]


def _intersection(mine: list[Any] | None, yours: list[Any] | None) -> list[Any]:
    if mine is None or yours is None:
        return mine if mine is not None else yours or []
    return [one for one in mine if one in yours]


def _translated(answers: Sequence[str], item: str, codebook: Codebook, language: str) -> list[str]:
    labels = codebook.items[item].labels
    words = {
        label: own
        for written in [*codebook.languages, language]
        for label, own in zip(labels(written), labels(language), strict=True)
    }
    return [words[answer] for answer in answers]
