"""Draw each absent answer several times from the predictions of a model that learned nothing from the survey."""

from pathlib import Path

from stimmung.evaluation.estimates.donor_scaling import donor_scaling
from stimmung.evaluation.estimates.multiple_imputation import donors_of, draw_answers, tell_silent
from stimmung.study.reading import load_codebook
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.predictions_by_target import read_predictions
from stimmung.vocabulary.view import View
from stimmung.vocabulary.votes_schemas import DRAWS, RESPONDENTS, SPLITS, option_columns, options_of
from stimmung.workflow.run import run


def draw_from_predictions(
    *,
    respondents: Path,
    predictions: Path,
    splits: Path,
    codebook: Path,
    draws: Path,
    method: str,
    condition: str,
    m: int,
    seed: int,
    calibration: str,
    view: View | None = None,
) -> None:
    """Write the draws of one method under one condition: the uncertainty of its model is in none of them."""
    people = read_table(respondents, RESPONDENTS)
    donors = donors_of(people, read_table(splits, SPLITS))
    asked = people[~donors]
    target = load_codebook(codebook, view).target
    tell_silent(asked, target)
    found = read_predictions(predictions, target)
    scale = donor_scaling(found, people["respondent_id"][donors], calibration)
    predicted = found.set_index("respondent_id")
    ids = list(asked["respondent_id"])
    if lacking := len(set(ids) - set(predicted.index)):
        raise InputError(f"{predictions}: no prediction of {lacking} of {len(ids)} respondents to be imputed")
    probabilities = scale(predicted.loc[ids, option_columns(predicted)].to_numpy(dtype=float))
    drawn = draw_answers([probabilities] * m, ids, options_of(predicted), seed)
    write_table(drawn.assign(method=method, condition=condition, uncertainty="none"), draws, DRAWS)


if __name__ == "__main__":
    run(draw_from_predictions, snakemake)
