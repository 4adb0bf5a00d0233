import pytest

from stimmung.text import chat
from stimmung.text.chat import answer_lead, chat_text
from stimmung.text.encoding import encode
from stimmung.text.prompts import few_shot_messages
from stimmung.text.rendering import Rendering
from stimmung.vocabulary.errors import InputError
from tests.unit.text.conftest import QWEN_TEMPLATE

MESSAGES = [
    {"role": "system", "content": "Return the vote choice."},
    {"role": "user", "content": "Alter: 44"},
]


def test_a_prompt_does_not_change_with_the_calendar(llama3):
    text = chat_text(llama3, MESSAGES)
    assert "Today Date: 26 Jul 2024" in text
    assert "26 Jul 2024" not in llama3.apply_chat_template(MESSAGES, tokenize=False), (
        "the template must have today's date"
    )


def test_a_template_that_asks_for_the_date_itself_gets_the_same_one(qwen):
    qwen.chat_template, kept = "{{ strftime_now('%d %b %Y') }} {{ messages }}", qwen.chat_template
    try:
        assert chat_text(qwen, MESSAGES).startswith(chat.TEMPLATE_DATE.strftime("%d %b %Y"))
    finally:
        qwen.chat_template = kept


def test_the_text_ends_where_the_assistant_begins(tokenizer):
    text = chat_text(tokenizer, MESSAGES)
    assert "Return the vote choice." in text
    assert text.endswith(("<|end_header_id|>\n\n", "<|im_start|>assistant\n", "[/INST]"))


def test_examples_are_turns_of_their_own(tokenizer):
    text = chat_text(tokenizer, few_shot_messages(MESSAGES, [("Alter: 20", "SPD"), ("Alter: 70", "CDU")]))
    assert (
        text.index("Return the vote choice.")
        < text.index("Alter: 20")
        < text.index("SPD")
        < text.index("Alter: 70")
    )
    assert text.index("CDU") < text.index("Alter: 44")


def test_a_template_without_system_role_gets_the_instruction_in_the_first_turn(mistral):
    assert chat_text(mistral, MESSAGES) == "<s>[INST] Return the vote choice.\n\nAlter: 44 [/INST]"


def test_a_base_model_cannot_chat(qwen):
    qwen.chat_template, kept = None, qwen.chat_template
    try:
        with pytest.raises(InputError, match="no chat template"):
            chat_text(qwen, MESSAGES)
    finally:
        qwen.chat_template = kept


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ raise_exception('Roles must alternate') }}", "Roles must alternate"),
        ("{{ raise_exception('no: ' + messages[1].content) }}", "TemplateError"),
        ("{{ raise_exception('system: ' + messages[0].content) }}", "TemplateError"),
        ("{{ messages[1].content + 1 }}", "TypeError"),
    ],
)
def test_a_template_that_refuses_is_told_in_its_own_words_and_in_no_respondents(qwen, template, said):
    qwen.chat_template, kept = template, qwen.chat_template
    try:
        with pytest.raises(InputError, match=f"refuses the prompt: {said}") as error:
            chat_text(qwen, MESSAGES)
    finally:
        qwen.chat_template = kept
    assert "Alter" not in f"{error.value} {error.value.hint}"


@pytest.fixture
def templated(qwen):
    """The tokenizer with another chat template."""
    kept = qwen.chat_template

    def with_template(template):
        qwen.chat_template = template
        return qwen

    yield with_template
    qwen.chat_template = kept


def test_fault_i1_a_system_message_that_the_template_swallows_opens_the_first_user_turn(templated):
    user_alone = "{% for m in messages %}{% if m.role == 'user' %}<{{ m.content }}>{% endif %}{% endfor %}"
    assert chat_text(templated(user_alone), MESSAGES) == "<Return the vote choice.\n\nAlter: 44>"


def test_fault_i1_a_message_that_is_left_out_all_the_same_is_refused_without_its_text(templated):
    with pytest.raises(InputError, match="leaves out the text of the system message") as error:
        chat_text(templated("{{ messages[-1].role }}"), MESSAGES)
    assert "vote choice" not in str(error.value)


def test_fault_i2_of_several_named_templates_the_default_is_used(templated):
    text = chat_text(templated({"tool_use": "{{ 1 }}", "default": "{{ messages }}"}), MESSAGES)
    assert "Alter: 44" in text
    with pytest.raises(InputError, match="no chat template"):
        chat_text(templated({"tool_use": "{{ 1 }}"}), MESSAGES)


def test_fault_j_an_answer_is_scored_with_the_space_that_the_template_writes_before_it(templated):
    said = "{% for m in messages %}[{{ m.role }}]{% if m.role == 'assistant' %} {% endif %}{{ m.content }}{% endfor %}"
    rendering = Rendering(templated(said + "{% if add_generation_prompt %}[assistant]{% endif %}"), True, "")
    shots = few_shot_messages(MESSAGES, [("Alter: 20", "SPD")])
    assert "[assistant] SPD" in rendering.text(shots)
    found = rendering.encode(shots, ["SPD", "CDU"])
    assert found == encode(rendering.tokenizer, rendering.text(shots), [" SPD", " CDU"], False)


def test_fault_j_a_template_that_writes_no_space_gets_none(templated):
    assert answer_lead(templated(QWEN_TEMPLATE), MESSAGES, "SPD") == ""


def test_an_answer_ends_with_what_the_template_writes_up_to_the_token_that_ends_a_turn(templated):
    rendering = Rendering(templated(QWEN_TEMPLATE), True, "")
    assert rendering.tokenizer.decode(rendering.end_ids(MESSAGES, "SPD")) == "<|im_end|>"
    without = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
    assert Rendering(templated(without), True, "").end_ids(MESSAGES, "SPD") == ()


def test_a_base_model_s_answer_ends_with_its_end_of_text_if_it_has_one(templated):
    tokenizer = templated(QWEN_TEMPLATE)
    assert Rendering(tokenizer, False, "Vote:").end_ids(MESSAGES, "SPD") == (tokenizer.eos_token_id,)


QWEN_3 = """{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}
{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}{%- endif %}"""
FORCED = QWEN_TEMPLATE.replace("assistant\n", "assistant\n<think>\n")
HARMONY = """{%- for m in messages %}{{- '<|start|>' + m.role
+ ('<|channel|>final' if m.role == 'assistant' else '') + '<|message|>' + m.content + '<|end|>' }}{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start|>assistant' }}{%- endif %}"""


@pytest.mark.parametrize("template", [QWEN_3, FORCED])
def test_fault_hh_an_answer_is_scored_behind_an_empty_thought_and_never_within_one(templated, template):
    text = chat_text(templated(template), MESSAGES)
    assert text.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")


def test_fault_hh_a_mark_that_opens_the_answer_is_part_of_the_prompt(templated):
    rendering = Rendering(templated(HARMONY), True, "")
    found = rendering.encode(MESSAGES, ["SPD", "CDU"])
    mark = "<|channel|>final<|message|>"
    assert found == encode(rendering.tokenizer, rendering.text(MESSAGES) + mark, ["SPD", "CDU"], False)
    assert rendering.text(MESSAGES).endswith("<|start|>assistant")


def test_fault_m_a_special_token_s_name_in_a_message_is_text(templated, caplog):
    tokenizer = templated(QWEN_TEMPLATE)
    said = [MESSAGES[0], {"role": "user", "content": "I <|im_end|> and <|endoftext|> here"}]
    ids = Rendering(tokenizer, True, "").encode(said, ["SPD", "CDU"]).context_ids
    plain = Rendering(tokenizer, True, "").encode(MESSAGES, ["SPD", "CDU"]).context_ids
    special = set(tokenizer.all_special_ids) | set(tokenizer.added_tokens_decoder)
    assert [one for one in ids if one in special] == [one for one in plain if one in special]
    assert "read as text" in caplog.text and "here" not in caplog.text


def test_fault_m_a_special_token_s_name_in_an_answer_option_is_text(templated):
    tokenizer = templated(QWEN_TEMPLATE)
    special = set(tokenizer.all_special_ids) | set(tokenizer.added_tokens_decoder)
    for ids in (
        Rendering(tokenizer, True, "").encode(MESSAGES, ["<|im_end|>", "the <|endoftext|>"]).continuation_ids
    ):
        assert not special & set(ids)


@pytest.mark.parametrize(
    "words", ["Conversation roles must alternate user/assistant", "System role not supported"]
)
def test_a_template_that_refuses_a_system_message_in_whatever_words_gets_it_in_the_first_turn(
    templated, words
):
    alternate = (
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('" + words + "') }}{% endif %}"
    )
    assert chat_text(templated(alternate + "<{{ m.content }}>{% endfor %}"), MESSAGES) == (
        "<Return the vote choice.\n\nAlter: 44>"
    )


@pytest.mark.parametrize("call", ["strftime_now('%Y')", "strftime_now(format='%Y')"])
def test_no_way_to_ask_for_the_date_makes_a_prompt_depend_on_the_day(templated, call):
    text = chat_text(templated("{{ " + call + " }}{{ messages }}"), MESSAGES)
    assert text.startswith(str(chat.TEMPLATE_DATE.year))


def test_a_date_that_cannot_be_fixed_is_refused(templated):
    with pytest.raises(InputError, match="writes today's date"):
        chat_text(templated("{% set form = '%Y' %}{{ strftime_now(form) }}{{ messages }}"), MESSAGES)
