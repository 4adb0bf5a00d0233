"""Posts in blocks, questions in tokens, and what adapters answer."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from stimmung.engine.base.base_model import load_base
from stimmung.engine.cohort.train import train_adapters
from stimmung.engine.cohort.training_config import Task
from stimmung.engine.scoring.panel_scoring import answer_questions, post_rows, word_questions
from stimmung.store.adapter_manifest import WeekAdapter
from stimmung.store.paths import Store
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.questions import Question
from stimmung.vocabulary.scoring import Scoring
from stimmung.vocabulary.training import Training
from tests.workflow.small_model import save_small_model

QUESTIONS = {
    "mood": Question(
        stem="How did you feel?",
        options=["Happy", "Sad"],
        variants={"prefix": ["", " I felt"], "case": ["upper", "lower"]},
    ),
    "vote": Question(stem="Vote:", options=["Red", "Blue", "Green"]),
}
WEEKS = {"2020-01-06": ["I feel sad", "so sad"], "2020-01-13": ["happy me", "the day is happy"]}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A base with a tokenizer, and an adapter for each week and two seeds."""
    folder = tmp_path_factory.mktemp("weeks")
    base = load_base(save_small_model(folder / "base"))
    store = Store(folder / "store")
    training = Training(r=4, lora_alpha=8, learning_rate=0.02, num_train_epochs=None, max_steps=3)
    wanted = [(week, seed) for week in WEEKS for seed in (1, 2)]
    tasks = [Task(f"{week} {seed}", post_rows(base.tokenizer, WEEKS[week], 8), seed) for week, seed in wanted]
    keys = train_adapters(base, training, tasks, store, pace=Pace())
    adapters = [WeekAdapter(store.adapter(key), key, *who) for who, key in zip(wanted, keys, strict=True)]
    return SimpleNamespace(base=base, store=store, adapters=adapters)


def answers_of(small, store, adapters=None, questions=QUESTIONS, normalization="none"):
    return answer_questions(
        lambda: small.base,
        "digest of the base",
        word_questions(small.base.tokenizer, questions),
        small.adapters if adapters is None else adapters,
        Scoring(normalization=normalization),
        4096,
        store,
    )


def tokens_of(rows):
    """Undo the packing: blocks overlap by one token."""
    return [*rows[0].input_ids[:1], *(token for row in rows for token in row.input_ids[1:])]


def test_every_post_stands_behind_a_begin_token_and_none_is_lost(small):
    texts = ["I feel sad", "null", "nan", "\U0001f600", "a much longer post than the others are"]
    tokenizer = small.base.tokenizer
    stream = tokens_of(post_rows(tokenizer, texts, 8))
    assert stream.count(tokenizer.bos_token_id) == len(texts)
    read = tokenizer.decode(stream).split(tokenizer.bos_token)
    assert [text.strip() for text in read if text] == texts


def test_fault_m_a_special_token_s_name_in_a_post_is_text_like_any_other(small):
    tokenizer = small.base.tokenizer
    stream = tokens_of(post_rows(tokenizer, ["<s>love</s>", "so sad"], 8))
    assert stream.count(tokenizer.bos_token_id) == 2 and stream.count(tokenizer.eos_token_id) == 0
    assert "<s>love</s>" in tokenizer.decode(stream)
    (asked,) = word_questions(tokenizer, {"q": Question(stem="Say <s>!", options=["</s>", "no"])})
    assert asked.prompt.context_ids.count(tokenizer.bos_token_id) == 1
    assert len(asked.prompt.option_ids[0]) > 1


def test_all_tokens_but_the_first_are_predicted_once(small):
    rows = post_rows(small.base.tokenizer, WEEKS["2020-01-06"] * 5, 8)
    assert {row.loss_from for row in rows} == {1}
    assert sum(row.n_loss_tokens for row in rows) == len(tokens_of(rows)) - 1
    assert {row.n_loss_tokens for row in rows[:-1]} == {8}


def test_a_tokenizer_that_marks_no_beginning_parts_posts_with_its_end_token():
    class Plain:
        bos_token_id, eos_token_id = None, 9

        def __call__(self, texts, **options):
            assert options == {"split_special_tokens": True}
            return {"input_ids": [[len(text)] for text in texts]}

    assert tokens_of(post_rows(Plain(), ["a", "bb"], 8)) == [9, 1, 9, 2]


def test_a_week_without_posts_has_no_rows(small):
    assert post_rows(small.base.tokenizer, [], 8) == []


def test_a_variant_s_tokens_spell_what_a_respondent_reads(small):
    asked = word_questions(small.base.tokenizer, QUESTIONS)
    assert [(one.question, one.variant) for one in asked] == [
        ("mood", "upper"),
        ("mood", "lower"),
        ("mood", "upper + I felt"),
        ("mood", "lower + I felt"),
        ("vote", "as-is"),
    ]
    said = small.base.tokenizer.decode([*asked[3].prompt.context_ids, *asked[3].prompt.option_ids[1]])
    assert said.replace(small.base.tokenizer.bos_token, "").strip() == "How did you feel? I felt sad"


def test_each_adapter_and_the_base_answer_everything_once(small, tmp_path):
    answers = answers_of(small, Store(tmp_path))
    n_asked = 4 * 2 + 3
    assert len(answers) == n_asked * (1 + len(small.adapters))
    assert not answers.duplicated(["week", "seed", "question", "variant", "option"]).any()
    assert (answers[answers.seed == -1].week == "").all()
    within = answers.groupby(["week", "seed", "question", "variant"])
    np.testing.assert_allclose(within.probability.sum(), 1)
    mass = within.loglikelihood.apply(lambda values: np.exp(values).sum())
    np.testing.assert_allclose(within.option_mass.first(), mass, rtol=1e-9)


def test_loglikelihoods_are_those_of_the_whole_text_under_the_attached_adapter(small, tmp_path):
    """Against one plain forward pass of the whole string for each option."""
    answers = answers_of(small, Store(tmp_path))
    adapter = small.adapters[2]
    own = answers[(answers.week == adapter.week) & (answers.seed == adapter.seed)]
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(small.base.path), adapter.directory
    ).eval()
    texts = [
        (variant.context, continuation)
        for question in QUESTIONS.values()
        for variant in question.worded()
        for continuation in variant.continuations
    ]
    for (context, continuation), row in zip(texts, own.itertuples(), strict=True):
        ids = small.base.tokenizer(context + continuation, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            scores = model(input_ids=ids).logits[0].log_softmax(-1)
        n = row.n_tokens
        picked = scores[-n - 1 : -1].gather(1, ids[0, -n:, None])
        assert math.isclose(row.loglikelihood, picked.sum().item(), abs_tol=1e-4)


def test_a_select_all_question_gives_each_option_the_probability_of_yes_among_yes_and_no(small, tmp_path):
    question = QUESTIONS["mood"].model_copy(update={"select_all": True, "yes_no": ("day", "week")})
    answers = answers_of(small, Store(tmp_path), small.adapters[:1], {"mood": question})
    assert len(answers) == 2 * 4 * len(question.options), "a row for each option, and none for its no"
    # Yes and no as a question of one choice, asked of each option.
    stem = f"{question.stem} {question.options[1]}?"
    plain = Question(stem=stem, options=["day", "week"], variants={"prefix": question.variants.prefix})
    alone = answers_of(small, Store(tmp_path), small.adapters[:1], {"one": plain})
    yes = alone[alone.option == "day"].set_index(["week", "variant"])
    own = answers[(answers.option == question.options[1]) & answers.variant.str.startswith("upper")]
    for row in own.itertuples():
        same = yes.loc[(row.week, row.variant.replace("upper", "as-is"))]
        assert (row.probability, row.option_mass) == pytest.approx(
            (same.probability, same.option_mass), abs=1e-6
        )


def test_the_base_is_as_it_was_after_adapters_were_on_it(small, tmp_path):
    before = answers_of(small, Store(tmp_path / "one"), adapters=[])
    answers_of(small, Store(tmp_path / "two"))
    after = answers_of(small, Store(tmp_path / "three"), adapters=[])
    assert before.equals(after)


def test_weeks_differ_where_their_posts_do(small, tmp_path):
    answers = answers_of(small, Store(tmp_path))
    tuned = answers[answers.seed == 1].pivot(
        index=["question", "variant", "option"], columns="week", values="probability"
    )
    assert (tuned["2020-01-06"] - tuned["2020-01-13"]).abs().max() > 1e-3


def test_an_adapter_answers_the_same_alone_and_from_the_store(small, tmp_path, monkeypatch):
    store = Store(tmp_path)
    together = answers_of(small, store)
    alone = answers_of(small, Store(tmp_path / "other"), adapters=small.adapters[1:2])
    assert (
        together[together.seed != -1]
        .iloc[11:22]
        .reset_index(drop=True)
        .equals(alone[alone.seed != -1].reset_index(drop=True))
    )

    def not_again(directory):
        raise AssertionError(f"{directory} was read again")

    monkeypatch.setattr("stimmung.engine.scoring.score.load_adapter", not_again)
    assert answers_of(small, store).equals(together)


def test_another_question_is_not_answered_from_the_store(small, tmp_path):
    store = Store(tmp_path)
    answers_of(small, store)
    other = {"mood": QUESTIONS["mood"].model_copy(update={"stem": "How do you feel?"})}
    fresh = answers_of(small, Store(tmp_path / "other"), questions=other)
    assert answers_of(small, store, questions=other).equals(fresh)


def test_normalisation_by_token_uses_each_option_s_own_length(small, tmp_path):
    answers = answers_of(small, Store(tmp_path), normalization="token")
    one = answers[(answers.question == "vote") & (answers.seed == -1)]
    weight = np.exp(one.loglikelihood / one.n_tokens)
    np.testing.assert_allclose(one.probability, weight / weight.sum())


def test_fault_gg_normalisation_by_byte_does_not_count_the_space_before_an_option(small, tmp_path):
    answers = answers_of(small, Store(tmp_path), normalization="byte")
    one = answers[(answers.question == "vote") & (answers.seed == -1)]
    weight = np.exp(one.loglikelihood / one.option.str.len())
    np.testing.assert_allclose(one.probability, weight / weight.sum())


def test_a_chat_model_is_asked_in_its_template_and_the_prefix_begins_its_answer(small):
    tokenizer = small.base.tokenizer
    kept = tokenizer.chat_template
    tokenizer.chat_template = (
        "{% for turn in messages %}{{ turn['role'] }}: {{ turn['content'] }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}"
    )
    try:
        asked = word_questions(tokenizer, {"mood": QUESTIONS["mood"]}, chat=True)
    finally:
        tokenizer.chat_template = kept
    read = {
        one.variant: [tokenizer.decode([*one.prompt.context_ids, *ids]) for ids in one.prompt.option_ids]
        for one in asked
    }
    question = "user: How did you feel?\nassistant:"
    plain = [text.removeprefix(tokenizer.bos_token or "").strip() for text in read["upper"]]
    assert plain == [f"{question} Happy", f"{question} Sad"]
    begun = [text.removeprefix(tokenizer.bos_token or "").strip() for text in read["lower + I felt"]]
    assert begun == [f"{question} I felt happy", f"{question} I felt sad"]
