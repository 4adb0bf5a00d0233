"""Chat templates of instruction-tuned models, rendered so that a prompt does not depend on the day."""

import logging
import re
from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any

from stimmung.text.prompts import Message
from stimmung.vocabulary.errors import InputError

# Llama 3's template writes the date of the calendar day into the prompt. This is the date that Llama 3.1's own template
# falls back to, so that prompts of 3.1 and 3.2 agree.
TEMPLATE_DATE = date(2024, 7, 26)
_CALL_OF_TODAY = re.compile(
    r"""strftime_now\(\s*(?:format\s*=\s*)?(?P<quote>['"])(?P<format>.*?)(?P=quote)\s*\)"""
)
_OTHER_CALL_OF_TODAY = re.compile(r"strftime_now\s*\(")
# What the templates of models that may think first call it: Qwen 3 and SmolLM3; DeepSeek 3.1 and Granite.
WITHOUT_THOUGHT = {"enable_thinking": False, "thinking": False}
_OPENED_THOUGHT = re.compile(
    r"(?P<open>[<\[])(?P<name>(?:think|thinking|thought|reasoning)[>\]])\s*$", re.IGNORECASE
)
logger = logging.getLogger(__name__)

_HINT = "Set `chat: false` for a base model, or name the instruction-tuned model."


def chat_text(tokenizer: Any, messages: Sequence[Message], add_generation_prompt: bool = True) -> str:
    """Return messages as the tokenizer's chat template writes them, up to where the assistant's answer begins.

    The text has the special tokens already, so it must be tokenised without adding any; a special token's name in a message gets a
    space, or it would end the turn. Where the template has no system role, as Mistral's and Gemma's, or leaves the system message out,
    its text opens the first user turn. A model that thinks first is taken to have thought nothing. Raises an InputError if the
    tokenizer has no chat template, or its template cannot take these messages or leaves one out.
    """
    template = tokenizer.chat_template
    if isinstance(template, dict):  # several templates by name
        template = template.get("default")
    if template is None:
        raise InputError(f"the tokenizer of {tokenizer.name_or_path} has no chat template", _HINT)
    dated = _CALL_OF_TODAY.sub(lambda call: repr(TEMPLATE_DATE.strftime(call["format"])), template)
    if _OTHER_CALL_OF_TODAY.search(dated):
        raise InputError(
            f"the chat template of {tokenizer.name_or_path} writes today's date, so that each day has other prompts",
            "Write a date into the template in its tokenizer_config.json, in the place of strftime_now(…).",
        )
    messages = [Message(role=one["role"], content=as_text(tokenizer, one["content"])) for one in messages]
    render = partial(
        tokenizer.apply_chat_template,
        chat_template=dated,
        tokenize=False,
        add_generation_prompt=add_generation_prompt,
        date_string=TEMPLATE_DATE.strftime("%d %b %Y"),
        **WITHOUT_THOUGHT,
    )
    try:
        text = str(render(messages))
        if not _left_out(messages, text):
            return _thought_closed(text) if add_generation_prompt else text
        refused = None
    except Exception as error:  # a template is a program of the model's maker, and raises what it likes
        refused = _refused(tokenizer, template, error)
    try:
        text = str(render(_without_system(messages)))
    except Exception as error:  # as above
        raise (refused or _refused(tokenizer, template, error)) from None
    if role := _left_out(messages, text):
        raise InputError(
            f"the chat template of {tokenizer.name_or_path} leaves out the text of the {role} message", _HINT
        )
    return _thought_closed(text) if add_generation_prompt else text


def answer_lead(tokenizer: Any, messages: Sequence[Message], answer: str) -> str:
    """Return what the chat template writes between a prompt and the assistant's answer: mostly nothing, else spaces or a mark."""
    return _around_answer(tokenizer, messages, answer)[0]


def answer_end(tokenizer: Any, messages: Sequence[Message], answer: str) -> str:
    """Return what the chat template writes behind the assistant's answer: mostly the special token that ends a turn."""
    return _around_answer(tokenizer, messages, answer)[1]


def _around_answer(tokenizer: Any, messages: Sequence[Message], answer: str) -> tuple[str, str]:
    turns = [*messages, Message(role="assistant", content=answer)]
    prompt = chat_text(tokenizer, messages)
    try:
        whole = chat_text(tokenizer, turns, add_generation_prompt=False)
    except InputError:  # no answer can be rendered, as some templates allow none at the end
        return "", ""
    lead, found, end = whole.removeprefix(prompt).partition(as_text(tokenizer, answer))
    return (lead, end) if whole.startswith(prompt) and found else ("", "")


def _without_system(messages: Sequence[Message]) -> list[Message]:
    """Return messages whose first user turn opens with the system message's text."""
    if messages[0]["role"] != "system" or len(messages) < 2:
        return list(messages)
    system, first, *rest = messages
    return [Message(role="user", content=f"{system['content']}\n\n{first['content']}"), *rest]


def as_text(tokenizer: Any, content: str) -> str:
    """Return content with a space in the names of special tokens, so that they are read as words."""
    for token in sorted(tokenizer.all_special_tokens + _added_specials(tokenizer), key=len, reverse=True):
        if len(token) > 1 and token in content:
            content = content.replace(token, f"{token[0]} {token[1:]}")
            logger.warning(
                "a special token's name in a message is read as text, with a space after its first letter"
            )
    return content


def _added_specials(tokenizer: Any) -> list[str]:
    return [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]


def _thought_closed(text: str) -> str:
    """Close a thought that the template opens for the model: an answer is no part of it."""
    opened = _OPENED_THOUGHT.search(text)
    return f"{text.rstrip()}\n\n{opened['open']}/{opened['name']}\n\n" if opened else text


def _left_out(messages: Sequence[Message], text: str) -> str | None:
    """Return the role of the first message whose text the template did not write."""
    return next((one["role"] for one in messages if one["content"].strip() not in text), None)


def _refused(tokenizer: Any, template: str, error: Exception) -> InputError:
    """Repeat an error in the template's own words only: other words may quote a respondent."""
    said = str(error) if str(error) in template else type(error).__name__
    return InputError(f"the chat template of {tokenizer.name_or_path} refuses the prompt: {said}", _HINT)
