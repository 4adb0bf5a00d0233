"""Rows that cannot be used because they, or what a post needs, cannot be read: how many may be, and why they are."""

import re
from collections import Counter
from collections.abc import Mapping

from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.posts import PostFormat

UNREADABLE = ("malformed-row", "broken-utf8", "nul-bytes")
# Signs of a damaged or misdescribed file; the other reasons are choices of the study.
FAULTS = (*UNREADABLE, "no-time", "unparsable-time", "no-author", "no-id")
# A choice: so many rows of one file end the reading even if they are few among all files. A file of fewer may be one author's.
MANY_OF_A_FILE = 100
HINTS = {
    "malformed-row": "Is `format.delimiter` right? A JSON value inside another one is named with dots, as `user.id`.",
    "broken-utf8": "If the files are not UTF-8, name their encoding in `format.encoding`, e.g. windows-1252.",
    "nul-bytes": "Zero bytes in texts are damage, or an encoding such as UTF-16, which `format.encoding` names.",
    "no-time": "Is `columns.time` the right column?",
    "unparsable-time": "`time_format` may be iso, unix-s, unix-ms, a strptime format such as '%d/%m/%Y %H:%M', or a list of several.",
    "no-author": "If authors are unknown, set `columns.author: null`.",
    "no-id": "Without `columns.post_id`, a post is known by its time, author and text.",
}
# The look of a time, and of nothing that a person wrote: digits as 9, at most a few letters at a time.
_LOOKS_LIKE_A_TIME = re.compile(r"(?=.*9)(?:[^a]|a(?!aaa))*", re.DOTALL)
_MOST_SHOWN = 40


def refuse_if_many(
    lost: Mapping[str, int], n_rows: int, format: PostFormat, where: str, odd_time: str | None = None
) -> None:
    """Raise an InputError if more rows are lost than ``format.max_lost_share`` allows.

    ``lost`` is reason to number, of which :data:`FAULTS` count; ``odd_time`` is the look of a time that does not parse.
    """
    faults = Counter({reason: lost[reason] for reason in FAULTS if lost.get(reason)})
    if faults.total() <= format.max_lost_share * n_rows:
        return
    why = ", ".join(f"{reason} {n}" for reason, n in faults.most_common())
    if faults["unparsable-time"]:
        found = f"one looks like {odd_time}, and " if odd_time else ""
        why += f" ({found}`time_format` is {' or '.join(map(repr, format.time_formats()))})"
    ((main, _),) = faults.most_common(1)
    raise InputError(
        f"{where}: {faults.total()} of {n_rows} rows cannot be used: {why}",
        f"{HINTS[main]} `format.max_lost_share`, now {format.max_lost_share:g}, is the share that may be lost.",
    )


def look_of_time(value: object) -> str | None:
    """Return a time's look, digits as 9 and letters as a; None if it may be something else that was written there."""
    look = re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", str(value)))
    return f"'{look}'" if len(look) <= _MOST_SHOWN and _LOOKS_LIKE_A_TIME.fullmatch(look) else None
