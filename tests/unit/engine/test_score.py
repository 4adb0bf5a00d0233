import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from peft import PeftModel

from stimmung.engine.base.base_model import Base
from stimmung.engine.base.tiny import _build_tokenizer
from stimmung.engine.cohort.lora import attached, initial_weights
from stimmung.engine.cohort.train import train_adapters
from stimmung.engine.scoring import score as scoring
from stimmung.engine.scoring.prompt_batches import Prompt
from stimmung.engine.scoring.score import score_options
from stimmung.store.paths import Store
from stimmung.text.encoding import encode
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.training import Lora
from tests.unit.engine.conftest import VOCABULARY, random_llama

# One to four tokens, two of them beginning alike.
OPTIONS = ((5,), (6, 7), (6, 8, 9), (6, 8, 10, 11), (12, 13))


def prompts(count, seed, adapters=(-1,)):
    rng = np.random.default_rng(seed)
    shared = tuple(rng.integers(20, VOCABULARY, 12).tolist())
    return [
        Prompt(
            shared + tuple(rng.integers(20, VOCABULARY, rng.integers(1, 30)).tolist()),
            OPTIONS,
            adapters[i % len(adapters)],
        )
        for i in range(count)
    ]


def one_forward_per_option(model, prompt):
    scores = []
    for option in prompt.option_ids:
        logits = model(torch.tensor([prompt.context_ids + option])).logits[0].log_softmax(-1)
        first = len(prompt.context_ids) - 1
        scores.append(sum(logits[first + place, token].item() for place, token in enumerate(option)))
    return np.array(scores)


def test_scores_equal_one_forward_pass_for_each_option(base):
    asked = prompts(12, 0)
    expected = [one_forward_per_option(base.model, prompt) for prompt in asked]
    assert np.abs(np.array(score_options(base, asked)) - np.array(expected)).max() < 1e-5


def test_eight_options_of_one_to_four_tokens_score_as_in_lm_evaluation_harness():
    options = [
        " left",
        " right",
        " Labour",
        " Liberal Democrat",
        " Liberal Unionist",
        " the other party",
        " the party of labour",
        " none",
    ]
    texts = ["Party: left", "Party: right", *[option for option in options for _ in range(50)]]
    tokenizer = _build_tokenizer(texts, VOCABULARY)
    contexts = [f"Party: {word}\nAge: {age}\nVote:" for word in ("left", "right") for age in (18, 44, 90)]
    model = random_llama(3)
    base = Base(model, tokenizer, "a-base", "digest")
    encoded = [encode(tokenizer, context, options) for context in contexts]
    assert [len(ids) for ids in encoded[0].continuation_ids] == [1, 1, 1, 2, 2, 3, 4, 1]
    ours = score_options(base, [Prompt(one.context_ids, one.continuation_ids) for one in encoded])
    harness = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=4, device="cpu", add_bos_token=True)
    asked = [
        Instance("loglikelihood", {}, (context, option), index)
        for index, (context, option) in enumerate(
            (context, option) for context in contexts for option in options
        )
    ]
    theirs = np.array([score for score, _ in harness.loglikelihood(asked, disable_tqdm=True)]).reshape(
        len(contexts), -1
    )
    assert np.abs(np.array(ours) - theirs).max() <= 1e-5


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(14)), tokens=st.integers(1, 4000))
def test_scores_do_not_depend_on_batch_size_or_order(order, tokens):
    base = Base(random_llama(), None, "a-base", "digest")
    asked = prompts(14, 1)
    expected = score_options(base, asked)
    shuffled = score_options(base, [asked[index] for index in order], tokens_per_batch=tokens)
    for place, index in enumerate(order):
        assert np.abs(shuffled[place] - expected[index]).max() < 1e-5


def test_a_device_that_holds_three_prompts_gives_the_same_scores(base, monkeypatch):
    asked = prompts(11, 2)
    expected = score_options(base, asked)
    real, held = scoring.read_trie, []

    def limited(base, cohort, trie, prefix, rows):
        if len(rows) > 3:
            raise torch.cuda.OutOfMemoryError
        held.append(len(rows))
        return real(base, cohort, trie, prefix, rows)

    monkeypatch.setattr(scoring, "read_trie", limited)
    found = score_options(base, asked)
    assert np.abs(np.array(found) - np.array(expected)).max() < 1e-5 and sum(held) == 11


def test_batches_may_mix_adapters_and_each_scores_as_plain_peft_does(base, training, tasks, tmp_path):
    store = Store(tmp_path)
    keys = train_adapters(base, training, tasks, store, pace=Pace(cohort="stacked"))
    asked = prompts(13, 2, adapters=(0, 2, -1, 1))
    from stimmung.engine.cohort.adapter_files import load_adapter

    with attached(base, training) as cohort:
        for key in keys:
            cohort.add(load_adapter(store.adapter(key)).weights)
        ours = score_options(base, asked, cohort=cohort)
    for number, key in enumerate(keys):
        plain = PeftModel.from_pretrained(random_llama(), store.adapter(key)).eval()
        for prompt, scores in zip(asked, ours, strict=True):
            if prompt.adapter == number:
                assert np.abs(scores - one_forward_per_option(plain, prompt)).max() < 1e-5
    for prompt, scores in zip(asked, ours, strict=True):
        if prompt.adapter == -1:
            assert np.abs(scores - one_forward_per_option(base.model, prompt)).max() < 1e-5


def test_an_untrained_adapter_scores_as_the_base(base):
    asked = prompts(3, 4)
    with attached(base, Lora()) as cohort:
        cohort.add(initial_weights(cohort, 0))
        tuned = score_options(
            base, [Prompt(one.context_ids, one.option_ids, 0) for one in asked], cohort=cohort
        )
    assert np.allclose(tuned, score_options(base, asked), atol=1e-6)


def test_all_tokens_of_the_vocabulary_have_probability_one_together(base):
    every = Prompt((3, 4, 5), tuple((token,) for token in range(VOCABULARY)))
    assert np.exp(score_options(base, [every])[0]).sum() == pytest.approx(1, abs=1e-6)


def test_a_prompt_longer_than_the_context_is_refused(base):
    with pytest.raises(InputError, match="257 tokens does not fit the model's context of 256"):
        score_options(base, [Prompt(tuple([3] * 255), ((4, 5),))])


def test_options_that_cannot_be_told_apart_are_refused(base):
    with pytest.raises(InputError, match="cannot tell the answer options apart"):
        score_options(base, [Prompt((3, 4), ((5,), (5, 6)))])
