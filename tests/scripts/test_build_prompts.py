from scripts.build_prompts import build_prompts
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.votes_schemas import PROMPTS, RESPONDENTS


def test_every_respondent_is_worded_once_and_the_answer_stands_apart(small_study):
    respondents = read_table(small_study.respondents, RESPONDENTS)
    prompts = read_table(small_study.prompts, PROMPTS)
    assert list(prompts.respondent_id) == list(respondents.respondent_id)
    assert list(prompts.target) == list(respondents.vote.astype(str))
    row, text = respondents.iloc[3], prompts.text.iloc[3]
    assert text == (
        "How does this voter vote? One of: Red, Blue.\n\n"
        f"Party: {row.party}\nAge: {int(row.age)} years\nVote:"
    )
    system, user = prompts.messages.iloc[3]
    assert system["role"] == "system" and user["role"] == "user"
    assert text == f"{system['content']}\n\n{user['content']}\nVote:"


def test_a_dropped_item_is_in_no_prompt_and_nothing_else_changes(small_study, tmp_path):
    build_prompts(
        respondents=small_study.respondents,
        codebook=small_study.codebook,
        language="en",
        drop_items=["party"],
        prompts=tmp_path / "prompts.parquet",
    )
    full, without = (
        read_table(path, PROMPTS) for path in (small_study.prompts, tmp_path / "prompts.parquet")
    )
    assert not without.text.str.contains("Party:").any()
    assert list(without.text) == list(full.text.str.replace(r"Party: \w+\n", "", regex=True))


def test_the_same_answers_give_the_same_bytes(small_study, tmp_path):
    build_prompts(
        respondents=small_study.respondents,
        codebook=small_study.codebook,
        language="en",
        drop_items=[],
        prompts=tmp_path / "again.parquet",
    )
    assert (tmp_path / "again.parquet").read_bytes() == small_study.prompts.read_bytes()
