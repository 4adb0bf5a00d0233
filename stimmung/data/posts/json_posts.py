"""JSON as posts come in it: objects on lines, and documents that hold a list of posts somewhere, read one post at a time."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

MAX_VALUE_CHARACTERS = 16 << 20  # a choice: what is larger is no post, and would take memory
MANY_SUSPECTED = 100  # a choice
# Telegram's result.json: the messages of one chat, or those of all.
_KNOWN_LISTS: Mapping[str, Sequence[str]] = {"messages": (), "chats": ("list", "messages")}
_LENIENT = json.JSONDecoder(strict=False)  # a line break inside a text is no reason to lose the post


class NotJsonError(ValueError):
    """A document that is no JSON, or ends in its middle, after so many posts."""

    def __init__(self, n_posts: int) -> None:
        self.n_posts = n_posts
        super().__init__(f"no JSON after {n_posts} posts")


class NoSuchListError(ValueError):
    """A document without the list of posts that was asked for."""


class PostDecoder:
    """Decodes JSON, and counts the objects that give one of ``keys`` twice: the last value counts, as everywhere."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = set(keys)
        self._written = [json.dumps(key, ensure_ascii=False) for key in self._keys]
        self._counting = json.JSONDecoder(strict=False, object_pairs_hook=self._as_object)
        self._n_suspected = 0
        self.n_repeated = 0

    def decode(self, text: str) -> Any:
        """Return the value that a text is. Raises ValueError if it is none."""
        text = text.strip()
        value, end = self.decode_at(text, 0)
        if end < len(text):
            raise ValueError("more than one value")
        return value

    def decode_at(self, text: str, start: int) -> tuple[Any, int]:
        """Return the value that begins at ``start``, and where it ends. Raises ValueError if there is none."""
        # To look at each object costs half the speed, so only the texts are looked at that have a key twice, in whichever
        # object; where many have, all are.
        if self._n_suspected <= MANY_SUSPECTED:
            value, end = _LENIENT.raw_decode(text, start)
            if all(text.count(key, start, end) < 2 for key in self._written):
                return value, end
            self._n_suspected += 1
        return self._counting.raw_decode(text, start)

    def _as_object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        row = dict(pairs)
        if len(row) < len(pairs):
            names = [name for name, _ in pairs if name in self._keys]
            self.n_repeated += len(set(names)) < len(names)
        return row


def is_document(head: str, *, is_whole: bool) -> bool:
    """Whether a file is a JSON document, by its first block, and not JSON objects on lines; ``is_whole``: there is no more."""
    start = head.lstrip()
    if not start.startswith(("[", "{")):
        return False
    line, newline, after = start.partition("\n")
    if not newline and not is_whole:
        return True
    match line.rstrip()[-1:]:
        case "[":
            return True
        case "{" | ",":
            # Or a line that was cut off, among whole ones.
            return _object_of(after.lstrip().partition("\n")[0]) is None
    if line.startswith("["):
        return True
    only = {} if after.strip() or not is_whole else _object_of(line) or {}
    return any(isinstance(only.get(key), list | dict) for key in _KNOWN_LISTS)


def _object_of(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def posts_of_document(
    blocks: Iterable[str], decoder: PostDecoder, records: str | None
) -> Iterator[dict[str, Any] | None]:
    """Yield the posts of a JSON document, and None for what stands among them and is no object.

    ``records`` are the keys, joined by dots, under which the list of posts stands; lists on the way are gone through. None: the
    document is a list, an object with one of the keys of a known export, or some objects one after another.

    Raises
    ------
    NotJsonError
        Where the document ends or cannot be read.
    NoSuchListError
        If there is nothing under ``records``.
    """
    cursor = _Cursor(blocks, decoder)
    keys = None if records is None else tuple(records.split("."))
    n_posts = 0
    found_any = False
    try:
        while cursor.peek():
            for post in _posts_in(cursor, keys):
                found_any = True
                n_posts += 1
                yield post
    except (ValueError, RecursionError):
        raise NotJsonError(n_posts) from None
    if records is not None and not found_any:
        raise NoSuchListError(records)


def _posts_in(cursor: "_Cursor", keys: Sequence[str] | None) -> Iterator[dict[str, Any] | None]:
    opening = cursor.peek()
    if opening == "[":
        for _ in cursor.items("]"):
            yield from _posts_in(cursor, keys or ())
    elif opening == "{" and (keys is None or keys):
        lists = _KNOWN_LISTS if keys is None else {keys[0]: keys[1:]}
        is_list = False
        others: dict[str, Any] = {}
        for _ in cursor.items("}"):
            key = cursor.value()
            cursor.take(":")
            if key in lists and cursor.peek() in "[{":
                is_list = True
                yield from _posts_in(cursor, lists[key])
            else:
                value = cursor.value()
                if keys is None:
                    others[key] = value
        if keys is None and not is_list:
            yield others
    else:
        value = cursor.value()
        yield value if isinstance(value, dict) else None


class _Cursor:
    """A place in a JSON text of which only a piece is in memory."""

    def __init__(self, blocks: Iterable[str], decoder: PostDecoder) -> None:
        self._blocks = iter(blocks)
        self._decoder = decoder
        self._text = ""
        self._at = 0

    def peek(self) -> str:
        """Return the next character that is no space; nothing at the end."""
        while True:
            while self._at < len(self._text):
                if not self._text[self._at].isspace():
                    return self._text[self._at]
                self._at += 1
            if not self._read_on():
                return ""

    def take(self, sign: str) -> None:
        """Go past a sign that must come next. Raises ValueError if another comes."""
        if self.peek() != sign:
            raise ValueError(f"no {sign}")
        self._at += 1

    def items(self, closing: str) -> Iterator[None]:
        """Go through a list or an object: each turn, the cursor stands at an item, which the loop takes."""
        self._at += 1
        while self.peek() != closing:
            yield
            if self.peek() != closing:
                self.take(",")
        self._at += 1

    def value(self) -> Any:
        """Return the value that comes next, and go past it. Raises ValueError if none comes."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.decode_at(self._text, self._at)
            except ValueError:
                # Perhaps only its beginning is in memory.
                if len(self._text) - self._at > MAX_VALUE_CHARACTERS or not self._read_on():
                    raise
                continue
            # A number may go on in the next block.
            if end == len(self._text) and isinstance(value, int | float) and self._read_on():
                continue
            self._at = end
            return value

    def _read_on(self) -> bool:
        """Take more of the text into memory, as much again as is left of it, so that a long value is not tried too often."""
        left = self._text[self._at :]
        more: list[str] = []
        while sum(map(len, more)) <= len(left) and (block := next(self._blocks, None)) is not None:
            more.append(block)
        if more:
            self._text, self._at = left + "".join(more), 0
        return bool(more)
