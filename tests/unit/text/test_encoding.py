import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stimmung.text.encoding import encode
from stimmung.text.prompts import few_shot_messages
from stimmung.text.rendering import Rendering
from stimmung.vocabulary.errors import InputError
from tests.unit.text.test_chat import MESSAGES

MOODS = {
    "Happy": 1, "Sad": 1, "Inspired": 1, "Content": 1, "Lonely": 1, "Optimistic": 2, "Stressed": 2, "Bored": 2,
    "Scared": 2, "Energetic": 3, "Apathetic": 3, "Frustrated": 4,
}  # fmt: skip
OPTIONS = ["CDU", "SPD", "AfD", "Grüne", "andere Partei"]


def test_llama_3_writes_the_moods_with_one_to_four_tokens(llama3):
    found = encode(llama3, "Which best describes your mood?", [f" {mood}" for mood in MOODS])
    assert dict(zip(MOODS, map(len, found.continuation_ids), strict=True)) == MOODS
    assert found.context_ids[0] == llama3.bos_token_id


@pytest.mark.parametrize("chat", [False, True])
def test_context_and_continuation_are_the_tokens_of_the_whole_string(tokenizer, chat):
    rendering = Rendering(tokenizer, chat, "Wahl:")
    found = rendering.encode(MESSAGES, OPTIONS)
    # As the answer stands in a turn of the assistant: Mistral's template writes a space before it.
    lead = "" if chat and not rendering.text(MESSAGES).endswith("[/INST]") else " "
    for option, ids in zip(OPTIONS, found.continuation_ids, strict=True):
        whole = tokenizer(rendering.text(MESSAGES) + lead + option, add_special_tokens=not chat)
        assert list(found.context_ids + ids) == whole["input_ids"]
        assert tokenizer.decode(ids).strip() == option


@pytest.mark.parametrize("chat", [False, True])
def test_a_prompt_begins_with_one_begin_token_where_the_model_has_one(tokenizer, chat):
    """Templates write it, and tokenizers put it before every text: together they would write it twice."""
    ids = Rendering(tokenizer, chat, "Wahl:").encode(MESSAGES, OPTIONS).context_ids
    begin = tokenizer.bos_token_id
    assert (begin is None) or (ids[0] == begin and ids.count(begin) == 1)


@settings(max_examples=40, deadline=None)
@given(
    context=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30),
    option=st.sampled_from(OPTIONS),
)
def test_any_context_keeps_its_tokens(qwen, context, option):
    context = f"{context}:"
    found = encode(qwen, context, [f" {option}"])
    assert list(found.context_ids) == qwen(context)["input_ids"]


def test_a_token_that_spans_the_border_is_refused(qwen):
    assert len(qwen("Partei")["input_ids"]) == 1
    with pytest.raises(InputError, match="one token spans the end of the prompt and the beginning of 'tei'"):
        encode(qwen, "Par", ["tei"])


def test_a_trailing_space_of_the_context_belongs_to_the_continuation(qwen):
    spaced, plain = encode(qwen, "Vote: ", ["CDU"]), encode(qwen, "Vote:", [" CDU"])
    assert spaced == plain


def test_an_end_of_text_token_that_the_tokenizer_appends_is_no_part_of_the_answer(qwen):
    from tokenizers import processors

    backend = qwen.backend_tokenizer
    kept = backend.post_processor
    backend.post_processor = processors.TemplateProcessing(
        single="$A <|endoftext|>", special_tokens=[("<|endoftext|>", 0)]
    )
    try:
        assert 0 not in encode(qwen, "Vote:", [" CDU"]).continuation_ids[0]
    finally:
        backend.post_processor = kept or processors.ByteLevel(trim_offsets=False)


def test_an_empty_answer_is_refused(qwen):
    with pytest.raises(InputError, match="no token for ''"):
        encode(qwen, "Vote:", [""])


def test_fault_k_an_option_whose_space_is_a_token_of_its_own_is_scored(qwen):
    """Tokenizers with trimmed offsets, such as GPT-NeoX's, place a lone space behind itself, without length."""
    from tokenizers import processors

    backend = qwen.backend_tokenizer
    kept, expected = backend.post_processor, encode(qwen, "Vote:", [" 公明党"])
    backend.post_processor = processors.ByteLevel(trim_offsets=True)
    try:
        trimmed = encode(qwen, "Vote:", [" 公明党"])
    finally:
        backend.post_processor = kept or processors.ByteLevel(trim_offsets=False)
    assert qwen.convert_ids_to_tokens(trimmed.continuation_ids[0])[0] == "Ġ"
    assert trimmed == expected


def test_fault_l_a_question_that_ends_in_a_space_is_read_as_one_that_does_not(qwen):
    shots = few_shot_messages(MESSAGES, [("Alter: 20", "SPD")])
    spaced, plain = (Rendering(qwen, False, question) for question in ("Wahl: ", "Wahl:"))
    assert spaced.text(shots) == plain.text(shots) and "Wahl: SPD" in plain.text(shots)
    assert spaced.encode(shots, OPTIONS) == plain.encode(shots, OPTIONS)
