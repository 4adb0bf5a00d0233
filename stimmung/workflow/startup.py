"""How the Snakefile begins: what a user must mend first ends the run with one line, without a traceback."""

import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
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


def files_or_exit(study: Study, key: str, paths: Iterable[str], made: str) -> None:
    """Say that files which a person must bring are not there, as `check` says it, and exit with 1.

    Snakemake would say so too, in the words of its rules. Like it, this minds no file that is gone after it was read.
    Nothing is opened.

    Parameters
    ----------
    study
        The study that names the files.
    key
        Where it does, as :func:`stimmung.study.named_files.readings` calls it.
    paths
        The files. What lies in `results/` some rule makes.
    made
        What is made of the files first.
    """
    if all(path.startswith("results/") or Path(path).exists() for path in paths) or Path(made).exists():
        return
    # Only now, because what reads the files takes half a second to import.
    from stimmung.study.named_files import readings

    try:
        readings(study)[key]()
    except InputError as error:
        print(InputError(f"{key}: {error.what}", error.hint), file=sys.stderr)
        raise SystemExit(1) from None


def executor_or_exit(executor: str) -> None:
    """Say once, and not again for each job, that this machine cannot submit jobs, and exit with 1."""
    if executor == "slurm" and shutil.which("sbatch") is None:
        print(
            InputError(
                "there is no Slurm on this machine: no command `sbatch`",
                "Run it on a login node of the cluster; `snakemake --profile slurm -n` plans it here, and "
                "`snakemake --cores 2` runs it here.",
            ),
            file=sys.stderr,
        )
        raise SystemExit(1)
