"""Predict every respondent with the baselines, each by a model that was not trained on the respondent."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stimmung.baselines.predict_folds import predict_folds
from stimmung.baselines.registry import BASELINES
from stimmung.data.surveys.hidden_answers import shown_answers
from stimmung.study.reading import load_codebook
from stimmung.vocabulary.not_asked import NotAsked
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.view import View
from stimmung.vocabulary.votes_schemas import PREDICTIONS, RESPONDENTS, SPLITS
from stimmung.workflow.run import run


def predict_baselines(
    *,
    respondents: Path,
    splits: Path,
    codebook: Path,
    predictions: list[Path],
    baselines: list[str],
    language: str,
    drop_items: list[str],
    grids: Mapping[str, Mapping[str, Sequence[Any]]],
    inner_folds: int,
    condition: str,
    seed: int,
    view: View | None = None,
    not_asked: NotAsked | None = None,
) -> None:
    """Write one predictions table for each baseline, in the order of ``baselines``."""
    words = load_codebook(codebook, view)
    answers = shown_answers(read_table(respondents, RESPONDENTS), not_asked, words.target)
    folds = read_table(splits, SPLITS)
    tables = [
        predict_folds(
            name,
            answers,
            folds[folds.condition == condition],
            predictors=words.predictors_without(drop_items),
            target=words.target,
            options=words.target_labels(language),
            grid=grids.get(name, BASELINES[name].grid),
            inner_folds=inner_folds,
            condition=condition,
            seed=seed,
        )
        for name in baselines
    ]
    for table, path in zip(tables, predictions, strict=True):
        write_table(table, path, PREDICTIONS)


if __name__ == "__main__":
    run(predict_baselines, snakemake)
