import pytest

from stimmung.study.reading import validated
from stimmung.text.personas import rendering_of
from stimmung.text.prompts import survey_messages
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.view import View, parent_of

NAMES = ("trust", "age", "vote", "second_vote", "strength")


def codebook(**changes):
    """A codebook of five items, named as their columns; `strength` is a part of `vote`."""
    options = [{"code": 1, "label": "low"}, {"code": 2, "label": "high"}]
    items = {name: {"column": name, "wording": name.title(), "options": options} for name in NAMES}
    items["age"] = {"column": "age", "wording": "Age", "scale": "numeric"}
    items["strength"]["part_of"] = "vote"
    book = {"title": "t", "source": "s", "instruction": "Answer.", "question": "Ballot:", "target": "vote"}
    return validated(Codebook, {**book, "items": items, **changes}, "voters.yaml")


def test_what_gives_a_target_away_stands_in_no_prompt_whichever_is_named_first():
    book = codebook(gives_away={"vote": ["second_vote"]})
    assert book.predictors == ["trust", "age"], "nor does the target's own part"
    assert book.with_target("second_vote").predictors == ["trust", "age"], "nor a part of what is left out"
    assert book.with_target("trust").predictors == ["age", "vote", "second_vote", "strength"]
    assert codebook().predictors == ["trust", "age", "second_vote"]


def test_items_that_are_no_targets_come_first_and_other_targets_can_be_hidden():
    others = {"item": "strength", "others": ["trust", "vote"]}
    assert View(**others).of(codebook()).predictors == ["age", "second_vote", "trust", "vote"]
    assert View(**others, see="items").of(codebook()).predictors == ["age", "second_vote"]
    row = dict.fromkeys(NAMES, "low") | {"age": 30.0}
    prompts = [
        survey_messages(row, View(item=item, others=[other], see="items").of(codebook()), "en")
        for item, other in (("trust", "vote"), ("vote", "trust"))
    ]
    assert prompts[0][1]["content"].startswith("Age: 30\nSecond_Vote: low")
    assert prompts[1][1]["content"] == "Age: 30\nSecond_Vote: low"
    assert all("Trust" not in prompt[1]["content"] for prompt in prompts)


def test_the_codebooks_own_target_is_asked_for_as_ever():
    book = codebook()
    assert View(item="vote").of(book) is book
    assert book.question_in("en") == "Ballot:"


def test_another_target_is_asked_for_by_its_wording_or_as_the_codebook_says():
    assert codebook().with_target("trust").question_in("en") == "Trust:"
    general = codebook(question="{wording} ({options}):")
    assert general.with_target("trust").question_in("en") == "Trust (low, high):"
    assert general.question_in("en") == "Vote (low, high):"


def test_a_chat_model_is_told_what_is_asked_unless_the_instruction_says_it():
    messages = survey_messages(dict.fromkeys(NAMES, "low") | {"age": 30.0}, codebook(), "en")

    def turns(book):
        return rendering_of(book, "en", None, chat=True, persona=False).turns(messages)

    assert turns(codebook()) == messages
    asked = turns(codebook().with_target("trust"))
    assert asked[0] == messages[0] and asked[1]["content"] == messages[1]["content"] + "\nTrust:"


def test_gives_away_names_items_of_the_codebook():
    with pytest.raises(InputError, match=r"gives_away\.vote: no item 'trsut' \(did you mean 'trust'\?\)"):
        codebook(gives_away={"vote": ["trsut"]})
    with pytest.raises(InputError, match=r"gives_away: no item 'vot'"):
        codebook(gives_away={"vot": ["trust"]})


def test_the_name_of_a_view_says_its_survey():
    assert parent_of("ess11/targets/trust") == parent_of("ess11") == "ess11"


def test_a_backstory_s_last_sentence_is_the_asked_item_s_up_to_its_answer():
    frame = {"instruction": "One of: {options}.", "question": "I voted for"}
    items = {name: {**item} for name, item in codebook().model_dump(exclude_unset=True)["items"].items()}
    items["trust"]["persona"] = "I trust others {answer}."
    book = codebook(persona=frame, items=items)
    assert book.persona_of("vote").question == "I voted for"
    assert book.with_target("trust").persona.question == {"en": "I trust others"}
    assert book.with_target("trust").persona.instruction == frame["instruction"]
    items["trust"]["persona"] = "That I {answer} trust others is so."
    assert codebook(persona=frame, items=items).with_target("trust").persona is None
