"""Absent answers, in the languages of large surveys, and what is none."""

import pytest

from stimmung.data.surveys.draft_missing import is_doubtful, missing_numbers, reason_in, reason_within


@pytest.mark.parametrize(
    ("reason", "labels"),
    [
        (
            "dont-know",
            "Don't know|Don’t know|DON`T KNOW|Dont know|Don t know|8 Don't know|(8) DK|[Don't know]|Don't know (spontaneous)|"
            "Do not know [DO NOT READ]|Can't choose|Not sure|Haven't thought much about this|"
            "Don't Know/Refused (VOL.)|NS/NC|NSP|No sabe|No sé|weiß nicht|weiss nicht|"
            "ne sait pas|Não sabe/Não responde|Non sa|Weet niet|Nie wiem|Trudno powiedzieć|Vet ej|Ved ikke|Vet ikke|Ei osaa sanoa|"
            "Не знаю|わからない",
        ),
        (
            "refused",
            "Refused|Refusal|-9. Refused|Prefer not to say|Rather not say|Declined to answer|R refused|keine Angabe|k.A.|Verweigert|"
            "Antwort verweigert|Refus|Préfère ne pas répondre|Prefiero no responder|Não quer responder|Preferisco non rispondere|"
            "Odmowa odpowiedzi|Vil ikke svare|Weigert",
        ),
        (
            "not-applicable",
            "Not applicable|Not asked|nicht gefragt|Nicht zutreffend|No aplica|Niet van toepassing|Nie dotyczy",
        ),
        (
            "no-answer",
            "No answer|NA|(9) NA|N/A|99 Missing|No response|Not ascertained|Sans réponse|No contesta|Non risponde|Geen antwoord|"
            "Keine Antwort|Brak odpowiedzi|Ubesvaret|Ne se prononce pas",
        ),
        ("filter", "Inap|1. Inap, question not used|trifft nicht zu|Skipped"),
    ],
)
def test_fault_af_absent_answers_are_known_by_their_labels(reason, labels):
    assert {label: reason_in(label) for label in labels.split("|")} == dict.fromkeys(
        labels.split("|"), reason
    )


def test_what_is_an_answer_stays_one():
    answers = "Yes|No|Nein|Non|Green|Norway|Other|Would not vote|Ungültig|Blank|Nadie Gonzalez|Sonstige|Labour|Don Quijote|Nationals"
    assert [label for label in answers.split("|") if reason_in(label) or is_doubtful(label)] == []


def test_what_may_be_either_is_doubtful():
    for label in (
        "None",
        "Ninguno",
        "Aucun",
        "Keine",
        "Undecided",
        "Don't know enough to say",
        "Refused to name a party",
    ):
        assert reason_in(label) is None and is_doubtful(label), label
    assert reason_within("Refused to name a party") == "refused"


def test_the_end_of_a_scale_is_an_answer():
    assert is_doubtful("trifft nicht zu", ["trifft voll zu", "trifft eher zu", "trifft nicht zu"])


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([1, 2, -99], [-99]),
        ([-1, 0, 1], []),
        ([-2, -1, 1, 2], []),
        ([*range(-17, 19)], []),
        ([-1, *range(11)], [-1]),
        ([-8, -2, 500, 1000], [-8, -2]),
        ([1, 2, 3, 4, 5, 7], [7]),
        ([1, 2, 8, 9], [8, 9]),
        ([1, 2, 6, 8], [6, 8]),
        ([1, 2, 3, 4, 6], []),
        ([1, 2, 3, 5, 6, 7], []),
        ([*range(1, 10)], []),
        ([*range(11), 77, 88, 99], [77, 88, 99]),
        ([*range(1, 10), 55, 66, 77, 88], [66, 77, 88]),
        ([*range(15, 95), 999], [999]),
        ([*range(18, 96), 97, 98, 99], []),
        ([*range(32), 40, 77, 88], [77, 88]),
        ([2500, 7500, 15000, 99999], [99999]),
        ([1, 4, 322], []),
        ([1.5, 2.5, -99], [-99]),
    ],
)
def test_fault_ae_codes_that_stand_apart_are_missing_by_convention(numbers, missing):
    numbers = [float(number) for number in numbers]
    assert sorted(missing_numbers(numbers, numbers)) == sorted(missing)


def test_a_code_with_a_label_is_no_guess():
    numbers = [1.0, 2.0, 3.0, 9.0]
    assert (
        list(missing_numbers(numbers, numbers)) == [9.0] and missing_numbers(numbers, [1.0, 2.0, 3.0]) == {}
    )
