"""Text files of columns as they are met: their encoding, and what separates their columns."""

import codecs
import re


def decoded_text(content: bytes) -> tuple[str, bool]:
    """Return the text of a file, and whether its encoding was guessed.

    UTF-8 and UTF-16, each with or without a mark, are recognised; anything else is taken for Windows' Western encoding.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16"), False
    # The first line has a name in ASCII, of whose letters every other byte is 0.
    if content[:2].count(0) == 1:
        return content.decode("utf-16-be" if content[0] == 0 else "utf-16-le", "replace"), False
    # Text in another encoding is hardly ever valid UTF-8. Latin-1 for the five bytes that Windows leaves undefined.
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding), encoding == "cp1252"
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1"), True


def separator_of(text: str) -> str:
    """Return what separates the columns of the first line: the most frequent of comma, semicolon and tab outside quotes."""
    return max(",;\t", key=re.sub(r'"[^"]*"', "", text.split("\n", 1)[0]).count)
