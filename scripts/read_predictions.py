"""Read a file of predictions that somebody made elsewhere, as a method beside arms and baselines."""

from pathlib import Path

import pandas as pd

from stimmung.data.surveys.prediction_files import predictions_from_file
from stimmung.study.reading import load_codebook
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.prediction_file import PredictionFile
from stimmung.vocabulary.view import View
from stimmung.vocabulary.votes_schemas import NO_FOLD, PREDICTIONS, RESPONDENTS, SPLITS
from stimmung.workflow.run import run


def read_predictions(
    *,
    respondents: Path,
    splits: Path,
    codebook: Path,
    predictions: Path,
    settings: PredictionFile,
    file: str,
    encoding: str | None,
    max_lost_share: float,
    language: str,
    method: str,
    seed: int,
    view: View | None = None,
) -> None:
    """Write the predictions table; ``file`` and ``encoding`` are the survey's own, ``settings`` say where the predictions are."""
    words = load_codebook(codebook, view)
    people = read_table(respondents, RESPONDENTS)
    folds = read_table(splits, SPLITS)
    rows = people.merge(folds, on="respondent_id", validate="one_to_one")
    ids = list(rows["respondent_id"])
    table = predictions_from_file(settings, words, language, ids, file, encoding, max_lost_share)
    n_unseen = table.pop("n_unseen")
    about = rows[["respondent_id", "condition", "fold", "weight"]].assign(
        method=method, seed=seed, target=rows[words.target].astype(str).where(rows["fold"] != NO_FOLD, None)
    )
    described = about[["respondent_id", "method", "condition", "seed", "fold", "target", "weight"]]
    # Who has no prediction is as one of whom a server showed no option.
    mass = (n_unseen == 0).astype(float)
    read_out = pd.DataFrame({"option_mass": mass, "normalization": "none", "n_unseen": n_unseen})
    write_table(
        pd.concat([described, table.drop(columns="respondent_id"), read_out], axis=1),
        predictions,
        PREDICTIONS,
    )


if __name__ == "__main__":
    run(read_predictions, snakemake)
