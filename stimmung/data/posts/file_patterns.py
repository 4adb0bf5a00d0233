"""Which files a panel's `files` name. Imported by the Snakefile, so nothing heavy."""

import glob
from collections.abc import Sequence
from pathlib import Path

from stimmung.vocabulary.posts import WEEK_IN_NAME


def matching_files(
    patterns: Sequence[str], weeks: Sequence[str], root: Path = Path()
) -> dict[str, list[str]]:
    """Return the files that each pattern names, sorted, relative to ``root``.

    Parameters
    ----------
    patterns
        Paths; with ``*``, ``?``, ``**``, and ``{week}`` where the file's name gives the week's label. A file that is called
        like the pattern is that one file, whatever brackets stand in its name.
    weeks
        The labels that ``{week}`` may stand for.
    root
        The folder that relative patterns start from.
    """
    return {pattern: sorted(_named(pattern, weeks, root)) for pattern in patterns}


def _named(pattern: str, weeks: Sequence[str], root: Path) -> set[str]:
    path = str(Path(pattern).expanduser())
    if (root / path).is_file():
        return {path}
    labels = weeks if WEEK_IN_NAME in path else [""]
    found = (glob.glob(path.replace(WEEK_IN_NAME, label), root_dir=root, recursive=True) for label in labels)  # noqa: PTH207
    return {name for names in found for name in names if (root / name).is_file()}
