"""Make up respondents and write them as the archive writes its file: same variables, labels and missing codes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stimmung.data.simulate.simulated_file import simulate_codes, write_simulated_sav
from stimmung.study.reading import load_codebook, load_layout
from stimmung.vocabulary.codebook import Code
from stimmung.vocabulary.layout import layout_of_items
from stimmung.workflow.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def simulate_survey(
    *,
    codebook: Path,
    layout: Path | None,
    where: Mapping[str, Sequence[Code]],
    where_not: Mapping[str, Sequence[Code]],
    weight: str | None,
    language: str,
    n_respondents: int,
    seed: int,
    output: Path,
) -> None:
    """Write an SPSS file. Without a layout its columns are those that the codebook names."""
    words = load_codebook(codebook)
    if layout is None:
        others = {**where, **where_not, **{name: [] for name in (weight, words.respondent_id) if name}}
        columns = layout_of_items(words.title, list(words.items.values()), others)
    else:
        columns = load_layout(layout)
    codes = simulate_codes(
        words,
        columns,
        where=where,
        where_not=where_not,
        weight=weight,
        language=language,
        n=n_respondents,
        seed=seed,
    )
    write_simulated_sav(codes, columns, output)


if __name__ == "__main__":
    with job(snakemake):
        simulate_survey(
            codebook=Path(snakemake.input.codebook),
            layout=Path(snakemake.input.layout) if snakemake.input.layout else None,
            where=snakemake.params.where,
            where_not=snakemake.params.where_not,
            weight=snakemake.params.weight,
            language=snakemake.params.language,
            n_respondents=snakemake.params.simulate["n_respondents"],
            seed=snakemake.params.simulate["seed"],
            output=Path(snakemake.output.file),
        )
