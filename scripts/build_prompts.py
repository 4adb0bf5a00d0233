"""Word each respondent's answers as a prompt."""

from pathlib import Path

from stimmung.study.reading import load_codebook
from stimmung.text.prompts import plain_text, prompts_table, survey_messages
from stimmung.vocabulary.codebook import in_language
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import PROMPTS, RESPONDENTS
from stimmung.workflow.run import run


def build_prompts(
    *, respondents: Path, codebook: Path, prompts: Path, language: str, drop_items: list[str]
) -> None:
    """Write the prompts table: the messages, and the same as running text for base models."""
    words = load_codebook(codebook)
    table = read_table(respondents, RESPONDENTS)
    question = in_language(words.question, language)
    messages = [survey_messages(row, words, language, drop_items) for row in table.to_dict("records")]
    texts = [plain_text(one, question) for one in messages]
    write_table(prompts_table(table, words.target, messages, texts), prompts, PROMPTS)


if __name__ == "__main__":
    run(build_prompts, snakemake)
