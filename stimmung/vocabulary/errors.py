"""How a user is told that an input is wrong."""

import difflib
import logging
import sys
from collections.abc import Collection, Iterable, Sequence


class InputError(Exception):
    """Something that the user gave is wrong: a file, a key, a value.

    Shown as one line, ``ERROR: what is wrong, where``, with a hint of what to do below it, and never with a traceback.
    """

    def __init__(self, what: str, hint: str | None = None) -> None:
        self.what = " ".join(what.split())
        self.hint = " ".join(hint.split()) if hint else None
        super().__init__(self.what)

    def __str__(self) -> str:
        return f"ERROR: {self.what}" + (f"\nHint: {self.hint}" if self.hint else "")

    def __reduce__(self) -> tuple[type["InputError"], tuple[str, str | None]]:
        return InputError, (self.what, self.hint)


def did_you_mean(word: object, known: Iterable[object]) -> str:
    """Return a ' (did you mean …?)' for a misspelt word, or nothing. Case and spaces at the ends do not matter."""
    folded = {str(name).casefold().strip(): name for name in known}
    close = difflib.get_close_matches(str(word).casefold().strip(), list(folded), n=1, cutoff=0.6)
    return f" (did you mean '{folded[close[0]]}'?)" if close else ""


def warn(logger: logging.Logger, what: str) -> None:
    """Say something that a user should know, and that ends nothing: in the log and on the terminal."""
    # Where no log is open, as in `stimmung check`, logging would write to the terminal as well.
    if logger.hasHandlers():
        logger.warning("%s", what)
    print(f"WARNING: {what}", file=sys.stderr)


def unknown(
    place: str, what: str, names: Iterable[object], known: Collection[object], within: str = ""
) -> list[str]:
    """Return for each name that is not among the known ones that there is no such ``what``, where, and the nearest known name."""
    return [
        f"{place}: no {what} '{name}'{within}{did_you_mean(name, known)}"
        for name in names
        if name not in known
    ]


def raise_together(problems: Sequence[str]) -> None:
    """Raise one ValueError, which pydantic reports with its place, for all problems; none if there are none."""
    if problems:
        raise ValueError("; ".join(problems))


class Interrupted(Exception):  # noqa: N818 (nothing is wrong)
    """The job was asked to stop, by a time limit, a preemption or a person, and has saved what it had."""
