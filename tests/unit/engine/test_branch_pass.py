"""Scores of models whose layers do not see all that is before a token, against plain transformers, one forward for each option."""

import numpy as np
import pytest
import torch
import transformers as hf

from stimmung.engine.base.base_model import Base, prepare_loaded
from stimmung.engine.cohort.lora import attached, initial_weights
from stimmung.engine.scoring.branch_pass import branches, options_can_share_a_row
from stimmung.engine.scoring.prompt_batches import Prompt
from stimmung.engine.scoring.score import score_options
from stimmung.text.trie import build_trie
from stimmung.vocabulary.training import Lora
from tests.unit.engine.test_score import one_forward_per_option

OPTIONS = ((7, 8), (7, 9, 10), (11,), (12, 13))
SHAPE = {
    "vocab_size": 128,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "head_dim": 16,
}
LINEAR = {
    "linear_num_value_heads": 4,
    "linear_num_key_heads": 2,
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
}
MADE = {
    "Llama": lambda: hf.LlamaForCausalLM(hf.LlamaConfig(**SHAPE)),
    **{
        f"Mistral, window {window}": lambda window=window: hf.MistralForCausalLM(
            hf.MistralConfig(**SHAPE, sliding_window=window)
        )
        for window in (20, 48, 512)
    },
    **{
        f"Gemma 3, window {window}": lambda window=window: hf.Gemma3ForCausalLM(
            hf.Gemma3TextConfig(**SHAPE, sliding_window=window)
        )
        for window in (20, 48, 512)
    },
    "Gemma 2, window 48": lambda: hf.Gemma2ForCausalLM(hf.Gemma2Config(**SHAPE, sliding_window=48)),
    "Qwen3.5, linear attention": lambda: hf.Qwen3_5ForCausalLM(hf.Qwen3_5TextConfig(**SHAPE, **LINEAR)),
    "OPT": lambda: hf.OPTForCausalLM(
        hf.OPTConfig(
            vocab_size=128,
            hidden_size=64,
            ffn_dim=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=512,
            word_embed_proj_dim=64,
        )
    ),
    "Falcon, ALiBi": lambda: hf.FalconForCausalLM(
        hf.FalconConfig(
            vocab_size=128,
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            alibi=True,
            max_position_embeddings=512,
        )
    ),
}
SHARES = {"Llama", "OPT", "Mistral, window 512", "Gemma 3, window 512"}


def made(name):
    """Return a model whose weights are large enough that what a layer sees matters."""
    torch.manual_seed(0)
    model = MADE[name]().eval().float()
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def asked(adapter=-1):
    """Prompts of 60 to 62 tokens that begin with the same 30."""
    rng = np.random.default_rng(1)
    shared = rng.integers(20, 100, 30).tolist()
    return [
        Prompt((*shared, *rng.integers(20, 100, 30 + more).tolist()), OPTIONS, adapter) for more in range(3)
    ]


@pytest.mark.parametrize("name", MADE)
def test_scores_are_those_of_one_plain_forward_for_each_option(name):
    model = made(name)
    with torch.inference_mode():
        expected = np.array([one_forward_per_option(model, prompt) for prompt in asked()])
    prepare_loaded(model)
    base = Base(model, None, name, "")
    assert np.abs(np.array(score_options(base, asked())) - expected).max() < 2e-5
    assert np.abs(score_options(base, asked()[:1])[0] - expected[0]).max() < 2e-5
    assert options_can_share_a_row(model, 65) == (name in SHARES)


@pytest.mark.parametrize("name", ["Mistral, window 20", "Gemma 3, window 48", "OPT"])
def test_with_adapters_too_and_in_any_batch(name):
    model = made(name)
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
