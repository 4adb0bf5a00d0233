import numpy as np
import pytest
import torch

from stimmung.engine.scoring.readouts import among_answers, named, raw_logits
from stimmung.engine.scoring.score import Prompt, score_options
from stimmung.text.trie import build_trie
from stimmung.vocabulary.errors import InputError

OPTIONS = ((5,), (6, 7), (8, 9, 10))
CONTEXT = (3, 4, 11)


def option_logits(model, option):
    logits = model(torch.tensor([CONTEXT + option])).logits[0].float()
    return [logits[len(CONTEXT) - 1 + place] for place in range(len(option))]


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_exact_with_temperature_is_the_first_published_variant(base, temperature):
    expected = [
        sum(
            (logits / temperature).log_softmax(-1)[token].item()
            for logits, token in zip(option_logits(base.model, option), option, strict=True)
        )
        for option in OPTIONS
    ]
    found = score_options(base, [Prompt(CONTEXT, OPTIONS)], readout=named("exact", temperature))[0]
    assert np.allclose(found, expected, atol=1e-5)


def test_the_first_token_read_out_ignores_what_follows(base):
    first = base.model(torch.tensor([CONTEXT])).logits[0, -1].log_softmax(-1)
    found = score_options(base, [Prompt(CONTEXT, OPTIONS)], readout=named("first-token"))[0]
    assert np.allclose(found, [first[option[0]].item() for option in OPTIONS], atol=1e-5)


def test_the_first_token_read_out_refuses_options_that_share_it(base):
    with pytest.raises(InputError, match="share their first token"):
        score_options(base, [Prompt(CONTEXT, ((5, 6), (5, 7)))], readout=named("first-token"))


def test_raw_logits_are_summed(base):
    expected = [
        sum(
            logits[token].item()
            for logits, token in zip(option_logits(base.model, option), option, strict=True)
        )
        for option in OPTIONS
    ]
    assert np.allclose(
        score_options(base, [Prompt(CONTEXT, OPTIONS)], readout=raw_logits)[0], expected, atol=1e-5
    )


def test_among_answers_normalises_over_the_options_that_reach_a_position():
    trie = build_trie(OPTIONS)
    logits = torch.randn(1, 1 + len(trie.read_tokens), 20, generator=torch.Generator().manual_seed(0))
    found = among_answers(logits, trie)[0]
    state = {path[depth]: path[depth][0] + 1 for path in trie.paths for depth in range(len(path))}
    first = torch.stack([logits[0, 0, token] for token in (5, 6, 8)]).log_softmax(0)
    second = torch.stack(
        [logits[0, state[pair], pair[1]] for pair in (trie.paths[1][1], trie.paths[2][1])]
    ).log_softmax(0)
    # The last position is reached by one option alone, which therefore has probability 1 there.
    assert torch.allclose(
        found, torch.stack([first[0], first[1] + second[0], first[2] + second[1]]), atol=1e-6
    )
