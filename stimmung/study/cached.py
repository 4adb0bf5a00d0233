"""Whether models are shared through Snakemake's between-workflow cache."""

import os
import sys

from stimmung.vocabulary.errors import InputError

VARIABLE = "SNAKEMAKE_OUTPUT_CACHE"


def cached_or_exit(asked: bool) -> bool:
    """Return whether the cache is asked for; if its folder is not named or cannot be used, say so and exit with 1.

    Snakemake itself tells that of a missing folder after the job, and removes what the job made. Of a folder that is
    named from here, its links lead nowhere; without a name it ends with a traceback.

    Parameters
    ----------
    asked
        Whether there was a ``--cache``.
    """
    place = os.environ.get(VARIABLE, "")
    # A storage of Snakemake's is named by its address.
    usable = "://" in place or (place.startswith("/") and os.access(place, os.W_OK | os.X_OK))
    if asked and not usable:
        error = InputError(
            f"--cache needs the full path of a folder that you can write to in {VARIABLE}; it is {place or 'not set'}",
            f"Make the folder with `mkdir`, and set the variable as in `export {VARIABLE}=/group/cache`.",
        )
        print(error, file=sys.stderr)
        raise SystemExit(1)
    return asked
