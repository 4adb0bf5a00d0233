"""Where an unexpected exception came from, without its message.

pandas, pyarrow and others quote data in their messages: "could not convert string to float: 'what somebody wrote'".
"""

import os
from collections.abc import Iterator
from pathlib import Path
from traceback import walk_tb

PACKAGE = Path(__file__).parents[1]


def redacted_traceback(error: BaseException) -> str:
    """Return files, lines, functions and types of an exception and of those that led to it, the earliest first."""
    return "\n".join(_lines(error, set()))


def kind_of(error: BaseException) -> str:
    """Return the type of an exception; for an error of the operating system, with its description of the number."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    number = error.errno if isinstance(error, OSError) else None
    return f"{name} ({os.strerror(number)})" if isinstance(number, int) else name


def place_of(error: BaseException, outside: Path | None = None) -> str:
    """Return file and line of the innermost frame in our code, such as 'stimmung/data/panels.py:90', or of any frame if none is ours.

    A script has no line, since Snakemake inserts lines of its own before it. ``outside``, which catches the exception, does not count.
    """
    places = [(Path(frame.f_code.co_filename), line) for frame, line in walk_tb(error.__traceback__)]
    ours = []
    for file, line in places:
        if PACKAGE in file.parents and file != outside:
            ours.append(f"{file.relative_to(PACKAGE.parent)}:{line}")
        elif file.parts[-3:-1] == (".snakemake", "scripts"):
            # Snakemake runs a copy, .snakemake/scripts/tmp1a2b.read_panel.py.
            ours.append(f"scripts/{file.name.split('.', 1)[-1]}")
    return (ours or [f"{file.name}:{line}" for file, line in places] or ["an unknown place"])[-1]


def _lines(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None and id(earlier) not in seen:
        yield from _lines(earlier, seen)
        yield "which led to, or while it was handled:"
    for frame, line in walk_tb(error.__traceback__):
        code = frame.f_code
        yield f'  File "{code.co_filename}", line {line}, in {code.co_name}'
    yield kind_of(error)
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield "of which one is:"
            yield from _lines(part, seen)
