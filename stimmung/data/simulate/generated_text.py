"""Training text of the built-in base model: simulated questionnaires, filled in by simulated respondents.

Answers follow one latent trait, so that items correlate as they do in a survey. Invented parties have a fixed place on it.
Real names are given a random place in every document, so that the model learns how a questionnaire reads, and nothing about
how anybody votes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class _Language:
    """Wordings of one language: items with ordered answers, numeric items, target questions, and instructions."""

    items: Sequence[tuple[str, Sequence[str]]]
    numbers: Sequence[tuple[str, str, int, int]]
    made_up: Sequence[tuple[str, Sequence[str]]]
    real: Sequence[tuple[str, Sequence[str]]]
    instructions: Sequence[str]


_AGREE = ("strongly disagree", "disagree", "neither agree nor disagree", "agree", "strongly agree")
_TIMES = ("never", "less than once a week", "once a week", "several times a week", "daily")
_SIDES = (
    "extremely liberal",
    "liberal",
    "slightly liberal",
    "moderate",
    "slightly conservative",
    "conservative",
    "extremely conservative",
)
_SCHOOLING = (
    "no school", "1-8 grades", "some high school", "high school graduate", "some college",
    "college degree", "master's degree", "doctorate"
)  # fmt: skip
_RATINGS = ("very poor", "poor", "fair", "good", "very good")
_CHANGES = ("much worse", "worse", "about the same", "better", "much better")
_EINIG = (
    "stimme überhaupt nicht zu",
    "stimme eher nicht zu",
    "teils/teils",
    "stimme eher zu",
    "stimme voll zu",
)
_LAGE = ("sehr schlecht", "schlecht", "teils gut, teils schlecht", "gut", "sehr gut")
_RICHTUNG = ("sehr links", "links", "eher links", "mittig", "eher rechts", "rechts", "sehr rechts")

_ENGLISH = _Language(
    items=(
        ("Own left-right placement", _SIDES),
        ("Placement of the president", _SIDES),
        ("Placement of the challenger", _SIDES),
        ("Views of the candidate", _SIDES),
        (
            "Party identification",
            (
                "strong Democrat",
                "weak Democrat",
                "independent-Democrat",
                "independent",
                "independent-Republican",
                "weak Republican",
                "strong Republican",
            ),
        ),
        ("Education", _SCHOOLING),
        ("Church attendance", _TIMES),
        ("Watches TV news", _TIMES),
        ("Interest in politics", ("not at all", "a little", "somewhat", "very much", "extremely")),
        ("Economy compared with last year", _CHANGES),
        ("Household finances", _CHANGES),
        ("National economic conditions", _RATINGS),
        ("Rating of the prime minister", _RATINGS),
        ("Rating of the opposition leader", _RATINGS),
        ("Attitude toward European integration", _AGREE),
        ("Reduce income differences", _AGREE),
        ("Immigration should be easier", _AGREE),
        ("Knowledge of party positions", ("none", "low", "medium", "high")),
        ("Gender", ("female", "male")),
        ("Employment", ("student", "unemployed", "part time", "full time", "retired")),
        ("Region", ("north", "south", "east", "west", "the capital")),
        ("Trusts the government", ("no", "yes", "don't know", "refused", "not applicable")),
    ),
    numbers=(
        ("Age", " years", 18, 95),
        ("News in the past week", " days a week", 0, 7),
        ("Population", " thousand", 0, 990),
        ("Income", ",000 dollars", 1, 120),
        ("Income in pounds", " pounds", 100, 9000),
        ("Children", "", 0, 6),
        ("Score", " points", -3, 3),
        ("Rating of the leader", " of 5", 1, 5),
        ("Rating of the party", " of 7", 1, 7),
        ("Support for the union", " of 11", 1, 11),
        ("Knowledge", " of 3", 0, 3),
    ),
    made_up=(
        ("Vote", ("Amber", "Cobalt")),
        ("Vote", ("Amber", "Birch", "Cobalt")),
        ("Party", ("Birch", "Dune", "Elder", "Frost")),
        ("Choice", ("Amber", "Dune", "none", "Elder", "Frost")),
        ("Vote", ("Glade", "Heron")),
    ),
    real=(
        ("Vote", ("Clinton", "Dole")),
        ("Vote", ("Labour", "Conservative", "Liberal Democrat")),
        ("Vote", ("Trump", "Clinton", "did not vote")),
        ("Vote", ("yes", "no", "undecided", "will abstain")),
        ("Answer", ("yes", "no")),
        ("Answer", ("agree", "disagree", "neither")),
        ("Party", ("left", "right", "centre", "green", "other party", "none")),
        ("Choice", ("first", "second", "third", "fourth")),
        ("Choice", ("A", "B", "C", "D", "E")),
    ),
    instructions=(
        "Survey answers of one voter. Which of these is the vote: {options}?",
        "Given the survey answers of a respondent, return one of: {options}.",
        "Please say how this person voted. Options: {options}.",
        "Predict the answer of the participant. Return a label from {options} only.",
    ),
)
_GERMAN = _Language(
    items=(
        ("Links-Rechts-Einstufung", _RICHTUNG),
        ("Wirtschaftliche Lage", _LAGE),
        ("Eigene Lage", _LAGE),
        ("Zuwanderung", _EINIG),
        ("Einkommensunterschiede verringern", _EINIG),
        ("Parteiidentifikation", ("Linke", "Grüne", "SPD", "keine Partei", "FDP", "CDU", "AfD")),
        (
            "Parteiidentifikation Stärke",
            ("sehr schwach", "ziemlich schwach", "mäßig", "ziemlich stark", "sehr stark"),
        ),
        ("Bildung", ("Hauptschulabschluss", "Realschulabschluss", "Fachhochschulreife", "Abitur")),
        ("Geschlecht", ("weiblich", "männlich")),
        ("Erwerbstätigkeit", ("Schüler", "Student", "arbeitslos", "Teilzeit", "Vollzeit", "Rentner")),
        (
            "Religiosität",
            ("überhaupt nicht religiös", "nicht sehr religiös", "etwas religiös", "sehr religiös"),
        ),
        ("Ost-West", ("Westdeutschland", "Ostdeutschland")),
        ("Vertrauen", ("nein", "ja", "weiß nicht", "keine Angabe", "trifft nicht zu")),
    ),
    numbers=(
        ("Alter", " Jahre", 16, 95),
        ("Jahr", "", 2009, 2021),
        ("Haushaltseinkommen", " Euro", 500, 9000),
    ),
    made_up=(("Wahlentscheidung", ("Ahorn", "Buche", "Kiefer")), ("Antwort", ("Linde", "Tanne"))),
    real=(
        ("Wahlentscheidung", ("CDU", "SPD", "AfD", "Grüne", "Linke", "FDP", "andere Partei", "Nichtwähler")),
        ("Antwort", ("ja", "nein", "weiß nicht")),
    ),
    instructions=(
        "Antworten einer befragten Person. Die Wahlentscheidung ist eine von: {options}.",
        "Bitte gib nur eine der Antworten zurück: {options}.",
    ),
)


# Words of questionnaires in several countries: the tokenizer knows them, so that prompts have few tokens.
_MORE_WORDS = """
Sees Clinton as Dole Own politics Which party does this voter vote for in the presidential election British general national
Blair Hague Kennedy Labour Conservative Liberal Democrat economy household Euroscepticism political knowledge European
primary secondary post-secondary none less than or more high school bachelor's advanced community grades
plebiscite Pinochet Chile status quo scale urban rural Santiago monthly inhabitants keep remain eight years
strongly support oppose favor against approve disapprove important problem news newspaper television internet
married single divorced widowed religion Protestant Catholic Jewish Muslim other white black Hispanic Asian
how what when where who why is are was were be been it its his her their our your my me we us I he she
and but if so to of in on at by from with about into over under after before between during without within
0 1 2 3 4 5 6 7 8 9 $ % not very much many most some any all each every only also too even still just US TV UK EU
get got go went come came make made take took see saw know think want say said give gave feel felt keep
day days week weeks month months year years time today tomorrow yesterday morning night home work job money life people
good bad new old great little big long short high low right wrong same different better best worse worst
How often would you say do they discuss family friends race ethnicity feel patriotic flag president Trump Obama Romney
Wahlentscheidung Bundestagswahl Zweitstimme Partei wählen Wähler Nichtwähler Befragte Person Antwort Lage Einstellung
"""


def questionnaires(n: int, seed: int) -> Iterator[str]:
    """Yield ``n`` completed questionnaires as plain text, on average three in four in English, the others in German."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        yield _questionnaire(_ENGLISH if rng.random() < 0.75 else _GERMAN, rng)


def vocabulary() -> list[str]:
    """Return texts with words that the questionnaires may lack, for the tokenizer only."""
    words = sorted({form for word in _MORE_WORDS.split() for form in (word, word.lower(), word.capitalize())})
    return [f" {word} {word}\n{word}" for word in words] * 20


def _questionnaire(language: _Language, rng: np.random.Generator) -> str:
    asked = [_question(language, rng) for _ in range(3)]
    instruction = language.instructions[int(rng.integers(len(language.instructions)))]
    shown = [asked[0][1][index] for index in rng.permutation(len(asked[0][1]))]
    parts = [instruction.replace("{options}", ", ".join(shown))]
    items = rng.choice(len(language.items), size=rng.integers(3, 8), replace=False)
    numbers = rng.choice(
        len(language.numbers), size=rng.integers(0, 5) % len(language.numbers), replace=False
    )
    for _ in range(rng.choice([1, 1, 2])):
        trait = rng.normal()
        lines = [
            f"{language.items[item][0]}: {_answer(language.items[item][1], trait, rng)}" for item in items
        ]
        lines += [_number(language.numbers[number], trait, rng) for number in numbers]
        lines = [lines[index] for index in rng.permutation(len(lines))]
        # Several questions, so that each respondent gives more than one answer to learn from.
        answers = [f"{question}: {_answer(options, trait, rng)}" for question, options in asked]
        parts.append("\n".join([*lines, *answers[: rng.integers(1, 4)]]))
    return "\n\n".join(parts)


def _question(language: _Language, rng: np.random.Generator) -> tuple[str, Sequence[str]]:
    """Draw a question and its answers, ordered by their place on the trait."""
    if rng.random() < 0.7:
        return language.made_up[int(rng.integers(len(language.made_up)))]
    question, options = language.real[int(rng.integers(len(language.real)))]
    return question, [options[index] for index in rng.permutation(len(options))]


def _answer(options: Sequence[str], trait: float, rng: np.random.Generator) -> str:
    place = 1 / (1 + np.exp(-(trait + rng.normal(scale=0.7))))
    return options[min(int(place * len(options)), len(options) - 1)]


def _number(number: tuple[str, str, int, int], trait: float, rng: np.random.Generator) -> str:
    stem, unit, low, high = number
    place = 1 / (1 + np.exp(-(trait + rng.normal(scale=0.7))))
    return f"{stem}: {low + int(place * (high - low + 0.999))}{unit}"
