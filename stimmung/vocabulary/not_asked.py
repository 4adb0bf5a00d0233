"""Answers that a condition treats as never asked for: nobody learns them, and no other prompt shows them."""

from collections.abc import Sequence

from pydantic import Field

from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.strict import Strict


class NotAsked(Strict):
    """Items, and the respondents who count as not asked for them."""

    items: list[str]
    """The items, and what gives them away."""
    among: dict[str, list[str]] = Field({})
    """Item to answers, in the survey's language: respondents who gave one of them were not asked. {}: nobody was."""


def with_giveaways(items: Sequence[str], codebook: Codebook) -> list[str]:
    """Return items with what gives them away, or is given away by them, and the parts of all these; in the codebook's order."""
    given = [other for item in items for other in codebook.with_target(item).given_away()]
    found = {*items, *codebook.of_options(given)}
    while more := {name for name, item in codebook.items.items() if item.part_of in found} - found:
        found |= more
    return [name for name in codebook.items if name in found]
