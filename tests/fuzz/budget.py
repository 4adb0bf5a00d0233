"""How many inputs are tried: few in `make test`, many and each time other ones in `make fuzz`; and what came of them."""

import os

from hypothesis import HealthCheck, settings

from stimmung.vocabulary.errors import InputError

MANY = bool(os.environ.get("STIMMUNG_FUZZ"))
# Every example writes and reads files, so that none is held to a time.
BUDGET = settings(
    max_examples=300 if MANY else 25,
    derandomize=not MANY,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
TRIED = {"read": 0, "refused": 0}


def attempt(read, *arguments, **options):
    """Return what was read, or None where the input was refused, as one line that says what is wrong."""
    try:
        result = read(*arguments, **options)
    except InputError as error:
        assert error.what.strip(), "an error without words"
        assert str(error).count("\n") <= 1, "an ERROR line, and a hint at most"
        TRIED["refused"] += 1
        return None
    TRIED["read"] += 1
    return result
