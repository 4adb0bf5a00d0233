"""Predict every respondent with the baselines that belong to what a condition leaves out: waves, or an item that nobody was asked."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from stimmung.baselines.nearest_item import by_nearest_item
from stimmung.baselines.predict_folds import predict_each_fold
from stimmung.baselines.registry import UNASKED_BASELINES
from stimmung.baselines.waves import by_wave
from stimmung.data.surveys.hidden_answers import shown_answers
from stimmung.study.reading import load_codebook
from stimmung.vocabulary.not_asked import NotAsked
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.view import View
from stimmung.vocabulary.votes_schemas import PREDICTIONS, RESPONDENTS, SPLITS
from stimmung.workflow.run import run


def predict_left_out(
    *,
    respondents: Path,
    splits: Path,
    codebook: Path,
    predictions: Path,
    baseline: str,
    language: str,
    drop_items: Sequence[str],
    left_out: Mapping[str, Sequence[str]],
    condition: str,
    seed: int,
    view: View | None = None,
    not_asked: NotAsked | None = None,
) -> None:
    """Write the predictions table of one baseline; ``left_out`` is the item of the waves, with those left out."""
    words = load_codebook(codebook, view)
    people, folds = read_table(respondents, RESPONDENTS), read_table(splits, SPLITS)
    options = words.target_labels(language)
    unasked = baseline in UNASKED_BASELINES
    predict = (
        by_nearest_item(words, [*drop_items, *not_asked.items], language, own=baseline == "nearest-item")
        if not_asked is not None and unasked
        else by_wave(words.target, options, left_out, baseline)
    )
    table = predict_each_fold(
        baseline,
        shown_answers(people, not_asked, words.target),
        folds,
        predict,
        target=words.target,
        options=options,
        condition=condition,
        seed=seed,
        learns=not unasked,
    )
    write_table(table, predictions, PREDICTIONS)


if __name__ == "__main__":
    run(predict_left_out, snakemake)
