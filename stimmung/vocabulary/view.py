"""A view of a survey: one of its targets, asked for as if it were the only one."""

from collections.abc import Collection
from typing import Literal

from pydantic import Field

from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.strict import Strict

IN_PATHS = "/targets/"  # ess11/targets/trstprt: the view of the target trstprt of the survey ess11
# What stands in the prompt of a target: all other answers, or those to items that are no targets.
TargetsSee = Literal["others", "items"]


class View(Strict):
    """What is predicted, and what else the survey predicts with the same adapters."""

    item: str
    """The item to predict."""
    others: list[str] = Field([])
    """The survey's other targets."""
    see: TargetsSee = "others"
    """Whether the prompt holds answers to other targets."""

    def of(self, codebook: Codebook) -> Codebook:
        """Return the codebook as this target is asked for.

        Items that are no targets come first, so that the prompts of all targets of a respondent begin alike.
        """
        asked = codebook.with_options(self.others).with_target(self.item)
        if not self.others:
            return asked
        last = {self.item, *self.others}
        names = sorted(codebook.items, key=last.__contains__)  # otherwise in the order of the codebook
        changes: dict[str, object] = {"items": {name: asked.items[name] for name in names}}
        if self.see == "items":
            hidden = [*codebook.gives_away.get(self.item, []), *self.others]
            changes["gives_away"] = {**codebook.gives_away, self.item: hidden}
        return asked.model_copy(update=changes)


def parent_of(name: str) -> str:
    """Return the name of the survey that a view belongs to; that of a survey is its own."""
    return name.split(IN_PATHS)[0]


def predicted_with(name: str, method: str, models: Collection[str]) -> str:
    """Return whose folder has a method's predictions of ``name``: the survey's for one of ``models``, which read all targets."""
    return parent_of(name) if method.split("/")[0] in models else name
