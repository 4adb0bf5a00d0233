import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stimmung.text.trie import ROOT, build_trie
from stimmung.vocabulary.errors import InputError

TOKENS = st.lists(st.integers(0, 4), min_size=1, max_size=4).map(tuple)


def prefix_free(options):
    return not any(a != b and b[: len(a)] == a for a in options for b in options)


@settings(deadline=None)
@given(st.lists(TOKENS, min_size=1, max_size=8, unique=True).filter(prefix_free))
def test_every_path_spells_its_option_and_shared_beginnings_are_read_once(options):
    trie = build_trie(options)
    for option, path in zip(options, trie.paths, strict=True):
        assert tuple(token for _, token in path) == option
        for depth, (state, _) in enumerate(path):
            line = [trie.read_tokens[node] for node in reversed(trie.ancestors(state))]
            assert tuple(line) == option[:depth]
            assert state == ROOT if depth == 0 else trie.read_depths[state] == depth - 1
    beginnings = {option[:length] for option in options for length in range(1, len(option))}
    assert len(trie.read_tokens) == len(beginnings)
    assert all(parent < node for node, parent in enumerate(trie.read_parents))


@pytest.mark.parametrize(
    ("options", "relation"),
    [([(1, 2), (1, 2)], "has the same tokens as"), ([(1,), (1, 2)], "is the beginning of")],
)
def test_options_that_no_score_could_tell_apart_are_refused(options, relation):
    with pytest.raises(InputError, match=f"'CDU' {relation} 'CDU/CSU'"):
        build_trie(options, ["CDU", "CDU/CSU"])
