"""Text files of columns as they are met: their encoding, and what separates their columns."""

import codecs
import re


def decoded_text(content: bytes) -> str:
    """Return the text of a file in UTF-8 or UTF-16, with or without a mark at its beginning, or in Windows' Western encoding."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    # Text in another encoding is hardly ever valid UTF-8. Latin-1 for the five bytes that Windows leaves undefined.
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def separator_of(text: str) -> str:
    """Return what separates the columns of the first line: the most frequent of comma, semicolon and tab outside quotes."""
    return max(",;\t", key=re.sub(r'"[^"]*"', "", text.split("\n", 1)[0]).count)
