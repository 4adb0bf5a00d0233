"""What is for the interviewer does not reach a prompt; what the respondent heard does."""

import pytest

from stimmung.data.surveys.draft_wording import plain, spoken, without_codes


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("Q1. How are you?", "How are you?"),
        ("Q12a: Vote (INTERVIEWER: READ OUT)", "Vote"),
        ("[DO NOT READ] Don't know", "Don't know"),
        ("INTERVIEWER: Show card. Which party did you vote for?", "Which party did you vote for?"),
        ("SHOW CARD 5. How interested are you?", "How interested are you?"),
        ("CARD 12 To what extent?", "To what extent?"),
        ("F3) [NICHT VORLESEN] Wahlabsicht", "Wahlabsicht"),
        ("Interviewer: bitte vorlesen. Wie alt sind Sie?", "Wie alt sind Sie?"),
        ("Are you a citizen? [PROBE IF NEEDED]", "Are you a citizen?"),
        ("V201231x. Party ID", "Party ID"),
        ("-99. keine Angabe", "-99. keine Angabe"),
    ],
)
def test_fault_ao_instructions_and_numbers_of_questions_are_taken_out(written, heard):
    assert spoken(written) == heard


@pytest.mark.parametrize(
    "text",
    [
        "Which party (CDU/CSU)?",
        "Trust (EU)",
        "Q1",
        "G20 countries",
        "A2 level passed",
        "Covid-19 - vaccinated",
        "Interviewer ID",
        "[x]",
    ],
)
def test_all_else_stays(text):
    assert spoken(text) == text


def test_codes_leave_labels_only_where_all_begin_with_their_own():
    assert without_codes({"1": "1. Yes", "2": "2. No", "-9": "-9. Refused"}) == {
        "1": "Yes",
        "2": "No",
        "-9": "Refused",
    }
    assert without_codes({"1": "1 left", "11": "11 right"}) == {"1": "left", "11": "right"}
    assert without_codes({"1": "1 left", "9": "Refused"}) == {"1": "1 left", "9": "Refused"}
    assert without_codes({"1": "1. FC", "2": "VfB", "3": "HSV"}) == {"1": "1. FC", "2": "VfB", "3": "HSV"}


def test_words_are_compared_without_accents_and_codes():
    assert plain("-9. WEIß  nicht") == "weiss nicht" and plain("Don’t") == "don't" and plain("não") == "nao"
