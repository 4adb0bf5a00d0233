"""Estimate shares, means and regressions from the answers of some respondents and predictions of all; plan more of either."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from stimmung.evaluation.estimates import rectified_estimates as estimates
from stimmung.evaluation.votes.condition_roles import in_words
from stimmung.study.reading import load_codebook
from stimmung.vocabulary.atomic_files import write_atomic
from stimmung.vocabulary.parquet_tables import empty_table, read_table, read_tables, write_table
from stimmung.vocabulary.predictions_by_target import read_predictions
from stimmung.vocabulary.rectify import Rectify
from stimmung.vocabulary.view import View
from stimmung.vocabulary.votes_schemas import INTERVIEW_PLANS, RECTIFIED, RESPONDENTS, SPLITS
from stimmung.workflow.run import run


def rectify(
    *,
    predictions: list[Path],
    splits: list[Path],
    respondents: Path,
    codebook: Path,
    parquet: Path,
    csv: Path,
    plan: Path,
    readme: Path,
    settings: Rectify,
    conditions: Mapping[str, Mapping[str, Any]],
    twins: Mapping[str, str],
    language: str,
    title: str,
    simulated: bool,
    view: View | None = None,
) -> None:
    """Write the estimates as parquet and as CSV, the plan as CSV, and a readme that explains both."""
    words = load_codebook(codebook, view)
    table = estimates.rectified_estimates(
        pd.concat([read_predictions(path, words.target) for path in predictions], ignore_index=True),
        read_tables(splits, SPLITS),
        read_table(respondents, RESPONDENTS),
        target=words.target,
        codes=words.target_codes,
        conditions=conditions,
        twins=twins,
        regressions=[regression.in_words(words, language) for regression in settings.regressions],
    )
    plans = empty_table(INTERVIEW_PLANS)
    if settings.half_width is not None:
        plans = estimates.interview_plans(
            table,
            words.target_codes,
            half_width=settings.half_width,
            price_interview=settings.price_interview,
            price_prediction=settings.price_prediction,
        )
    said = {name: in_words(condition) for name, condition in conditions.items()}
    write_table(table, parquet, RECTIFIED)
    write_atomic(csv, table.to_csv(index=False))
    write_atomic(plan, plans.to_csv(index=False))
    write_atomic(readme, estimates.readme(table, said, title=title, target=words.target, simulated=simulated))


if __name__ == "__main__":
    run(rectify, snakemake)
