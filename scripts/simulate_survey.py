"""Simulate respondents and write them in the form of the archive's file: same variables, labels and missing codes."""

from collections.abc import Mapping
from pathlib import Path

from stimmung.data.simulate.simulated_file import simulate_codes, write_simulated_sav
from stimmung.study.reading import load_codebook, load_layout
from stimmung.study.surveys import SurveySimulation
from stimmung.vocabulary.layout import layout_of_items
from stimmung.vocabulary.row_rules import Wanted
from stimmung.workflow.run import run


def simulate_survey(
    *,
    codebook: Path,
    simulate: SurveySimulation,
    where: Mapping[str, Wanted],
    where_not: Mapping[str, Wanted],
    weight: str | None,
    language: str,
    file: Path,
) -> None:
    """Write an SPSS file. Without a layout, its columns are those of the codebook."""
    words = load_codebook(codebook)
    if simulate.layout is None:
        others = {**where, **where_not, **{name: [] for name in (weight, words.respondent_id) if name}}
        layout = layout_of_items(words.title, list(words.items.values()), others)
    else:
        layout = load_layout(Path(simulate.layout))
    codes = simulate_codes(
        words,
        layout,
        where=where,
        where_not=where_not,
        weight=weight,
        language=language,
        n=simulate.n_respondents,
        seed=simulate.seed,
    )
    write_simulated_sav(codes, layout, file)


if __name__ == "__main__":
    run(simulate_survey, snakemake)
