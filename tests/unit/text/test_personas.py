import copy

import pandas as pd
import pytest
from pydantic import ValidationError

from stimmung.text.personas import PersonaRendering, persona_messages, rendering_of
from stimmung.text.prompts import Message
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError

CONTENT = {
    "title": "t",
    "source": "s",
    "languages": ["en", "de"],
    "instruction": "One of: {options}.",
    "question": "Vote:",
    "target": "vote",
    "persona": {
        "instruction": {"en": "End it with one of: {options}.", "de": "Ergänze mit: {options}."},
        "question": {"en": "In 2017, I", "de": "Bei der Bundestagswahl 2017"},
    },
    "items": {
        "party": {
            "column": "p",
            "wording": "Party",
            "persona": {"en": "Politically, I am {answer}.", "de": "Ich stehe {answer} nahe."},
            "options": [
                {"code": 1, "label": "CDU", "persona": {"en": "close to the CDU", "de": "der CDU"}},
                {"code": 2, "label": "Grüne", "persona": {"en": "close to the Greens", "de": "den Grünen"}},
            ],
            "missing": [
                {
                    "code": -71,
                    "reason": "not-applicable",
                    "persona": {"en": "I identify with no party.", "de": "Ich stehe keiner Partei nahe."},
                },
                {"code": -99, "reason": "refused", "label": "no answer"},
            ],
        },
        "church": {
            "column": "c",
            "wording": "Goes to church",
            "options": [
                {"code": 1, "label": "yes", "persona": {"en": "I attend church.", "de": "Ich gehe zur Kirche."}},
                {"code": 2, "label": "no", "persona": {"en": "I do not attend church.", "de": "Ich gehe nicht zur Kirche."}},
            ],
        },
        "age": {
            "column": "a",
            "wording": "Age",
            "scale": "numeric",
            "format": {"en": "{value} years", "de": "{value} Jahre"},
            "persona": {"en": "I am {answer} old.", "de": "Ich bin {answer} alt."},
        },
        "phone": {"column": "f", "wording": "Phone", "options": [{"code": 1, "label": "yes"}, {"code": 2, "label": "no"}]},
        "vote": {
            "column": "v",
            "wording": "Vote",
            "options": [
                {"code": 1, "label": "CDU", "persona": {"en": "voted for the CDU", "de": "habe ich die CDU gewählt"}},
                {"code": 2, "label": "Nichtwähler", "persona": {"en": "did not vote", "de": "habe ich nicht gewählt"}},
            ],
        },
    },
}  # fmt: skip
CODEBOOK = Codebook.model_validate(CONTENT)
ANSWERS = {
    "party": "Grüne",
    "party.missing": None,
    "church": "no",
    "age": 44.0,
    "phone": "yes",
    "vote": "CDU",
}


def backstory(language="en", drop_items=(), **changes):
    return persona_messages({**ANSWERS, **changes}, CODEBOOK, language, drop_items)[1]["content"]


def test_a_respondent_speaks_in_the_first_person_in_both_languages():
    assert backstory() == "Politically, I am close to the Greens. I do not attend church. I am 44 years old."
    assert backstory("de") == "Ich stehe den Grünen nahe. Ich gehe nicht zur Kirche. Ich bin 44 Jahre alt."


def test_the_vote_is_never_in_the_backstory():
    assert backstory(vote="CDU") == backstory(vote="Nichtwähler")


def test_what_was_not_said_is_left_out_unless_the_codebook_has_a_sentence_for_it():
    filtered = {"party": pd.NA, "party.missing": "not-applicable"}
    assert backstory("de", **filtered).startswith("Ich stehe keiner Partei nahe. Ich gehe")
    assert (
        backstory(**{"party": pd.NA, "party.missing": "refused"})
        == "I do not attend church. I am 44 years old."
    )
    assert backstory(age=float("nan")).endswith("church.")


def test_a_dropped_item_is_in_no_backstory_with_its_reason_either():
    filtered = {"party": pd.NA, "party.missing": "not-applicable"}
    assert backstory(drop_items=["party"], **filtered) == backstory(drop_items=["party"])


def test_a_base_model_reads_the_backstory_alone_and_a_chat_model_the_options_too(qwen):
    messages = persona_messages(ANSWERS, CODEBOOK, "en")
    base = PersonaRendering(None, False, "In 2017, I")
    assert base.text(messages) == f"{backstory()} In 2017, I"
    chat = PersonaRendering(qwen, True, "In 2017, I").text(messages)
    assert "one of: voted for the CDU, did not vote." in chat
    assert f"{backstory()} In 2017, I" in chat and chat.endswith("assistant\n")


def test_without_a_respondent_the_question_alone_is_left_for_pmi():
    system = Message(role="system", content="x")
    assert (
        PersonaRendering(None, False, "In 2017, I").text([system, Message(role="user", content="")])
        == "In 2017, I"
    )


def test_a_codebook_without_a_frame_says_what_it_lacks():
    content = {**CONTENT, "persona": None}
    with pytest.raises(InputError, match="has no `persona`"):
        rendering_of(Codebook.model_validate(content), "en", None, False, True)


def test_two_options_that_a_persona_says_alike_are_refused():
    content = copy.deepcopy(CONTENT)
    content["items"]["vote"]["options"][1]["persona"]["de"] = "habe ich die CDU gewählt"
    with pytest.raises(ValidationError, match="two options have the same persona in 'de'"):
        Codebook.model_validate(content)


def test_a_persona_that_lacks_a_language_is_named():
    content = copy.deepcopy(CONTENT)
    del content["items"]["church"]["options"][0]["persona"]["de"]
    with pytest.raises(ValidationError, match=r"items\.church option 1, persona has no wording in 'de'"):
        Codebook.model_validate(content)
