"""Read a file of given shares of groups, in the words of its codebook."""

from pathlib import Path

from stimmung.data.surveys.group_shares import with_folds
from stimmung.data.surveys.share_files import shares_of_file
from stimmung.data.surveys.survey_files import fingerprint
from stimmung.study.reading import load_codebook
from stimmung.vocabulary.atomic_files import write_json
from stimmung.vocabulary.group_schemas import GROUP_SHARES, GROUPS
from stimmung.vocabulary.groups import Groups
from stimmung.vocabulary.parquet_tables import write_table
from stimmung.workflow.run import run


def read_shares(
    *,
    file: str,
    codebook: Path,
    groups: Path,
    shares: Path,
    provenance: Path,
    settings: Groups,
    targets: list[str],
    language: str,
    encoding: str | None,
    max_lost_share: float,
    folds: int,
    seed: int,
) -> None:
    """Write the groups with their folds, the shares of each option of the ``targets``, and where they come from."""
    words = load_codebook(codebook).with_options(targets)
    found, of_groups = shares_of_file(settings, file, words, targets, language, encoding, max_lost_share)
    table = with_folds(found, of_groups, folds, seed)
    write_table(table, groups, GROUPS)
    write_table(of_groups, shares, GROUP_SHARES)
    write_json(
        {
            **fingerprint(file),
            "title": words.title,
            "source": words.source,
            "simulated": words.simulated,
            "language": language,
            "target": targets if len(targets) > 1 else targets[0],
            "weight": None,
        },
        provenance,
    )


if __name__ == "__main__":
    run(read_shares, snakemake)
