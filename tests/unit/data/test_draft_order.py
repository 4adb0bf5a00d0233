"""Order by words and by numbers."""

import pytest

from stimmung.data.surveys.draft_order import is_scale_of_numbers, order_of


@pytest.mark.parametrize(
    "labels",
    [
        "strongly agree|agree|neither agree nor disagree|disagree|strongly disagree",
        "Very satisfied|Fairly satisfied|Not very satisfied|Not at all satisfied",
        "A great deal|Quite a lot|Not very much|None at all",
        "Excellent|Very good|Good|Fair|Poor",
        "Much better|Somewhat better|About the same|Somewhat worse|Much worse",
        "Too little|About right|Too much",
        "extremely liberal|liberal|slightly liberal|moderate|slightly conservative|conservative|extremely conservative",
        "Every day|Several times a week|Once a week|2-3 times a month|Once a month|Several times a year|Less often|Never",
        "Always|Most of the time|About half the time|Some of the time|Never",
        "18-24|25-34|35-44|65 and older",
        "Under $3,000|$3,000-$4,999|$5,000 or more",
        "less than high school|high school|junior college|bachelor|graduate",
        "Trust completely|Trust somewhat|Do not trust very much|Do not trust at all",
        "Never|Just once or twice|Several times|Many times|Always",
        "stimme voll und ganz zu|stimme eher zu|weder noch|stimme eher nicht zu|stimme überhaupt nicht zu",
        "trifft voll zu|trifft eher zu|teils/teils|trifft eher nicht zu|trifft nicht zu",
        "sehr stark|stark|mittelmäßig|weniger stark|überhaupt nicht",
        "täglich|mehrmals pro Woche|einmal pro Woche|mehrmals im Monat|einmal im Monat|seltener|nie",
        "Tout à fait d'accord|Plutôt d’accord|Plutôt pas d'accord|Pas du tout d'accord",
        "Muy de acuerdo|De acuerdo|Ni de acuerdo ni en desacuerdo|En desacuerdo|Muy en desacuerdo",
        "Mucho|Bastante|Poco|Nada",
        "Concordo totalmente|Concordo|Nem concordo nem discordo|Discordo|Discordo totalmente",
        "Molto|Abbastanza|Poco|Per niente",
        "Helemaal mee eens|Mee eens|Niet mee eens, niet mee oneens|Mee oneens|Helemaal mee oneens",
        "Zdecydowanie tak|Raczej tak|Raczej nie|Zdecydowanie nie",
        "Mycket nöjd|Ganska nöjd|Varken nöjd eller missnöjd|Ganska missnöjd|Mycket missnöjd",
        "Helt enig|Delvis enig|Hverken eller|Delvis uenig|Helt uenig",
    ],
)
def test_fault_ao_a_scale_in_words_is_known_in_either_direction(labels):
    words = labels.split("|")
    assert order_of(words) == list(range(len(words))) == order_of(words[::-1])


def test_words_in_another_order_are_sorted_from_the_end_that_comes_first():
    assert order_of(["agree", "disagree", "neither"]) == [0, 2, 1]
    assert order_of(["always", "never", "sometimes"]) == [0, 2, 1]
    assert order_of(["Bachelor's degree", "High school", "Less than high school", "Master's degree"]) == [
        2,
        1,
        0,
        3,
    ]


@pytest.mark.parametrize(
    "labels",
    [
        "Labour|Conservative|Liberal Democrat",
        "red|none|blue",
        "white|black|other",
        "Yes|No|Maybe",
        "North|South|East|West",
        "single|married|divorced",
        "Employed full time|Employed part time|Retired|Student",
        "Protestant|Catholic|Jewish|None|Other",
        "SPD|CDU|Grüne",
        "Party 1|Party 2|Party 3",
    ],
)
def test_groups_have_no_order(labels):
    assert order_of(labels.split("|")) is None


def test_fault_ao_numbers_are_a_scale_by_their_span():
    assert (
        is_scale_of_numbers([*range(11)])
        and is_scale_of_numbers([*range(1, 12)])
        and is_scale_of_numbers([-1, 0, 1])
    )
    assert (
        not is_scale_of_numbers([1, 2, 3])
        and not is_scale_of_numbers([*range(1, 9)])
        and not is_scale_of_numbers([1, 4, 7])
    )
    assert is_scale_of_numbers([1, 5, 6, 9], labelled=[1, 9]) and not is_scale_of_numbers(
        [1, 2, 3, 4], labelled=[2]
    )
