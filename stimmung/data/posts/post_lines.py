"""Rows of csv and jsonl files of posts, one at a time, so that of a broken file only the broken rows are lost."""

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from stimmung.data.posts.json_posts import PostDecoder, is_document, posts_of_document

BLOCK_BYTES = 1 << 20
MAX_LINE_CHARACTERS = 1 << 20
# Valid text never has a lone surrogate: it marks bytes that have no meaning in the file's encoding, and what was cut off.
BROKEN = "\udcff"
_MARKS = {  # those of UTF-32 first: one of them begins like one of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_UTF16_UNMARKED = {rb"(?:[ -~]\0){4}": "utf-16-le", rb"(?:\0[ -~]){4}": "utf-16-be"}


def _mark_broken(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return BROKEN, error.end


codecs.register_error("stimmung.broken", _mark_broken)


def text_blocks(stream: BinaryIO, encoding: str | None = None) -> Iterator[str]:
    r"""Yield the text of a stream in blocks, its line ends ``\n`` or ``\r\n``, without a byte order mark.

    What is not valid in the file's encoding becomes a lone surrogate, so that it can be found later. Parameters as in
    :func:`encoding_of`.
    """
    block = _filled(stream)
    codec = encoding_of(block, encoding)
    errors = "surrogateescape" if codec.startswith("utf-8") else "stimmung.broken"
    decoder = codecs.getincrementaldecoder(codec)(errors)
    text = decoder.decode(block)
    # The line ends of the first Macs, which some spreadsheets still write.
    only_returns = "\r" in text and "\n" not in text
    while block:
        yield text.replace("\r", "\n") if only_returns else text
        block = stream.read(BLOCK_BYTES)
        text = decoder.decode(block, final=not block)
    if text:
        yield text


def encoding_of(head: bytes, encoding: str | None) -> str:
    """Return Python's name of a file's encoding by its first bytes.

    A mark at its beginning counts most; then what is UTF-8 is UTF-8; the rest is in ``encoding``, or, if None, UTF-8 with errors.
    """
    for mark, codec in _MARKS.items():
        if head.startswith(mark):
            return codec
    if encoding is None:
        unmarked = (codec for pattern, codec in _UTF16_UNMARKED.items() if re.match(pattern, head))
        return next(unmarked, "utf-8")
    named = codecs.lookup(encoding).name
    if named == "iso8859-1":
        named = (
            "cp1252"  # as browsers do (WHATWG, Encoding): what calls itself Latin-1 has the quotes of Windows
        )
    if named.startswith(("utf-16", "utf-32")):
        return named
    return "utf-8" if not head.isascii() and _is_utf8(head) else named


def physical_lines(blocks: Iterable[str]) -> Iterator[str]:
    r"""Yield the lines of a text with their ``\n``, in bounded memory.

    A line longer than a block is cut and marked as broken, so that its row is lost and not altered.
    """
    rest = ""
    too_long = False
    for text in blocks:
        cut = text.rfind("\n") + 1
        if too_long and not cut:
            continue
        if too_long:
            first = text.find("\n") + 1
            text, cut, too_long = text[first:], cut - first, False
        if not cut:
            rest += text
            if len(rest) > MAX_LINE_CHARACTERS:
                yield f"{rest[:MAX_LINE_CHARACTERS]}{BROKEN}\n"
                rest, too_long = "", True
            continue
        # newline="\n": a carriage return inside a quoted field is part of the text.
        yield from io.StringIO(rest + text[:cut], newline="\n")
        rest = text[cut:]
    if rest:
        yield rest


def csv_rows(blocks: Iterable[str], delimiter: str) -> Iterator[list[str] | None]:
    """Yield the rows of a csv file, and None for each line that cannot be parsed. Blank lines are skipped.

    A quote that is never closed would merge everything after it into one row. So if a row fails, only its first line is
    dropped, and reading resumes at its second: in strict mode, the quotes of the next row end the failing one.

    Many tab-separated files know no quotes: there, a line that fails, and lines that quotes of two posts would join, are rows as
    they stand, if each has as many fields as the first row.
    """
    lines = _RereadableLines(blocks)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    plain = _PlainTabs() if delimiter == "\t" else None
    while True:
        try:
            for row in reader:
                if plain is not None and (several := plain.rows(row, lines.since_row)):
                    yield from several
                elif row:
                    yield row
                lines.since_row.clear()
            return
        except csv.Error:
            first = lines.reread_all_but_first()
            yield None if plain is None else plain.row(first)


def json_rows(
    blocks: Iterable[str], decoder: PostDecoder, records: str | None = None
) -> Iterator[dict[str, Any] | None]:
    """Yield the objects of a file with one JSON object per line, and None for each line that is not an object.

    A file that is a JSON document instead is read as such, see :func:`posts_of_document`.
    """
    blocks = iter(blocks)
    head, after = next(blocks, ""), next(blocks, "")
    blocks = itertools.chain([head, after], blocks)
    if records is not None or is_document(head, is_whole=not after):
        yield from posts_of_document(blocks, decoder, records)
        return
    for line in physical_lines(blocks):
        if line.isspace():
            continue
        try:
            row = decoder.decode(line)
        except (ValueError, RecursionError):
            yield None
            continue
        yield row if isinstance(row, dict) else None


def _filled(stream: BinaryIO) -> bytes:
    """Return the first block of a stream, whole even if the stream gives less at a time."""
    block = bytearray()
    while len(block) < BLOCK_BYTES and (part := stream.read(BLOCK_BYTES)):
        block += part
    return bytes(block)


def _is_utf8(head: bytes) -> bool:
    try:
        # A whole block may end inside a letter.
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < BLOCK_BYTES)
    except UnicodeDecodeError:
        return False
    return True


class _PlainTabs:
    """Rows of a tab-separated file in which a quote is a letter as others."""

    def __init__(self) -> None:
        self._n_fields: int | None = None

    def rows(self, row: list[str], lines: list[str]) -> list[list[str]]:
        """Return the rows that lines are one by one, where quotes would make them a single ``row``; none if they are one."""
        if self._n_fields is None:
            self._n_fields = len(row)
        if len(lines) < 2:
            return []
        rows = [_fields(line) for line in lines]
        if any(len(fields) != self._n_fields for fields in rows):
            return []
        # A text of several lines has tabs seldom, and beside them hardly what looks like this row's time or identifier.
        columns = (set(map(_shape, column)) for column in zip(*rows, strict=True))
        is_each_a_row = any(len(shapes) == 1 and "9999" in shapes.pop() for shapes in columns)
        return rows if is_each_a_row else []

    def row(self, line: str) -> list[str] | None:
        """Return the row that a line is by itself, or None."""
        fields = _fields(line)
        return fields if len(fields) == self._n_fields else None


def _fields(line: str) -> list[str]:
    return line.rstrip("\r\n").split("\t")


def _shape(field: str) -> str:
    return re.sub("[0-9]", "9", field)


class _RereadableLines:
    """Lines of a text; those since the last complete row can be read again."""

    def __init__(self, blocks: Iterable[str]) -> None:
        self._fresh = physical_lines(blocks)
        self._again: list[str] = []
        self.since_row: list[str] = []

    def __iter__(self) -> "_RereadableLines":
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self._fresh)
        self.since_row.append(line)
        return line

    def reread_all_but_first(self) -> str:
        """Begin again at the second line since the last complete row; return the first."""
        first = self.since_row[0]
        self._again.extend(reversed(self.since_row[1:]))
        self.since_row.clear()
        return first
