"""Say for one condition who is tested in which fold and who may be trained on."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stimmung.data.surveys.leaks import looked_at, near_certain
from stimmung.data.surveys.splits import split_condition
from stimmung.vocabulary.errors import warn
from stimmung.vocabulary.not_asked import NotAsked
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import RESPONDENTS, SPLITS
from stimmung.workflow.run import run

logger = logging.getLogger(__name__)


def split_respondents(
    *,
    respondents: Path,
    splits: Path,
    target: str,
    condition: str,
    exclude: Mapping[str, Sequence[str]],
    keep: Mapping[str, Sequence[str]],
    complete: Sequence[str],
    share: float | None,
    same_size_as: Mapping[str, Any] | None,
    folds: int,
    seed: int,
    other_targets: Sequence[str] = (),
    predictors: Sequence[str] = (),
    left_out: Mapping[str, Sequence[str]] | None = None,
    not_asked: NotAsked | None = None,
) -> None:
    """Write the splits table of one condition; which of the prompt's ``predictors`` all but give the target away is told."""
    answers = read_table(respondents, RESPONDENTS)
    table = split_condition(
        answers,
        target,
        condition,
        other_targets=other_targets,
        exclude=exclude,
        keep=keep,
        complete=complete,
        share=share,
        same_size_as=same_size_as,
        left_out=left_out,
        not_asked=not_asked,
        n_folds=folds,
        seed=seed,
    )
    for line in near_certain(answers[looked_at(table)], target, predictors):
        warn(logger, f"condition '{condition}': {line}")
    write_table(table, splits, SPLITS)


if __name__ == "__main__":
    run(split_respondents, snakemake)
