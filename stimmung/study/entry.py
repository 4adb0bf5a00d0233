"""How the Snakefile gets its study: a mistake in the config ends the run with one line, without a traceback."""

import sys
from collections.abc import Mapping
from typing import Any

from stimmung.study.study import Study, load_study
from stimmung.vocabulary.errors import InputError


def study_or_exit(config: Mapping[str, Any]) -> Study:
    """Return the checked study, or say what is wrong and exit with 1."""
    try:
        return load_study(config)
    except InputError as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None
