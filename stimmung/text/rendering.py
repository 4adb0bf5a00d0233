"""Messages as the text that a given model reads, and the position at which its answer begins."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from stimmung.text.chat import answer_end, answer_lead, as_text, chat_text
from stimmung.text.encoding import Encoded, encode
from stimmung.text.prompts import Message, plain_text
from stimmung.text.trie import check_apart


class Rendering(NamedTuple):
    """How a model reads surveys: its tokenizer, whether it is a chat model, and the question before the answer."""

    tokenizer: Any
    chat: bool
    question: str
    in_turns: bool = False  # whether the question also ends what the user says to a chat model

    def text(self, messages: Sequence[Message]) -> str:
        """Return the text up to where the answer begins."""
        if self.chat:
            return chat_text(self.tokenizer, self.turns(messages))
        return plain_text(messages, self.question)

    def turns(self, messages: Sequence[Message]) -> list[Message]:
        """Return the turns that a chat model gets."""
        if not self.in_turns:
            return list(messages)
        return [
            Message(role="user", content=f"{one['content']}\n{self.question}".lstrip("\n"))
            if one["role"] == "user"
            else one
            for one in messages
        ]

    def encode(self, messages: Sequence[Message], answers: Sequence[str]) -> Encoded:
        """Return the tokens of the context and of each answer after it; errors as of :func:`encode` and :func:`check_apart`."""
        lead = answer_lead(self.tokenizer, self.turns(messages), answers[0]) if self.chat else " "
        # A mark that opens the answer, such as that of a channel or an empty thought, is read and not predicted.
        mark = lead.rstrip(" ") if lead.strip() else ""
        said = [as_text(self.tokenizer, one) if self.chat else one for one in answers]
        spaced = [lead.removeprefix(mark) + one for one in said]
        encoded = encode(self.tokenizer, self.text(messages) + mark, spaced, not self.chat)
        check_apart(encoded.continuation_ids, answers)
        return encoded

    def end_ids(self, messages: Sequence[Message], answer: str) -> tuple[int, ...]:
        """Return the tokens that end an answer: a chat model's up to the token that ends its turn, else the end-of-text token.

        As completion-only training has it (Holtdirk et al.: everything behind the assistant's mark carries loss). Empty where the
        tokenizer has no such token, or the template writes none.
        """
        if not self.chat:
            end = self.tokenizer.eos_token_id
            return () if end is None else (end,)
        written = answer_end(self.tokenizer, self.turns(messages), answer)
        ids = self.tokenizer(written, add_special_tokens=False)["input_ids"]
        special = set(self.tokenizer.all_special_ids) | {
            token_id for token_id, token in self.tokenizer.added_tokens_decoder.items() if token.special
        }
        last = next((place for place, token_id in enumerate(ids) if token_id in special), None)
        return () if last is None else tuple(ids[: last + 1])
