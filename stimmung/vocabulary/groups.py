"""Groups of respondents as what is predicted: how they are made, and in which words they are asked."""

from collections.abc import Sequence

from pydantic import Field

from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import unknown
from stimmung.vocabulary.strict import Strict, UserPath


class Groups(Strict):
    """Groups instead of respondents: what is predicted are the shares of the answers in each (docs/targets.md)."""

    by: list[str] = Field(min_length=1)
    """Items of the codebook with options: a group is everybody who gave the same answers to all of them. They make its prompt."""
    min_n: int = Field(10, ge=2)
    """Fewest respondents behind the shares of an item in a group; those of fewer are left out, and counted. A choice."""
    shares: UserPath | None = None
    """A file of shares, instead of respondents (docs/targets.md). Its columns: group, item, option, share, n, and those of `by`."""
    tolerance: float = Field(1e-3, ge=0, le=0.1)
    """How far the shares of such a file may be from a sum of 1, e.g. 0.02 if they are rounded percentages; they are then scaled."""

    def problems_with(self, codebook: Codebook, targets: Sequence[str]) -> list[str]:
        """Return what does not fit a codebook, each with its place."""
        problems = unknown("groups.by", "item", self.by, codebook.items, " in the codebook")
        problems += codebook.problems_with_targets(targets)
        if problems:
            return problems
        problems += [
            f"groups.by: '{name}' is numeric; it needs options, such as age groups with their codes"
            for name in self.by
            if not codebook.items[name].options
        ]
        problems += [
            f"groups.by: '{name}' is named twice"
            for name in dict.fromkeys(self.by)
            if self.by.count(name) > 1
        ]
        for target in targets:
            asked = codebook.with_target(target)
            named, columns = (
                asked.of_options([target, *asked.given_away()]),
                set(asked.items[target].own_columns),
            )
            given_away = {
                name
                for name, item in codebook.items.items()
                if name in named or item.part_of in named or columns & set(item.own_columns)
            }
            problems += [
                f"groups.by: '{name}' gives the target '{target}' away"
                for name in self.by
                if name in given_away
            ]
        return problems


def words_of_groups(codebook: Codebook, by: Sequence[str], target: str) -> Codebook:
    """Return the codebook as it asks a group for a target: its prompt has the items that make the group, and no others.

    An option of a select-all item that makes groups is an item as any other.
    """
    shown = {
        name: codebook.items[name].model_copy(update={"predictor": True, "part_of": None})
        for name in codebook.items
        if name in by
    }
    asked = codebook.with_target(target)
    items = {**shown, target: asked.items[target]}
    return asked.model_copy(update={"items": items, "gives_away": {}, "select_all": {}})
