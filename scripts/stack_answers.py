"""Stack a survey with the drawn answers of one method under one condition, as R and Stata read multiply imputed data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stimmung.evaluation.estimates.multiple_imputation import stacked_data
from stimmung.evaluation.estimates.stacked_files import write_stacked
from stimmung.evaluation.votes.condition_roles import in_words
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.votes_schemas import DRAWS, RESPONDENTS
from stimmung.workflow.run import run


def stack_answers(
    *,
    respondents: Path,
    draws: Path,
    csv: Path,
    dta: Path,
    readme: Path,
    method: str,
    condition: str,
    changes: Mapping[str, Any],
    title: str,
    target: str,
    simulated: bool,
) -> None:
    """Write the data as csv and for Stata, and a readme; ``changes`` is what the condition does, as in the config."""
    drawn = read_table(draws, DRAWS)
    stacked = stacked_data(read_table(respondents, RESPONDENTS), drawn, target=target)
    write_stacked(
        stacked,
        csv=csv,
        dta=dta,
        readme=readme,
        title=title,
        target=target,
        method=method,
        condition=condition,
        in_words=in_words(changes),
        uncertainty=next(iter(drawn["uncertainty"]), "none"),
        simulated=simulated,
    )


if __name__ == "__main__":
    run(stack_answers, snakemake)
