"""How the Snakefile begins: what a user must mend first ends the run with one line, without a traceback."""

import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from stimmung.data.posts.file_patterns import matching_files
from stimmung.study.study import Study, load_study
from stimmung.vocabulary.errors import InputError


def python_or_exit(executable: str) -> None:
    """Say that jobs could not start, because a shell would split the path of this Python, and exit with 1."""
    if shlex.quote(executable) != executable:
        hint = "Move the folder, or rename it, and make `.venv` anew there: an environment does not survive a move."
        _exit(
            InputError(
                f"Snakemake cannot start jobs by a Python whose path has a space or a special character: {executable}",
                hint,
            )
        )


def study_or_exit(config: Mapping[str, Any], files: Iterable[str | Path] = ()) -> Study:
    """Return the checked study of a config that was merged from ``files``, or say what is wrong and exit with 1."""
    try:
        return load_study(config, files=files)
    except InputError as error:
        _exit(error)


def files_or_exit(study: Study) -> None:
    """Say that files which a person must bring are not there, as `stimmung check` says it, and exit with 1. Nothing is opened.

    Like Snakemake, this minds no file that is gone after it was read: what is made of it first is there.
    """
    for key, (paths, made) in _needed(study).items():
        if (Path("results") / made).exists() or all(Path(path).exists() for path in paths):
            continue
        # Only now, because what reads the files takes half a second to import.
        from stimmung.study.named_files import readings

        try:
            readings(study)[key]()
        except InputError as error:
            _exit(InputError(f"{key}: {error.what}", error.hint))


def _needed(study: Study) -> dict[str, tuple[list[str], str]]:
    """Return the user's files by the key that names them, and what in `results/` is made of them first."""
    needed: dict[str, tuple[list[str], str]] = {}
    for name, survey in study.selected_surveys().items():
        if survey.groups is not None and survey.groups.shares is not None:
            needed[f"surveys.{name}"] = [survey.groups.shares], f"surveys/{name}/groups.parquet"
        elif survey.simulate is not None:
            layout = survey.simulate.layout
            needed[f"surveys.{name}"] = [layout] if layout else [], f"surveys/{name}/simulated.sav"
        elif not str(survey.file).startswith("statsmodels:"):
            needed[f"surveys.{name}"] = [str(survey.file)], f"surveys/{name}/respondents.parquet"
    for name, panel in study.selected_panels().items():
        place, folder = f"panels.{name}", f"panels/{name}"
        labels = panel.weeks.labels()
        if any(not files for files in matching_files(panel.files, labels).values()):
            needed[f"{place}.files"] = panel.files, f"{folder}/reading.json"
        if panel.mix is not None and panel.mix.source != "simulated":
            needed[f"{place}.mix.source"] = [f"{panel.mix.source}/labels.txt"], f"{folder}/tracker.parquet"
        made = {"trackers": "tracker", "signals": "signals", "lexicon": "words"}
        for key, file in panel.files_beside().items():
            needed[f"{place}.{key}"] = [file], f"{folder}/{made[key.split('.')[0]]}.parquet"
    for name, model in study.selected_models().items():
        if model.local is not None:
            needed[f"models.{name}"] = [model.local], f"models/{name}/model.json"
    return needed


def executor_or_exit(executor: str) -> None:
    """Say once, and not again for each job, that this machine cannot submit jobs, and exit with 1."""
    if executor == "slurm" and shutil.which("sbatch") is None:
        hint = (
            "Run it on a login node of the cluster; `snakemake --profile slurm -n` plans it here, and "
            "`snakemake --cores 2` runs it here."
        )
        _exit(InputError("there is no Slurm on this machine: no command `sbatch`", hint))


def _exit(error: InputError) -> NoReturn:
    print(error, file=sys.stderr)
    raise SystemExit(1) from None
