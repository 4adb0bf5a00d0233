"""Several targets of a respondent in one row: the scores are those of asking for each target alone, and fewer tokens are read."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from stimmung.engine.base.base_model import Base, prepare_loaded
from stimmung.engine.cohort.lora import attached, initial_weights
from stimmung.engine.scoring.prompt_batches import Prompt, n_tokens
from stimmung.engine.scoring.score import score_options
from stimmung.engine.scoring.tree_pass import merged, shared_rows
from stimmung.vocabulary.training import Lora
from tests.unit.engine.families import CONFIGS, random_model

# Of three targets; one has options of one token only, one some that begin alike.
OPTIONS = (((7, 8), (7, 9, 10), (11,), (7, 9, 12)), ((5,), (6,)), ((13, 14), (7, 8)))


def questionnaire(adapters=(-1,), instruction=12, answers=40, see_others=False):
    """Return what five respondents are asked: the same instruction, their answers, and then three questions."""
    rng = np.random.default_rng(3)
    said = rng.integers(20, 300, instruction).tolist()
    questions = [rng.integers(20, 300, length).tolist() for length in (4, 6, 9)]
    prompts = []
    for number in range(5):
        own = rng.integers(20, 300, answers + number).tolist()
        other = [rng.integers(20, 300, 5).tolist() for _ in questions]
        for place, (asked, options) in enumerate(zip(questions, OPTIONS, strict=True)):
            seen = [one for line in other[:place] + other[place + 1 :] for one in line] if see_others else []
            adapter = adapters[number % len(adapters)]
            prompts.append(Prompt((*said, *own, *seen, *asked), options, adapter, f"r{number}"))
    return prompts


def alone(base, prompts, **options):
    return [score_options(base, [replace(one, about=None)], **options)[0] for one in prompts]


def tokens_read(base, prompts):
    read = []
    hook = base.decoder.register_forward_pre_hook(
        lambda _, __, named: read.append(named["input_ids"].numel()), with_kwargs=True
    )
    scores = score_options(base, prompts)
    hook.remove()
    return sum(read), scores


@pytest.mark.parametrize(
    "family", ["Llama", "GPT-2", "Mistral, window 20", "Mistral, window 512", "Gemma 3, window 40", "Qwen3.5"]
)
def test_targets_in_one_row_score_as_each_alone_for_every_kind_of_layer(family):
    model = random_model(CONFIGS[family]())
    prepare_loaded(model)
    base = Base(model, None, family, "")
    for see_others in (False, True):
        prompts = questionnaire(see_others=see_others)
        read, found = tokens_read(base, prompts)
        for one, expected in zip(found, alone(base, prompts), strict=True):
            assert np.abs(one - expected).max() < 1e-5
        apart, _ = tokens_read(base, [replace(one, about=None) for one in prompts])
        # A window shorter than the text, or a state passed on from token to token: each text is read alone, as ever.
        shares = family in ("Llama", "GPT-2", "Mistral, window 512")
        assert read < 0.7 * apart if shares else read == apart


def test_adapters_batches_and_prompts_without_a_beginning_in_common_change_nothing(base):
    with attached(base, Lora(r=4, lora_alpha=64)) as cohort:
        for seed in range(2):
            weights = initial_weights(cohort, seed)
            cohort.add({key: torch.randn_like(value) * 0.1 for key, value in weights.items()})
        for instruction in (12, 0):
            prompts = questionnaire((0, 1, -1), instruction=instruction)
            expected = alone(base, prompts, cohort=cohort)
            for tokens in (1, 150, 4096):
                found = score_options(base, prompts[::-1], cohort=cohort, tokens_per_batch=tokens)[::-1]
                for one, other in zip(found, expected, strict=True):
                    assert np.abs(one - other).max() < 1e-5
    assert np.abs(found[0] - found[3]).max() > 1e-2


def test_a_prompt_that_is_the_beginning_of_another_is_read_with_it(base):
    prompts = [Prompt((20, 21, 22), OPTIONS[0], -1, "r"), Prompt((20, 21, 22, 23, 24), OPTIONS[1], -1, "r")]
    assert merged(prompts, 0).tokens[:3] == (20, 21, 22)
    for one, other in zip(score_options(base, prompts), alone(base, prompts), strict=True):
        assert np.abs(one - other).max() < 1e-5


def test_only_prompts_that_cost_less_together_stand_in_one_row():
    prompts = questionnaire()
    assert shared_rows(prompts, 64, 4096) == [[3 * n, 3 * n + 1, 3 * n + 2] for n in range(5)]
    # A row longer than a batch, attention that costs more than is saved, nothing in common, another adapter, no respondent.
    assert shared_rows(prompts, 64, n_tokens(prompts[0]) - 12) == []
    assert shared_rows(questionnaire(answers=2), 1, 4096) == []
    assert shared_rows(questionnaire(answers=0)[:3], 64, 4096) == []
    assert shared_rows([replace(one, adapter=n) for n, one in enumerate(prompts)], 64, 4096) == []
    assert shared_rows([replace(one, about=None) for one in prompts], 64, 4096) == []
