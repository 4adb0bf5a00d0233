"""Which files a panel's `files` name. Imported by the Snakefile, so it loads nothing heavy."""

import glob
from collections.abc import Sequence
from pathlib import Path

from stimmung.vocabulary.posts import WEEK_IN_NAME


def matching_files(
    patterns: Sequence[str], weeks: Sequence[str], root: Path = Path()
) -> dict[str, dict[str, str | None]]:
    """Return for each pattern the files that it matches, sorted, each with the week that its name gives, or None.

    Patterns are paths from ``root`` with ``*``, ``?``, ``**``, and ``{week}`` where the file's name gives one of ``weeks``. A
    path that exists is taken as it is, even if its name has brackets, which would be a pattern.
    """
    return {pattern: dict(sorted(_matches(pattern, weeks, root).items())) for pattern in patterns}


def _matches(pattern: str, weeks: Sequence[str], root: Path) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for label in weeks if WEEK_IN_NAME in pattern else [None]:
        of_label = pattern.replace(WEEK_IN_NAME, label or "")
        exists = (root / of_label).is_file()
        names = [of_label] if exists else glob.glob(of_label, root_dir=root, recursive=True)  # noqa: PTH207
        found |= {name: label for name in names if (root / name).is_file()}
    return found
