"""Which encoding the texts of a survey file are in: UTF-8 if they can be, else what the file declares, else Windows-1252."""

import codecs
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from stimmung.data.surveys.survey_codes import Loss
from stimmung.vocabulary.answer_options import Code

# Every byte is one character of it, so that a library can hand on bytes as text before their encoding is known.
RAW = "ISO-8859-1"
# What files without a declared encoding are in that are not UTF-8. Five bytes are undefined in it.
USUAL = "cp1252"
_FIRST_ESCAPED, _LAST_ESCAPED = 0xDC80, 0xDCFF  # what Python makes of bytes that are not UTF-8
_LAST_LATIN = 0xFF  # of the letters of Western Europe
_WESTERN = ("cp1252", "iso8859-1", "ascii")


@dataclass(frozen=True)
class Decoded:
    """The texts of a file by the raw text that its bytes make in Latin-1; ASCII is not listed."""

    texts: Mapping[str, str]
    losses: tuple[Loss, ...] = ()
    notes: tuple[str, ...] = ()

    def __call__(self, raw: str) -> str:
        """Return a raw text as it is meant."""
        return self.texts.get(raw, raw)

    def code(self, code: Code) -> Code:
        """Return a code as it is meant; numbers are."""
        return self(code) if isinstance(code, str) else code


def decoded(
    raw_texts: Iterable[str], chosen: str | None = None, declared: Callable[[], str | None] = lambda: None
) -> Decoded:
    """Return what texts of a file mean, given as the characters that their bytes are in Latin-1.

    If all texts are valid UTF-8 they are taken for it, whatever the file declares, since text in another encoding hardly ever
    is. Where most letters are UTF-8, a text whose last one is cut in its middle, as programs do at a number of bytes, loses that
    letter, and other texts are in Windows-1252. Otherwise all are in the declared encoding, or in Windows-1252.

    Parameters
    ----------
    chosen
        The encoding that the user names, which then holds for all texts.
    declared
        Returns the encoding that the file declares; only asked if it is needed.
    """
    of_bytes = {raw: raw.encode(RAW) for raw in dict.fromkeys(raw_texts) if not raw.isascii()}
    if chosen is not None:
        texts = {raw: content.decode(chosen, "replace") for raw, content in of_bytes.items()}
        return Decoded(texts, replaced(texts.values(), chosen))
    utf8 = {raw: text for raw, content in of_bytes.items() if (text := _strict(content, "utf-8")) is not None}
    others = {raw: content for raw, content in of_bytes.items() if raw not in utf8}
    if not others:
        return Decoded(utf8)
    own = declared()
    if (own is not None and codecs.lookup(own).name == "utf-8") or _is_mostly_utf8(of_bytes.values()):
        return _mostly_utf8(utf8, others)
    if own is None or codecs.lookup(own).name in _WESTERN:
        texts = {raw: _western(content) for raw, content in of_bytes.items()}
        guessed = (
            "its texts are not UTF-8, and are read as Windows-1252; the survey's `encoding` names another"
        )
        return Decoded(texts, notes=() if own else (guessed,))
    texts = {raw: _whole_letters(content, own, "replace") for raw, content in of_bytes.items()}
    return Decoded(texts, replaced(texts.values(), own))


def _is_mostly_utf8(contents: Iterable[bytes]) -> bool:
    """Return whether letters in UTF-8 are more than bytes that are none; or as many, if these are ends that were cut off."""
    n_valid, n_invalid, n_cut, highest = 0, 0, 0, 0
    for content in contents:
        letters = [
            ord(letter) for letter in content.decode("utf-8", "surrogateescape") if not letter.isascii()
        ]
        valid = [letter for letter in letters if not _FIRST_ESCAPED <= letter <= _LAST_ESCAPED]
        n_valid += len(valid)
        n_invalid += len(letters) - len(valid)
        n_cut += len(letters) - len(valid) == 1 and _FIRST_ESCAPED <= letters[-1] <= _LAST_ESCAPED
        highest = max([highest, *valid])
    # In Windows-1252, a sharp s before a closing quote is a letter of UTF-8 too, but one far from Latin.
    return n_valid > n_invalid or (0 < n_valid == n_invalid == n_cut and highest <= _LAST_LATIN)


def replaced(texts: Iterable[str], encoding: str) -> tuple[Loss, ...]:
    """Return how many texts have a character that the encoding does not have."""
    listed = list(texts)
    n = sum("\ufffd" in text for text in listed)
    said = (
        f"{n} of {len(listed)} different texts with letters beyond ASCII are not in the encoding {encoding}"
    )
    return (Loss(f"{said}; what cannot be read is \ufffd", n, len(listed)),) if n else ()


def _mostly_utf8(utf8: Mapping[str, str], others: Mapping[str, bytes]) -> Decoded:
    """Return the texts of a UTF-8 file in which some are broken."""
    texts, n_cut = dict(utf8), 0
    for raw, content in others.items():
        try:
            texts[raw] = _whole_letters(content, "utf-8", "strict")
            n_cut += 1
        except UnicodeDecodeError:
            texts[raw] = _western(content)
    notes = []
    if n_cut:
        notes.append(f"{n_cut} different texts are cut off inside their last letter, which is left out")
    if n_west := len(others) - n_cut:
        notes.append(f"{n_west} different texts are not UTF-8 as the rest is, and are read as Windows-1252")
    return Decoded(texts, notes=tuple(notes))


def _whole_letters(content: bytes, encoding: str, errors: str) -> str:
    # Not final: what stands incomplete at the end is waited for, and never comes.
    return codecs.getincrementaldecoder(encoding)(errors).decode(content)


def _western(content: bytes) -> str:
    text = _strict(content, USUAL)
    return content.decode(RAW) if text is None else text


def _strict(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None
