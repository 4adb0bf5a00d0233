"""Word each respondent's answers as a backstory in the first person."""

from pathlib import Path

from stimmung.data.surveys.hidden_answers import shown_answers
from stimmung.study.reading import load_codebook
from stimmung.text.personas import persona_messages, rendering_of
from stimmung.text.prompts import prompts_table
from stimmung.vocabulary.not_asked import NotAsked
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.view import View
from stimmung.vocabulary.votes_schemas import PROMPTS, RESPONDENTS
from stimmung.workflow.run import run


def build_personas(
    *,
    respondents: Path,
    codebook: Path,
    prompts: Path,
    language: str,
    drop_items: list[str],
    view: View | None = None,
    not_asked: NotAsked | None = None,
) -> None:
    """Write a prompts table whose messages are backstories, and the same as running text for base models."""
    words = load_codebook(codebook, view)
    table = shown_answers(read_table(respondents, RESPONDENTS), not_asked, words.target)
    rendering = rendering_of(words, language, tokenizer=None, chat=False, persona=True)
    messages = [persona_messages(row, words, language, drop_items) for row in table.to_dict("records")]
    texts = [rendering.text(one) for one in messages]
    write_table(prompts_table(table, words.target, messages, texts), prompts, PROMPTS)


if __name__ == "__main__":
    run(build_personas, snakemake)
