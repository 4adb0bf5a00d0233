"""Rows of csv and jsonl files of posts, one at a time, so that of a broken file only the broken rows are lost."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

BLOCK_BYTES = 1 << 20
MAX_LINE_BYTES = 1 << 20
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class NotUtf8Error(ValueError):
    """The file has an encoding in which no row is UTF-8."""


def physical_lines(stream: BinaryIO) -> Iterator[str]:
    r"""Yield the lines of a stream with their ``\n``, in bounded memory.

    Bytes that are not UTF-8 become lone surrogates, which valid text never has, so that they can be found later.
    A line longer than a block is truncated, which makes its row malformed.
    """
    rest = b""
    first = True
    while block := stream.read(BLOCK_BYTES):
        if first and block.startswith(_UTF16_MARKS):
            raise NotUtf8Error("UTF-16")
        if first:
            block = block.removeprefix(b"\xef\xbb\xbf")
            first = False
        cut = block.rfind(b"\n") + 1
        if not cut:
            rest = (rest + block)[:MAX_LINE_BYTES]
            continue
        # newline="\n": a carriage return inside a quoted field is part of the text.
        yield from io.StringIO((rest + block[:cut]).decode("utf-8", "surrogateescape"), newline="\n")
        rest = block[cut:]
    if rest:
        yield rest.decode("utf-8", "surrogateescape")


def csv_rows(stream: BinaryIO, delimiter: str) -> Iterator[list[str] | None]:
    """Yield the rows of a csv file, and None for each line that cannot be parsed. Blank lines are skipped.

    A quote that is never closed would merge everything after it into one row. So if a row fails, only its first line is
    dropped, and reading resumes at its second: in strict mode, the quotes of the next row end the failing one.
    """
    lines = _RereadableLines(stream)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        try:
            for row in reader:
                lines.since_row.clear()
                if row:
                    yield row
            return
        except csv.Error:
            lines.reread_all_but_first()
            yield None


def json_rows(stream: BinaryIO) -> Iterator[dict[str, Any] | None]:
    """Yield the objects of a file with one JSON object per line, and None for each line that is not an object."""
    for line in physical_lines(stream):
        if line.isspace():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            yield None
            continue
        yield row if isinstance(row, dict) else None


class _RereadableLines:
    """Lines of a stream; those since the last complete row can be read again."""

    def __init__(self, stream: BinaryIO) -> None:
        self._fresh = physical_lines(stream)
        self._again: list[str] = []
        self.since_row: list[str] = []

    def __iter__(self) -> "_RereadableLines":
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self._fresh)
        self.since_row.append(line)
        return line

    def reread_all_but_first(self) -> None:
        self._again.extend(reversed(self.since_row[1:]))
        self.since_row.clear()
