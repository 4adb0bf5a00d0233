"""Exact scores of fixed models. A change of the scoring mathematics fails here until SCORING_VERSION is raised, which is part of every
stored prediction's key, and until the new scores stand here under the new version.
"""

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

from stimmung.engine.base.base_model import Base, prepare_loaded
from stimmung.engine.cohort.lora import attached, initial_weights
from stimmung.engine.scoring.normalize import normalize, option_mass
from stimmung.engine.scoring.prompt_batches import Prompt
from stimmung.engine.scoring.readouts import READOUTS
from stimmung.engine.scoring.score import SCORING_VERSION, score_options
from stimmung.vocabulary.training import Lora

SHAPE = {
    "vocab_size": 60,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
OPTIONS = ((5,), (6, 7), (8, 9, 10), (8, 9, 11))
WORDS = ["one", "twofold", "three of it", "three of them"]
GOLDEN = {
    2: {
        "first token": [[-9.229534, -6.494873, -7.311692]],
        "sliding window": [[-9.257351, -9.486589, -14.572576, -17.726143]],
        "bfloat16": [[-9.227575, -9.393182, -14.46266, -17.684559]],
        "two adapters and the base": [
            [-9.427972, -9.438745, -14.418661, -17.763412],
            [-8.633856, -8.424891, -14.237957, -17.886833],
            [-8.276924, -9.518038, -16.748507, -16.801867],
        ],
        "none": [0.330960138708, 0.090197160025, 0.033181680825, 0.545661020442],
        "token": [0.178116896892, 0.169430033325, 0.184154189331, 0.468298880452],
        "byte": [0.220134984348, 0.229774424881, 0.238903356784, 0.311187233987],
        "pmi": [0.158158625306, 0.015856800898, 0.117166791384, 0.708817782412],
        "mass": 0.91006189775,
    }
}


def filled(shape, number):
    """Return numbers that no version of torch draws differently."""
    size = int(np.prod(shape))
    waves = np.sin(np.arange(size) * (1.1 + 0.37 * number) + number)
    return torch.tensor(waves.reshape(shape) * 0.3, dtype=torch.float32)


def base_of(model, dtype=torch.float32):
    for number, parameter in enumerate(model.parameters()):
        if parameter.ndim > 1:
            parameter.data = filled(parameter.shape, number)
    model = model.eval().to(dtype)
    prepare_loaded(model)
    return Base(model, None, "golden", "")


def asked(adapters, options=OPTIONS):
    shared = tuple(range(20, 32))
    return [Prompt((*shared, *range(33, 36 + 3 * n)), options, adapter) for n, adapter in enumerate(adapters)]


def scores(name):
    if name == "first token":
        return score_options(llama(), asked([-1], OPTIONS[:3]), readout=READOUTS["first-token"])
    if name == "sliding window":
        return score_options(
            base_of(MistralForCausalLM(MistralConfig(**SHAPE, sliding_window=8))), asked([-1])
        )
    if name == "bfloat16":
        return score_options(llama(torch.bfloat16), asked([-1]))
    base = llama()
    with attached(base, Lora(r=2, lora_alpha=4)) as cohort:
        for adapter in range(2):
            names = initial_weights(cohort, 0)
            cohort.add({key: filled(value.shape, adapter + 3) for key, value in names.items()})
        return score_options(base, asked([1, -1, 0]), cohort=cohort)


def llama(dtype=torch.float32):
    return base_of(LlamaForCausalLM(LlamaConfig(**SHAPE)), dtype)


@pytest.mark.parametrize("name", ["first token", "sliding window", "bfloat16", "two adapters and the base"])
def test_scores_are_those_of_this_scoring_version(name):
    assert np.array(scores(name)) == pytest.approx(np.array(GOLDEN[SCORING_VERSION][name]), abs=2e-4)


@pytest.mark.parametrize("normalization", ["none", "token", "byte", "pmi"])
def test_probabilities_are_those_of_this_scoring_version(normalization):
    loglikelihoods = np.array([-1.2, -2.5, -3.5, -0.7])
    found = normalize(
        loglikelihoods,
        normalization,
        n_tokens=[1, 2, 3, 3],
        options=WORDS,
        unconditional=np.array([-2.0, -1.0, -4.0, -3.0]),
    )
    assert found == pytest.approx(GOLDEN[SCORING_VERSION][normalization], abs=1e-9)
    assert option_mass(loglikelihoods) == pytest.approx(GOLDEN[SCORING_VERSION]["mass"], abs=1e-9)
