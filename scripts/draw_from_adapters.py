"""Draw each absent answer once from what each imputation's adapter says."""

from pathlib import Path

from stimmung.engine.base.base_model import load_base
from stimmung.engine.base.devices import use_threads
from stimmung.engine.scoring.imputation_adapters import read_with_each
from stimmung.engine.scoring.local_scorer import LocalScorer
from stimmung.evaluation.estimates.donor_scaling import donor_scaling
from stimmung.evaluation.estimates.multiple_imputation import (
    Uncertainty,
    donors_of,
    draw_answers,
    tell_silent,
)
from stimmung.store.adapter_folders import restore
from stimmung.store.paths import Store
from stimmung.study.reading import load_codebook
from stimmung.text.personas import rendering_of
from stimmung.vocabulary.arms import ARMS
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.predictions_by_target import read_predictions
from stimmung.vocabulary.scoring import Scoring
from stimmung.vocabulary.view import View
from stimmung.vocabulary.votes_schemas import DRAWS, PROMPTS, RESPONDENTS, SPLITS
from stimmung.workflow.run import run


def draw_from_adapters(
    *,
    base: Path,
    adapters: Path,
    respondents: Path,
    prompts: Path,
    predictions: Path,
    splits: Path,
    codebook: Path,
    draws: Path,
    method: str,
    arm: str,
    condition: str,
    m: int,
    uncertainty: Uncertainty,
    seed: int,
    calibration: str,
    language: str,
    chat: bool,
    scoring: Scoring,
    tokens_per_batch: int,
    store: Path,
    threads: int,
    view: View | None = None,
) -> None:
    """Write the draws of one tuned arm under one condition; ``adapters`` holds a folder for each.

    ``predictions`` are those of the arm's folds, by which the probabilities are calibrated."""
    use_threads(threads)
    words, kind = load_codebook(codebook, view), ARMS[arm]
    people = read_table(respondents, RESPONDENTS)
    donors = donors_of(people, read_table(splits, SPLITS))
    asked = people[~donors]
    options, ids = words.target_labels(language), list(asked["respondent_id"])
    about = {"method": method, "condition": condition, "uncertainty": uncertainty}
    if not ids:
        write_table(draw_answers([], [], options, seed).assign(**about), draws, DRAWS)
        return
    tell_silent(asked, words.target)
    folders = [adapters / f"draw-{draw:03d}" for draw in range(1, m + 1)]
    for folder in folders:
        restore(folder, Store(store))
    answers = words.persona_answers(language) if kind.persona else options
    model = load_base(base.parent)
    rendering = rendering_of(words, language, model.tokenizer, chat, kind.persona)
    scorer = LocalScorer(model, rendering, answers, folders, scoring, tokens_per_batch)
    of_folds = read_predictions(predictions, words.target)
    scale = donor_scaling(of_folds, people["respondent_id"][donors], calibration)
    probabilities = [scale(one) for one in read_with_each(scorer, read_table(prompts, PROMPTS), ids)]
    write_table(draw_answers(probabilities, ids, options, seed).assign(**about), draws, DRAWS)


if __name__ == "__main__":
    run(draw_from_adapters, snakemake)
