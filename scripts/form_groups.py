"""Make groups of respondents, with the weighted shares of their answers."""

from pathlib import Path

from stimmung.data.surveys.group_shares import shares_of_respondents, with_folds
from stimmung.study.reading import load_codebook
from stimmung.vocabulary.group_schemas import GROUP_SHARES, GROUPS
from stimmung.vocabulary.groups import Groups
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import RESPONDENTS
from stimmung.workflow.run import run


def form_groups(
    *,
    respondents: Path,
    codebook: Path,
    groups: Path,
    shares: Path,
    settings: Groups,
    targets: list[str],
    language: str,
    folds: int,
    seed: int,
) -> None:
    """Write the groups with their folds, and the shares of each option of the ``targets``."""
    words = load_codebook(codebook).with_options(targets)
    options = {name: words.items[name].labels(language) for name in targets}
    people = read_table(respondents, RESPONDENTS)
    found, of_groups = shares_of_respondents(people, settings.by, options, settings.min_n)
    write_table(with_folds(found, of_groups, folds, seed), groups, GROUPS)
    write_table(of_groups, shares, GROUP_SHARES)


if __name__ == "__main__":
    run(form_groups, snakemake)
