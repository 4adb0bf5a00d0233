"""Chat templates of instruction-tuned models, rendered so that a prompt does not depend on the day."""

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
_CALL_OF_TODAY = re.compile(r"""strftime_now\(\s*(?P<quote>['"])(?P<format>.*?)(?P=quote)\s*\)""")
_HINT = "Set `chat: false` for a base model, or name the instruction-tuned model."


def chat_text(tokenizer: Any, messages: Sequence[Message], add_generation_prompt: bool = True) -> str:
    """Return messages as the tokenizer's chat template writes them, up to where the assistant's answer begins.

    The text has the special tokens already, so it must be tokenised without adding any. Where the template has no system role,
    as Mistral's and Gemma's, or leaves the system message out, its text opens the first user turn. Raises an InputError if the
    tokenizer has no chat template, or its template cannot take these messages or leaves one out.
    """
    template = tokenizer.chat_template
    if isinstance(template, dict):  # several templates by name
        template = template.get("default")
    if template is None:
        raise InputError(f"the tokenizer of {tokenizer.name_or_path} has no chat template", _HINT)
    render = partial(
        tokenizer.apply_chat_template,
        chat_template=_CALL_OF_TODAY.sub(lambda call: repr(TEMPLATE_DATE.strftime(call["format"])), template),
        tokenize=False,
        add_generation_prompt=add_generation_prompt,
        date_string=TEMPLATE_DATE.strftime("%d %b %Y"),
    )
    try:
        text = str(render(list(messages)))
        if not _left_out(messages, text):
            return text
    except Exception as error:  # a template is a program of the model's maker, and raises what it likes
        if "system" not in str(error).lower():
            raise _refused(tokenizer, template, error) from None
    system, first, *rest = messages
    opening = Message(role="user", content=f"{system['content']}\n\n{first['content']}")
    try:
        text = str(render([opening, *rest]))
    except Exception as error:  # as above
        raise _refused(tokenizer, template, error) from None
    if role := _left_out(messages, text):
        raise InputError(
            f"the chat template of {tokenizer.name_or_path} leaves out the text of the {role} message", _HINT
        )
    return text


def answer_lead(tokenizer: Any, messages: Sequence[Message], answer: str) -> str:
    """Return the spaces that the chat template writes between a prompt and the assistant's answer; most write none."""
    turns = [*messages, Message(role="assistant", content=answer)]
    prompt = chat_text(tokenizer, messages)
    try:
        whole = chat_text(tokenizer, turns, add_generation_prompt=False)
    except InputError:  # no answer can be rendered, as some templates allow none at the end
        return ""
    lead, found, _ = whole.removeprefix(prompt).partition(answer)
    return lead if whole.startswith(prompt) and found and not lead.strip() else ""


def _left_out(messages: Sequence[Message], text: str) -> str | None:
    """Return the role of the first message whose text the template did not write."""
    return next((one["role"] for one in messages if one["content"].strip() not in text), None)


def _refused(tokenizer: Any, template: str, error: Exception) -> InputError:
    """Repeat an error in the template's own words only: other words may quote a respondent."""
    said = str(error) if str(error) in template else type(error).__name__
    return InputError(f"the chat template of {tokenizer.name_or_path} refuses the prompt: {said}", _HINT)
