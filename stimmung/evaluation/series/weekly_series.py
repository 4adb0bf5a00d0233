"""Weekly series to correlate with the survey: estimates of language models, baselines and signals."""

from collections.abc import Mapping, Sequence

import pandas as pd

SERIES_COLUMNS = ["model", "week", "question", "option", "value"]


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
