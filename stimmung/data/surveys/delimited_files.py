"""Read csv and its relatives, plain or compressed: only the columns that are asked for, and every cell as it is written."""

import bz2
import codecs
import csv
import gzip
import io
import itertools
import lzma
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv

from stimmung.data.surveys.survey_codes import Loss, SurveyFile, chosen_columns, find_places
from stimmung.data.surveys.survey_texts import RAW, decoded, replaced
from stimmung.vocabulary.errors import InputError

TABULAR = (".csv", ".tsv", ".tab")
COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".zip")
# An empty cell and R's NA. Not "None" or "null", which may be answers.
ABSENT = ["", "NA"]
# What a damaged or cut off compressed file raises, besides OSError.
DAMAGED = (EOFError, lzma.LZMAError, zipfile.BadZipFile, pa.ArrowException)

BEGINS_WITH_NAMES = "A survey file begins with a row of column names."

_DELIMITERS = ",;\t|"
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_START_BYTES = 4
_PIECE_BYTES = 1 << 20
_BLOCK_BYTES = 1 << 22  # the longest row
_HEAD_BYTES = 1 << 22  # the longest head row
# A row of our own behind the last one. If it is not there afterwards, a quote was opened and never closed.
_END = "end-of-the-file-of-stimmung"
# In the last head row of what Qualtrics exports.
_QUALTRICS = re.compile(r"\s*\{\s*['\"]ImportId['\"]")
_MOST_HEAD_ROWS = 2


def read_delimited(path: Path, columns: Sequence[str] | None, encoding: str | None) -> SurveyFile:
    """Read the columns of a delimited file; None: all. ``encoding``: of the file, if the user knows better.

    Cells stay text, so that "01" and "1" stay different codes and an identifier keeps all its digits. The delimiter is what
    stands most often in the head row, outside of quotes. A row with more or fewer cells than the head row is left out, and is
    counted; its number stays free.

    Raises
    ------
    InputError
        If a column is absent or stands there twice, there is no head row, or a quote is not closed.
    """
    with _opened(path) as stream:
        pieces, known = _unmarked(stream, encoding)
        head = _first(pieces)
        delimiter, raw_names = _head_row(head.decode(RAW))
        if not raw_names:
            what = f"{path} is not a readable {kind_of_file(path)} file: it is empty"
            raise InputError(what, BEGINS_WITH_NAMES)
        name_of = decoded(raw_names)
        places = find_places([name_of(raw) for raw in raw_names], columns, str(path))
        end = delimiter.join([_END] * len(raw_names)).encode()
        whole = _Pieces(itertools.chain([head], pieces, [b"\n" + end + b"\n"]))
        table, misfits = _table(whole, delimiter, len(raw_names), sorted(set(places.values())))
    n_rows = table.num_rows - 1
    if n_rows < 0 or table.column(0)[-1].as_py() != _END:
        raise InputError(
            f"{path}: a quote is opened in some row and never closed",
            'A quote inside a cell is written twice, "", and the cell stands in quotes.',
        )
    table = table.slice(0, n_rows)
    cells = {cell for column in table.columns for cell in pa.compute.unique(column).to_pylist() if cell}
    text = decoded([*raw_names, *cells])
    codes = table.to_pandas()
    if text.texts:
        codes = codes.apply(lambda column: column.map(text, na_action="ignore"))
    # Rows keep the numbers that they have in the file.
    left_out = [number - 2 for number, _ in misfits]
    codes.index = pd.Index(np.delete(np.arange(n_rows + len(misfits)), left_out))
    codes = codes[[str(place) for place in places.values()]].set_axis(list(places), axis=1)
    losses = (*_misfitting(misfits, n_rows, len(raw_names)), *text.losses)
    if known is not None:
        losses += replaced((text(cell) for cell in cells if not cell.isascii()), known)
    survey = without_head_rows(SurveyFile(codes, losses=losses, notes=text.notes))
    return chosen_columns(survey, columns, str(path))


def without_head_rows(survey: SurveyFile) -> SurveyFile:
    """Return the survey without the two rows that Qualtrics writes below the names; the first has the questions' wordings."""
    codes = survey.codes
    for n_head in range(_MOST_HEAD_ROWS, 0, -1):
        last = codes.iloc[n_head - 1 : n_head]
        if last.size and all(_QUALTRICS.match(str(cell)) for cell in last.to_numpy().ravel()):
            break
    else:
        return survey
    first = codes.iloc[0].items() if n_head > 1 else ()
    kept = codes.iloc[n_head:]
    return SurveyFile(
        kept.set_axis(kept.index - n_head, axis=0),
        variable_labels={str(name): wording for name, wording in first if isinstance(wording, str)},
        losses=survey.losses,
        notes=(
            *survey.notes,
            f"{n_head} rows of Qualtrics below the column names are no respondents, and are skipped",
        ),
    )


def kind_of_file(path: Path) -> str:
    """Return a file's suffix in lower case, of a compressed one that of what it holds."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while len(suffixes) > 1 and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    suffix = path.suffix.lower()
    if suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            inside = [
                name for name in archive.namelist() if not name.endswith("/") and "__MACOSX" not in name
            ]
            if len(inside) != 1:
                raise InputError(
                    f"{path} holds {len(inside)} files: {', '.join(inside[:5])}",
                    "Unpack it, and name the survey file.",
                )
            with archive.open(inside[0]) as stream:
                yield stream  # type: ignore[misc]  # zipfile's own class of a binary stream
        return
    openers: dict[str, Any] = {
        ".gz": gzip.open,
        ".bz2": bz2.open,
        ".xz": lzma.open,
        ".zst": lambda path, _: pa.input_stream(path, compression="zstd"),
    }
    with openers.get(suffix, open)(path, "rb") as stream:
        yield stream


def _unmarked(stream: BinaryIO, chosen: str | None) -> tuple[Iterator[bytes], str | None]:
    """Return a file's bytes in pieces, and its encoding if a mark or the user says it, in which case they are UTF-8 now."""
    start = stream.read(_START_BYTES)
    mark = next((mark for mark in _MARKS if start.startswith(mark)), b"")
    marked = None if mark == codecs.BOM_UTF8 else _MARKS.get(mark)
    known = marked if mark else chosen or _utf16_without_mark(start)
    pieces = itertools.chain([start[len(mark) :]], iter(lambda: stream.read(_PIECE_BYTES), b""))
    return (pieces, None) if known is None else (_as_utf8(pieces, known), known)


def _utf16_without_mark(start: bytes) -> str | None:
    """Return UTF-16 if every other of the first bytes is zero, as in ASCII letters."""
    first, second = start[::2], start[1::2]
    if not second or any(first) == any(second):
        return None
    return "utf-16-le" if any(first) else "utf-16-be"


def _as_utf8(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for piece in pieces:
        yield decoder.decode(piece).encode()
    yield decoder.decode(b"", final=True).encode()


def _first(pieces: Iterator[bytes]) -> bytes:
    """Return the pieces up to the one in which the head row has ended."""
    head = b""
    for piece in pieces:
        head = (head + piece).lstrip(b"\r\n")
        outside_quotes = re.sub(rb'"[^"]*"', b"", head)
        if len(head) > _HEAD_BYTES or re.search(rb"[\r\n].", outside_quotes, re.DOTALL):
            break
    return head


def _head_row(head: str) -> tuple[str, list[str]]:
    """Return the delimiter and the column names."""
    first_row = re.split(r"[\r\n]", re.sub(r'"[^"]*"', "", head), maxsplit=1)[0]
    delimiter = max(_DELIMITERS, key=first_row.count)
    return delimiter, next(csv.reader(io.StringIO(head, newline=None), delimiter=delimiter), [])


def _table(
    stream: io.RawIOBase, delimiter: str, n_columns: int, places: Sequence[int]
) -> tuple[pa.Table, list[tuple[int, int]]]:
    """Return the columns at ``places``, named by them, and of rows that do not fit their number, from 1, and number of cells."""
    misfits: list[tuple[int, int]] = []

    def left_out(row: Any) -> str:
        misfits.append((row.number, row.actual_columns))
        return "skip"

    wanted = [str(place) for place in places]
    reader = pa.csv.open_csv(
        stream,
        # One thread, so that rows that do not fit have their numbers.
        read_options=pa.csv.ReadOptions(
            use_threads=False,
            block_size=_BLOCK_BYTES,
            column_names=[str(place) for place in range(n_columns)],
            skip_rows_after_names=1,
            encoding=RAW,
        ),
        parse_options=pa.csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, invalid_row_handler=left_out
        ),
        convert_options=pa.csv.ConvertOptions(
            include_columns=wanted,
            column_types=dict.fromkeys(wanted, pa.string()),
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
            null_values=ABSENT,
        ),
    )
    return reader.read_all(), misfits


def _misfitting(misfits: Sequence[tuple[int, int]], n_rows: int, n_columns: int) -> tuple[Loss, ...]:
    if not misfits:
        return ()
    n, of = len(misfits), n_rows + len(misfits)
    usual = Counter(cells for _, cells in misfits).most_common(1)[0][0]
    some = f"most of them {usual}; the first is row {misfits[0][0] - 1}"
    what = f"{n} of {of} rows do not have the {n_columns} cells of the head row ({some}), and are left out"
    return (Loss(what, n, of),)


class _Pieces(io.RawIOBase):
    """Pieces of bytes as one stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = memoryview(b"")

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, and return with how many bytes; 0 at the end."""
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = memoryview(piece)
        n = min(len(buffer), len(self._left))
        buffer[:n] = self._left[:n]
        self._left = self._left[n:]
        return n
