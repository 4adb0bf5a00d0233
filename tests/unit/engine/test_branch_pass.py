"""Models whose layers do not see all that is before a token. Their scores are compared with plain transformers in test_families.py."""

import numpy as np
import pytest
import torch

from stimmung.engine.base.base_model import Base, prepare_loaded
from stimmung.engine.cohort.lora import attached, initial_weights
from stimmung.engine.scoring.branch_pass import branches
from stimmung.engine.scoring.prompt_batches import Prompt
from stimmung.engine.scoring.score import score_options
from stimmung.text.trie import build_trie
from stimmung.vocabulary.training import Lora
from tests.unit.engine.families import CONFIGS, random_model

OPTIONS = ((7, 8), (7, 9, 10), (11,), (12, 13))


def asked(adapter=-1):
    """Prompts of 60 to 62 tokens that begin with the same 30."""
    rng = np.random.default_rng(1)
    shared = rng.integers(20, 100, 30).tolist()
    return [
        Prompt((*shared, *rng.integers(20, 100, 30 + more).tolist()), OPTIONS, adapter) for more in range(3)
    ]


@pytest.mark.parametrize("name", ["Mistral, window 20", "Gemma 3, window 40", "OPT"])
def test_with_adapters_too_and_in_any_batch(name):
    model = random_model(CONFIGS[name]())
    prepare_loaded(model)
    base = Base(model, None, name, "")
    with attached(base, Lora(r=4, lora_alpha=64)) as cohort:
        for seed in range(2):
            weights = initial_weights(cohort, seed)
            cohort.add({key: torch.randn_like(value) * 0.1 for key, value in weights.items()})
        mixed = [*asked(1), *asked(), *asked(0)]
        found = score_options(base, mixed, cohort=cohort)
        alone = [score_options(base, [one], cohort=cohort, tokens_per_batch=1)[0] for one in mixed]
    assert np.abs(np.array(found) - np.array(alone)).max() < 2e-5
    assert np.abs(found[0] - found[3]).max() > 1e-2 and np.abs(found[0] - found[6]).max() > 1e-2


def test_a_branch_leads_to_each_leaf_and_is_empty_if_all_options_are_single_tokens():
    trie = build_trie(((5,), (6, 7), (6, 8, 9), (6, 8, 10, 11), (12, 13)))
    tokens = [[trie.read_tokens[node] for node in line] for line in branches(trie)]
    assert sorted(tokens) == [[6, 8, 10], [12]]
    assert branches(build_trie(((5,), (6,)))) == [[]]
