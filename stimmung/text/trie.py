"""Answer options as a token trie, so that the model reads tokens shared by several options only once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

from stimmung.vocabulary.errors import InputError

ROOT = -1


@dataclass(frozen=True)
class OptionTrie:
    """The tokens of all options, merged where options have the same beginning.

    The model reads a node only if another token follows it: the last token of an option is predicted, never read. ``paths`` has
    the ``(state, token)`` pairs of each option: the token is predicted at the read node ``state``, -1 for the end of the context.
    """

    read_tokens: tuple[int, ...]  # token of each node that is read, parents before children
    read_parents: tuple[int, ...]  # index of the parent among the read nodes; -1 for the context itself
    read_depths: tuple[int, ...]  # position of each read node after the context, from 0
    paths: tuple[tuple[tuple[int, int], ...], ...]

    def ancestors(self, node: int) -> list[int]:
        """Return ``node`` and the read nodes above it."""
        line = []
        while node != ROOT:
            line.append(node)
            node = self.read_parents[node]
        return line


def build_trie(options: Sequence[Sequence[int]], names: Sequence[str] | None = None) -> OptionTrie:
    """Merge the options' tokens into a trie; errors as of :func:`check_apart`."""
    names = names or [str(list(option)) for option in options]
    check_apart([tuple(option) for option in options], names)
    index: dict[tuple[int, ...], int] = {(): ROOT}
    nodes: list[tuple[int, int, int]] = []  # token, parent, depth
    paths = []
    for option in options:
        path = []
        for depth, token in enumerate(option):
            before = tuple(option[:depth])
            if before not in index:
                index[before] = len(nodes)
                nodes.append((before[-1], index[before[:-1]], depth - 1))
            path.append((index[before], int(token)))
        paths.append(tuple(path))
    tokens, parents, depths = zip(*nodes, strict=True) if nodes else ((), (), ())
    return OptionTrie(tokens, parents, depths, tuple(paths))


def check_apart(options: Sequence[tuple[int, ...]], names: Sequence[str]) -> None:
    """Raise an InputError if two options have the same tokens, or one is the beginning of another.

    The probability of the shorter option would then include that of the longer.
    """
    for first, second in permutations(range(len(options)), 2):
        if options[second][: len(options[first])] == options[first]:
            same = "has the same tokens as" if options[first] == options[second] else "is the beginning of"
            raise InputError(
                f"the tokenizer cannot tell the answer options apart: '{names[first]}' {same} '{names[second]}'",
                "Reword one of them in the codebook.",
            )
