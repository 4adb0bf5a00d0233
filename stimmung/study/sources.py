"""The files of a base model that lies in a directory of the user's, so that a change of theirs prepares it anew."""

from pathlib import Path

from stimmung.engine.base.model_files import READ
from stimmung.study.models import Model

# Word lists of older tokenizers are plain text.
OF_A_MODEL = (*READ, ".txt")


def files_of_source(model: Model, prepared: Path) -> list[str]:
    """Return the files that are read of a local model; none of one on the hub, or of one that never was there.

    Of a directory that is gone after its model was prepared, a file that is not there: Snakemake then leaves the model as it
    is. If it had no files, it would count as changed, and what was prepared would be removed by a job that must fail.

    Parameters
    ----------
    model
        The model that the config declares.
    prepared
        The description of the prepared model.
    """
    directory = Path(model.source)
    if directory.is_dir():
        return sorted(str(file) for file in directory.iterdir() if file.suffix in OF_A_MODEL)
    return [str(directory / "config.json")] if model.directory and prepared.exists() else []
