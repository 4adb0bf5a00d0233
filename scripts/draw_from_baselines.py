"""Draw each absent answer several times from a tabular method that learns anew for each draw."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stimmung.data.surveys.hidden_answers import shown_answers
from stimmung.evaluation.estimates.imputing_baselines import imputing_baseline
from stimmung.evaluation.estimates.multiple_imputation import Uncertainty, donors_of, impute_draws
from stimmung.study.reading import load_codebook
from stimmung.vocabulary.not_asked import NotAsked
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.view import View
from stimmung.vocabulary.votes_schemas import DRAWS, RESPONDENTS, SPLITS
from stimmung.workflow.run import run


def draw_from_baselines(
    *,
    respondents: Path,
    splits: Path,
    codebook: Path,
    draws: Path,
    method: str,
    condition: str,
    m: int,
    uncertainty: Uncertainty,
    cells: list[str],
    seed: int,
    language: str,
    drop_items: list[str],
    grids: Mapping[str, Mapping[str, Sequence[Any]]],
    inner_folds: int,
    view: View | None = None,
    not_asked: NotAsked | None = None,
) -> None:
    """Write the draws of one method under one condition; ``cells`` are the items of the hot deck's."""
    words = load_codebook(codebook, view)
    people = shown_answers(read_table(respondents, RESPONDENTS), not_asked, words.target)
    options = words.target_labels(language)
    items = words.predictors_without(drop_items)
    predict = imputing_baseline(
        method, items, words.target, options, cells=cells, grids=grids, inner_folds=inner_folds
    )
    drawn = impute_draws(
        people,
        donors_of(people, read_table(splits, SPLITS)),
        predict,
        target=words.target,
        options=options,
        m=m,
        seed=seed,
        uncertainty=uncertainty,
    )
    write_table(drawn.assign(method=method, condition=condition, uncertainty=uncertainty), draws, DRAWS)


if __name__ == "__main__":
    run(draw_from_baselines, snakemake)
