"""Tokenizers: Llama 3's real one where it lies beside the repository, and small ones in the style of other models."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import TikTokenConverter

LLAMA3 = Path(__file__).parents[4] / "shared/data/llama3-tokenizer/tokenizer.model"

# The form of Llama 3.2's template: the calendar day stands in the prompt unless a date is given.
LLAMA_TEMPLATE = """{{- bos_token }}
{%- if not date_string is defined %}
  {%- if strftime_now is defined %}{%- set date_string = strftime_now("%d %b %Y") %}
  {%- else %}{%- set date_string = "26 Jul 2024" %}{%- endif %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: " + date_string + "\n\n" }}
{{- messages[0]['content'] + "<|eot_id|>" }}
{%- for message in messages[1:] %}
{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}"""
QWEN_TEMPLATE = """{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}"""
MISTRAL_TEMPLATE = """{{- bos_token }}{%- for message in messages %}
{%- if message.role == 'system' %}{{- raise_exception('Only user and assistant roles are supported, not system') }}
{%- elif message.role == 'user' %}{{- '[INST] ' + message.content + ' [/INST]' }}
{%- else %}{{- ' ' + message.content + eos_token }}{%- endif %}{%- endfor %}"""

WORDS = [
    "Given the survey answers of a participant, return the vote choice. Return one of CDU, SPD, AfD, Grüne, FDP only.",
    "Partei: Grüne\nAlter: 44\nVote: Nichtwähler andere Partei Clinton Dole Liberal Democrat",
] * 20


@pytest.fixture(scope="session")
def llama3():
    if not LLAMA3.exists():
        pytest.skip("Llama 3's tokenizer is not beside the repository")
    special = [
        "<|begin_of_text|>",
        "<|end_of_text|>",
        "<|start_header_id|>",
        "<|end_header_id|>",
        "<|eot_id|>",
    ]
    tokenizer = TikTokenConverter(str(LLAMA3), extra_special_tokens=special).converted()
    # As in Llama 3's own tokenizer.json: a beginning-of-text token stands before every text.
    begin = tokenizer.token_to_id("<|begin_of_text|>")
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(
                single="<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", begin)]
            ),
        ]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=special[0], eos_token=special[1], chat_template=LLAMA_TEMPLATE
    )


@pytest.fixture(scope="session")
def qwen():
    """Byte-level BPE without a beginning-of-text token, ChatML turns."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(WORDS, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|endoftext|>",
        pad_token="<|endoftext|>",
        chat_template=QWEN_TEMPLATE,
    )


@pytest.fixture(scope="session")
def mistral():
    """Sentencepiece-like BPE with a space put before the text, and a template without a system role."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=True)
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="first")
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False
    )
    tokenizer.train_from_iterator([*WORDS, "[INST] [/INST]"], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        chat_template=MISTRAL_TEMPLATE,
    )


@pytest.fixture(params=["llama3", "qwen", "mistral"])
def tokenizer(request):
    return request.getfixturevalue(request.param)
