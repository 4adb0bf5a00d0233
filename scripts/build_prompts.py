"""Word each respondent's answers as a prompt."""

from pathlib import Path

from stimmung.data.surveys.hidden_answers import shown_answers
from stimmung.study.reading import load_codebook
from stimmung.text.prompts import plain_text, prompts_table, survey_messages
from stimmung.vocabulary.not_asked import NotAsked
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.view import View
from stimmung.vocabulary.votes_schemas import PROMPTS, RESPONDENTS
from stimmung.workflow.run import run


def build_prompts(
    *,
    respondents: Path,
    codebook: Path,
    prompts: Path,
    language: str,
    drop_items: list[str],
    view: View | None = None,
    not_asked: NotAsked | None = None,
) -> None:
    """Write the prompts table: the messages, and the same as running text for base models."""
    words = load_codebook(codebook, view)
    table = shown_answers(read_table(respondents, RESPONDENTS), not_asked, words.target)
    question = words.question_in(language)
    messages = [survey_messages(row, words, language, drop_items) for row in table.to_dict("records")]
    texts = [plain_text(one, question) for one in messages]
    write_table(prompts_table(table, words.target, messages, texts), prompts, PROMPTS)


if __name__ == "__main__":
    run(build_prompts, snakemake)
