"""Items that are answered with the same options as a target, so that an answer to one can stand for an answer to the other."""

from collections.abc import Sequence

from stimmung.vocabulary.codebook import Codebook


def same_options(words: Codebook, drop_items: Sequence[str], language: str) -> list[str]:
    """Return the items of the target's prompt whose options are worded as the target's are, in any order."""
    options = {option.casefold() for option in words.target_labels(language)}
    return [
        name
        for name in words.predictors_without(drop_items)
        if {option.casefold() for option in words.items[name].labels(language)} == options
    ]
