"""How the Snakefile begins: what a user must mend first ends the run with one line, without a traceback."""

import shutil
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
