"""Word each respondent's answers as a backstory in the first person."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stimmung.study.reading import load_codebook
from stimmung.text.personas import persona_messages, rendering_of
from stimmung.text.prompts import prompts_table
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import PROMPTS, RESPONDENTS
from stimmung.workflow.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def build_personas(
    *, respondents: Path, codebook: Path, language: str, drop_items: Sequence[str], output: Path
) -> None:
    """Write a prompts table whose messages are backstories, and the same as running text for base models."""
    words = load_codebook(codebook)
    table = read_table(respondents, RESPONDENTS)
    rendering = rendering_of(words, language, tokenizer=None, chat=False, persona=True)
    messages = [persona_messages(row, words, language, drop_items) for row in table.to_dict("records")]
    texts = [rendering.text(one) for one in messages]
    write_table(prompts_table(table, words.target, messages, texts), output, PROMPTS)


if __name__ == "__main__":
    with job(snakemake):
        build_personas(
            respondents=Path(snakemake.input.respondents),
            codebook=Path(snakemake.input.codebook),
            language=snakemake.params.language,
            drop_items=snakemake.params.drop_items,
            output=Path(snakemake.output.prompts),
        )
