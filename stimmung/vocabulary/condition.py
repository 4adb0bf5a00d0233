"""Conditions, the experiments on a survey's training rows, and subgroups of its tested respondents."""

from collections.abc import Mapping, Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import raise_together, unknown
from stimmung.vocabulary.not_asked import NotAsked, with_giveaways
from stimmung.vocabulary.strict import Strict

_TWO_SIZES = "share and same_size_as both set the number of training rows; give one"


class Subgroup(Strict):
    """A part of the tested respondents that is also evaluated separately. Without an answer to a named item one is in none."""

    keep: dict[str, list[str]] = Field({})
    """Item to answers: respondents who gave one of them."""
    exclude: dict[str, list[str]] = Field({})
    """Item to answers: respondents who gave another one."""

    def chosen(self) -> dict[str, dict[str, list[str]]]:
        """Return what chooses respondents by their answers, by the name of the key."""
        return {"exclude": self.exclude, "keep": self.keep}

    def problems_with(self, codebook: Codebook, place: str) -> list[str]:
        """Return the items and answers that the codebook does not have, each with its place."""
        problems = []
        for key, chosen in self.chosen().items():
            problems += unknown(f"{place}.{key}", "item", chosen, codebook.items, " in the codebook")
            for item in [name for name in chosen if name in codebook.items]:
                if not codebook.items[item].options:
                    problems.append(
                        f"{place}.{key}: '{item}' is a number, which has answers to choose from only where it is one of the `targets`"
                    )
                    continue
                known = [word for lang in codebook.languages for word in codebook.items[item].labels(lang)]
                problems += unknown(f"{place}.{key}.{item}", "answer", chosen[item], known)
        return problems

    def in_words(self, codebook: Codebook, language: str) -> dict[str, dict[str, list[str]]]:
        """Return `keep` and `exclude` with their answers in ``language``, in whichever language of the codebook they are written."""
        return {
            key: {item: _translated(answers, item, codebook, language) for item, answers in chosen.items()}
            for key, chosen in (("keep", self.keep), ("exclude", self.exclude))
        }


class Condition(Subgroup):
    """An experiment on the training rows. Folds are the same in every condition; without `left_out`, so are the tested respondents."""

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
    left_out: dict[str, list[str]] = Field({}, max_length=1)
    """One item to answers, such as years or a region: who gave one of them leaves the training rows, and nobody else is tested."""
    not_asked: list[str] | Literal["each"] = Field([])
    """Targets that count as never asked for, or not asked of those in `left_out`: their answers are neither learned nor shown in a
    prompt, other answers of the same respondents are; nothing else is tested. each: a condition for each target, NAME-TARGET."""
    arms: list[str] | None = None
    """Only these of the survey's arms: MODEL/ARM, or an arm such as `tuned` for that arm of every model. null: all."""

    def chosen(self) -> dict[str, dict[str, list[str]]]:
        """Return what chooses respondents by their answers, by the name of the key."""
        return {**super().chosen(), "left_out": self.left_out}

    @property
    def unasked(self) -> bool:
        """Whether the tested targets count as never asked for of anybody, so that no answer to them is learned."""
        return bool(self.not_asked) and not self.left_out

    def tests(self, item: str) -> bool:
        """Return whether an item is tested under this condition, if it is a target."""
        return not self.not_asked or item in self.not_asked

    def expanded(self, codebook: Codebook, targets: Sequence[str]) -> Self:
        """Return the condition with the options of each select-all item among those not asked, as far as they are ``targets``."""
        named: dict[str, None] = {}
        for name in self.not_asked:
            options = codebook.members(name) if name in codebook.select_all else []
            named |= dict.fromkeys([one for one in options if one in targets] or [name])
        return self.model_copy(update={"not_asked": list(named)})

    def hides(self, item: str) -> tuple[dict[str, list[str]], list[str]]:
        """Return what the condition keeps out of the prompt of a target: the left-out respondents, and their items."""
        items = sorted(set(self.not_asked) - {item})
        return (self.left_out, items) if items else ({}, [])

    def not_asked_in(self, codebook: Codebook, language: str) -> NotAsked | None:
        """Return the answers that count as never asked for, in the words of the survey's language; None if there are none."""
        if not self.not_asked:
            return None
        among = self.left_out_in(codebook, language)
        return NotAsked(items=with_giveaways(list(self.not_asked), codebook), among=among)

    def left_out_in(self, codebook: Codebook, language: str) -> dict[str, list[str]]:
        """Return ``left_out`` with its answers in ``language``."""
        return {
            item: _translated(answers, item, codebook, language) for item, answers in self.left_out.items()
        }

    @model_validator(mode="after")
    def _draws_once(self) -> Self:
        if self.share is not None and self.same_size_as is not None:
            raise ValueError(_TWO_SIZES)
        return self


def combined_conditions(conditions: Mapping[str, Condition]) -> dict[str, Condition]:
    """Return the config's conditions with each ``combine`` replaced by what it names, or raise ValueError if that cannot be.

    Exclusions and dropped items add up, and respondents must be kept by every part. The arms are those of the condition
    itself: they are not part of the experiment.
    """
    return {name: _combined(name, conditions, ()) for name in conditions}


def spelled_out(conditions: Mapping[str, Condition], targets: Sequence[str]) -> dict[str, list[str]]:
    """Return the names of the conditions that each one stands for: itself, or with ``not_asked: each`` one for each target."""
    return {
        name: [f"{name}-{item}" for item in targets] if one.not_asked == "each" else [name]
        for name, one in conditions.items()
    }


def one_for_each_target(conditions: Mapping[str, Condition], targets: Sequence[str]) -> dict[str, Condition]:
    """Return the conditions as :func:`spelled_out` names them, or raise ValueError if that cannot be."""
    found: dict[str, Condition] = {}
    for name, names in spelled_out(conditions, targets).items():
        one = conditions[name]
        if one.not_asked == "each" and len(targets) < 2:
            raise ValueError(
                f"{name}.not_asked: 'each' needs two items under `targets`; the options of a select-all item count as one"
            )
        spelled = (
            [one] if names == [name] else [one.model_copy(update={"not_asked": [item]}) for item in targets]
        )
        for new, condition in zip(names, spelled, strict=True):
            if new in found or (new != name and new in conditions):
                raise ValueError(
                    f"{name}.not_asked: 'each' makes a condition '{new}', and there is one of this name"
                )
            found[new] = condition
    return found


def _combined(name: str, conditions: Mapping[str, Condition], above: tuple[str, ...]) -> Condition:
    if name in above:
        raise ValueError(f"{name}.combine: refers to itself")
    raise_together(unknown(f"{name}.combine", "condition", conditions[name].combine, conditions))
    parts = [_combined(part, conditions, (*above, name)) for part in conditions[name].combine]
    parts.append(conditions[name])
    drawn = {}
    for key in ("share", "same_size_as"):
        values = list(dict.fromkeys(getattr(part, key) for part in parts if getattr(part, key) is not None))
        if len(values) > 1:
            raise ValueError(f"{name}.combine: two parts give '{key}', {values[0]} and {values[1]}")
        drawn[key] = values[0] if values else None
    if None not in drawn.values():
        raise ValueError(f"{name}.combine: {_TWO_SIZES}")
    exclude: dict[str, list[str]] = {}
    keep: dict[str, list[str]] = {}
    for part in parts:
        exclude |= {item: _union(exclude.get(item, []), new) for item, new in part.exclude.items()}
        keep |= {item: [one for one in keep.get(item, new) if one in new] for item, new in part.keep.items()}
    left_out: dict[str, list[str]] = {}
    for part in parts:
        left_out |= {item: _union(left_out.get(item, []), new) for item, new in part.left_out.items()}
    if len(left_out) > 1:
        raise ValueError(
            f"{name}.combine: `left_out` is of one item, and the parts name {' and '.join(left_out)}"
        )
    not_asked = [part.not_asked for part in parts if part.not_asked]
    if "each" in not_asked and not_asked.count("each") < len(not_asked):
        raise ValueError(f"{name}.combine: one part says `not_asked: each`, and another names items")
    return Condition(
        exclude=exclude,
        keep=keep,
        drop_items=_union(*(part.drop_items for part in parts)),
        complete=any(part.complete for part in parts),
        combine=[],
        left_out=left_out,
        not_asked="each" if "each" in not_asked else _union(*(one for one in not_asked if one != "each")),
        arms=conditions[name].arms,
        **drawn,
    )


def _union(*lists: list[str]) -> list[str]:
    return list(dict.fromkeys(one for each in lists for one in each))


def _translated(answers: Sequence[str], item: str, codebook: Codebook, language: str) -> list[str]:
    labels = codebook.items[item].labels
    words = {
        label: own
        for written in [*codebook.languages, language]
        for label, own in zip(labels(written), labels(language), strict=True)
    }
    return [words[answer] for answer in answers]
