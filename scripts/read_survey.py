"""Read a survey file into the table of respondents, in the words of its codebook."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from stimmung.data.surveys.respondents import missing_counts, needed_columns, respondents_table
from stimmung.data.surveys.survey_files import fingerprint, read_survey_file
from stimmung.study.reading import load_codebook
from stimmung.vocabulary.atomic_files import write_json
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import write_table
from stimmung.vocabulary.row_rules import MAX_LOST_SHARE, Wanted
from stimmung.vocabulary.votes_schemas import RESPONDENTS
from stimmung.workflow.run import run

logger = logging.getLogger(__name__)


def read_survey(
    *,
    file: str,
    codebook: Path,
    language: str,
    where: Mapping[str, Wanted],
    weight: str | None,
    group: str | None = None,
    strata: str | None = None,
    clusters: str | None = None,
    where_not: Mapping[str, Wanted] | None = None,
    encoding: str | None = None,
    max_lost_share: float = MAX_LOST_SHARE,
    simulated: bool = False,
    targets: Sequence[str] = (),
    respondents: Path,
    provenance: Path,
) -> None:
    """Write the respondents table and its provenance; ``targets`` are predicted, or the codebook's own."""
    words = load_codebook(codebook)
    columns = needed_columns(words, where, weight, where_not, group, strata, clusters)
    survey = read_survey_file(file, columns, encoding, max_lost_share)
    simulated = simulated or words.simulated
    if survey.simulated and not simulated:
        raise InputError(
            f"{file} says that its respondents are simulated, but neither study nor codebook does",
            "Use the survey's `simulate`, or set `simulated: true` in the codebook, so that no table hides it.",
        )
    table = respondents_table(
        survey,
        words,
        language,
        where,
        weight,
        where_not,
        group,
        strata,
        clusters,
        targets=targets,
        max_lost_share=max_lost_share,
    )
    missing = missing_counts(table, list(words.items))
    logger.info("%d of %d rows kept; answers absent: %s", len(table), len(survey.codes), missing or "none")
    write_table(table, respondents, RESPONDENTS)
    write_json(
        {
            **fingerprint(file),
            "n_rows_read": len(survey.codes),
            "n_rows_kept": len(table),
            "where": _plain(where),
            "title": f"{words.title} (simulated respondents)"
            if simulated and not words.simulated
            else words.title,
            "source": words.source,
            "where_not": _plain(where_not or {}),
            "simulated": simulated,
            "language": language,
            "target": list(targets) if len(targets) > 1 else (*targets, words.target)[0],
            "weight": weight,
            "missing": missing,
        },
        provenance,
    )


def _plain(conditions: Mapping[str, Wanted]) -> dict[str, Any]:
    return TypeAdapter(dict[str, Wanted]).dump_python(dict(conditions), exclude_none=True)


if __name__ == "__main__":
    run(read_survey, snakemake)
