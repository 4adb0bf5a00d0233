"""Weekly series to set side by side: estimates of language models, baselines and signals, over the weeks that all of them have."""

from collections.abc import Mapping, Sequence

import pandas as pd

from stimmung.vocabulary.moods_schemas import SERIES_WEEKS
from stimmung.vocabulary.parquet_tables import typed_table

SERIES_COLUMNS = ["model", "week", "question", "option", "value"]
# A choice: a series with a smaller share of the weeks of the longest is too short to take weeks from the others.
SHORT = 0.5


def affect_series(affect: pd.DataFrame) -> pd.DataFrame:
    """Return the raw series of an AFFECT table, averaged over seeds: model, week, question, option, value."""
    seeds = affect.drop_duplicates(["model", "week", "question", "option"])
    return seeds.assign(value=seeds["value_mean"])[SERIES_COLUMNS].reset_index(drop=True)


def signal_series(
    signals: pd.DataFrame, questions: Mapping[str, Sequence[str]], weeks: Sequence[str], prefix: str
) -> pd.DataFrame:
    """Return a SIGNALS table as series of the questions that have their options.

    Rows of other weeks than the panel's, and of options that no question has, are left out, so that all series are correlated with
    the same survey waves. ``questions`` is each question's answer options. ``prefix`` is put before a signal's name in the column
    model, because a signal may have the name of a baseline.
    """
    inside = signals[signals["week"].isin(weeks)]
    parts = [
        inside[inside["option"].isin(options)].assign(question=question)
        for question, options in questions.items()
    ]
    series = pd.concat(parts, ignore_index=True)
    return series.assign(model=prefix + series["signal"])[SERIES_COLUMNS]


def common_weeks(series: pd.DataFrame) -> dict[str, list[str]]:
    """Return for each question the weeks in which all of its series have all of their options, in order.

    ``series`` have the columns model, week, question, option. A series with fewer than ``SHORT`` of the weeks of the longest is
    not asked, since the others would lose theirs to it.
    """
    found = {}
    for question, part in series.groupby("question", sort=False):
        weeks = [set(one["week"]) for _, one in part.groupby(["model", "option"])]
        longest = max(map(len, weeks))
        found[str(question)] = sorted(
            set.intersection(*(one for one in weeks if len(one) >= SHORT * longest))
        )
    return found


def on_common_weeks(series: pd.DataFrame) -> pd.DataFrame:
    """Return series with only the rows of their question's ``common_weeks``."""
    weeks = common_weeks(series)
    pairs = zip(series["question"], series["week"], strict=True)
    shared = {(question, week) for question, its in weeks.items() for week in its}
    return series[[pair in shared for pair in pairs]].reset_index(drop=True)


def count_weeks(series: pd.DataFrame) -> pd.DataFrame:
    """Return how many weeks each series has, and how many of them it is compared on with the others, a SERIES_WEEKS table."""
    weeks = common_weeks(series)
    rows = [
        {
            "model": model,
            "question": question,
            "n_own": part["week"].nunique(),
            "n_compared": len(set(part["week"]) & set(weeks[str(question)])),
        }
        for (model, question), part in series.groupby(["model", "question"], sort=True)
    ]
    return typed_table(rows, SERIES_WEEKS)


def weeks_in_common(counts: pd.DataFrame) -> list[str]:
    """Return what to say of questions whose series do not have the same weeks, from a SERIES_WEEKS table: a line for each."""
    lines = []
    for question, part in counts.groupby("question", sort=False):
        if (part["n_own"] != part["n_own"].iloc[0]).any() or (part["n_compared"] != part["n_own"]).any():
            own = ", ".join(f"{row.model} {row.n_own}" for row in part.itertuples())
            short = [str(row.model) for row in part.itertuples() if row.n_compared < part["n_compared"].max()]
            less = f", {', '.join(short)} over those of them that it has" if short else ""
            lines.append(
                f"Question '{question}': series are compared over the {part['n_compared'].max()} weeks that all of them "
                f"have{less}; on their own they have: {own}."
            )
    return lines


def in_order_asked(table: pd.DataFrame, questions: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return a table of series by model, and by question and option in the order of the questionnaire.

    A row without option, a mean over options, goes before them. Rows of the same option keep their order.
    """
    nth_question = {question: place for place, question in enumerate(questions)}
    nth_option = {
        (name, option): nth for name, asked in questions.items() for nth, option in enumerate(asked)
    }
    pairs = zip(table["question"], table["option"], strict=True)
    places = table[["model"]].assign(
        question=table["question"].map(nth_question), option=[nth_option.get(pair, -1) for pair in pairs]
    )
    return table.loc[places.sort_values(list(places.columns), kind="stable").index].reset_index(drop=True)
