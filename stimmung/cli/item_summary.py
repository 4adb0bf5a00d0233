"""Each item of a respondents table in one line, and what in it looks like a missing answer that the codebook takes for one given."""

from collections.abc import Iterator, Sequence

import pandas as pd

from stimmung.data.surveys.draft_missing import missing_numbers, reason_in
from stimmung.data.surveys.respondents import missing_counts
from stimmung.vocabulary.codebook import Codebook


def item_summary(respondents: pd.DataFrame, codebook: Codebook) -> Iterator[str]:
    """Yield a line for each item: how many answers, their options or lowest and highest value, and the missing ones by reason.

    Only numbers of rows: nothing of a single respondent.
    """
    missing = missing_counts(respondents, list(codebook.items))
    for name in codebook.items:
        answers = respondents[name].dropna()
        if isinstance(respondents[name].dtype, pd.CategoricalDtype):
            counts = answers.value_counts(sort=False)
            said = ": " + ", ".join(f"{option} {n}" for option, n in counts.items() if n)
        else:
            said = f" from {answers.min():.15g} to {answers.max():.15g}" if len(answers) else ""
        absent = ", ".join(f"{n} {reason}" for reason, n in missing.get(name, {}).items())
        yield f"  item {name}: {len(answers)} answers{said}" + (f"; missing: {absent}" if absent else "")


def looks_missing(respondents: pd.DataFrame, codebook: Codebook, language: str) -> Iterator[str]:
    """Yield what a codebook takes for answers although it looks like the absence of one: 999 as an age, "Don't know" as an option."""
    for name, item in codebook.items.items():
        if item.scale == "numeric":
            numbers = sorted(float(number) for number in respondents[name].dropna().unique())
            odd = (
                []
                if item.age_in is not None
                else [f"{number:.15g}" for number in missing_numbers(numbers, numbers)]
            )
            if odd:
                apart = (
                    "stands apart from the other values"
                    if len(odd) == 1
                    else "stand apart from the other values"
                )
                yield f"  item {name}: {', '.join(odd)} {apart}: a missing code?"
        else:
            absent = [f"'{label}'" for label in item.labels(language) if reason_in(label) is not None]
            if absent:
                yield f"  item {name}: the option {', '.join(absent)} reads like a missing answer"


def begun_by_others(name: str, options: Sequence[str]) -> Iterator[str]:
    """Yield which option of a target begins another one, as "agree" does "agree strongly": most models' tokens do so too."""
    for one in options:
        if longer := [other for other in options if other.startswith(f"{one} ")]:
            yield (
                f"  '{name}': the option '{one}' begins '{longer[0]}'; most tokenizers cannot tell them apart, and nothing is then "
                "trained: reword one of them"
            )
