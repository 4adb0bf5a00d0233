"""Chat templates of instruction-tuned models, rendered so that a prompt does not depend on the day."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from stimmung.text.prompts import Message
from stimmung.vocabulary.errors import InputError

# Llama 3's template writes the date of the calendar day into the prompt. This is the date that Llama 3.1's own template
# falls back to, so that prompts of 3.1 and 3.2 agree.
TEMPLATE_DATE = date(2024, 7, 26)
_CALL_OF_TODAY = re.compile(r"""strftime_now\(\s*(?P<quote>['"])(?P<format>.*?)(?P=quote)\s*\)""")


def chat_text(tokenizer: Any, messages: Sequence[Message]) -> str:
    """Return messages as the tokenizer's chat template writes them, up to where the assistant's answer begins.

    The text has the special tokens already, so it must be tokenised without adding any.

    Raises
    ------
    InputError
        If the tokenizer has no chat template, or its template cannot take these messages.
    """
    if tokenizer.chat_template is None:
        raise InputError(
            f"the tokenizer of {tokenizer.name_or_path} has no chat template",
            "Set `chat: false` for a base model, or name the instruction-tuned model.",
        )
    try:
        return _render(tokenizer, messages)
    except Exception as error:  # a template is a program of the model's maker, and raises what it likes
        if "system" not in str(error).lower():
            raise _refused(tokenizer, error) from None
    # Mistral-style and Gemma-style templates have no system role; its text then opens the first user turn.
    try:
        return _render(tokenizer, _without_system(messages))
    except Exception as error:  # as above
        raise _refused(tokenizer, error) from None


def _refused(tokenizer: Any, error: Exception) -> InputError:
    """Repeat the words of the template alone: other words of an error may quote a respondent."""
    said = str(error) if str(error) in tokenizer.chat_template else type(error).__name__
    return InputError(
        f"the chat template of {tokenizer.name_or_path} refuses the prompt: {said}",
        "Set `chat: false` for a base model, or name the instruction-tuned model.",
    )


def _render(tokenizer: Any, messages: Sequence[Message]) -> str:
    text = tokenizer.apply_chat_template(
        list(messages),
        chat_template=_CALL_OF_TODAY.sub(_fixed_date, tokenizer.chat_template),
        tokenize=False,
        add_generation_prompt=True,
        date_string=TEMPLATE_DATE.strftime("%d %b %Y"),
    )
    return str(text)


def _fixed_date(call: re.Match[str]) -> str:
    return repr(TEMPLATE_DATE.strftime(call["format"]))


def _without_system(messages: Sequence[Message]) -> list[Message]:
    system, first, *rest = messages
    return [Message(role="user", content=f"{system['content']}\n\n{first['content']}"), *rest]
