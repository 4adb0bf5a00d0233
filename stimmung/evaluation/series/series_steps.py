"""Weekly series of posts and survey: aligned on one grid of weeks, smoothed, differenced.

In this folder the last axis of a series is the calendar weeks. A missing week is NaN, so those around it are not neighbours.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stimmung.vocabulary.errors import InputError, did_you_mean

Floats = NDArray[np.float64]

WEEK = pd.Timedelta(weeks=1)
MINIMUM_PAIRS = 5  # with fewer, Fisher's transformation, which needs n - 3, has next to nothing to go by


@dataclass(frozen=True)
class Family:
    """The series of one model and one question, one for each answer option, and those of the survey."""

    model: str
    question: str
    options: tuple[str, ...]  # sorted
    weeks: pd.DatetimeIndex  # the days on which the weeks start, without gaps
    posts: Floats  # (options, weeks), NaN where a week has no value
    survey: Floats  # likewise


def align_families(posts: pd.DataFrame, survey: pd.DataFrame, max_lag_weeks: int) -> Iterator[Family]:
    """Yield one family for each model and question.

    Its weeks are those of its posts and ``max_lag_weeks`` more on either side; these have no posts, but the survey waves that the
    first and last posts are paired with at a lag. ``posts`` have the columns model, week, question, option, value, the survey
    week, question, option, share. Rows of the same week and option (seeds) are averaged. Series may be short or constant, and posts
    and survey may have no week in common; what then cannot be computed is for the caller to say. Raises an InputError if weeks are
    not dates or do not start on one weekday, or if the survey lacks a question or an option of the posts.
    """
    posts = posts.assign(week=_dates(posts["week"], "posts"))
    survey = survey.assign(week=_dates(survey["week"], "survey"))
    tracked = {str(name): frame for name, frame in survey.groupby("question")}
    for (model, question), frame in posts.groupby(["model", "question"], sort=True):
        if question not in tracked:
            raise InputError(
                f"question '{question}' of '{model}' is not in the survey{did_you_mean(str(question), tracked)}",
                f"The survey has: {', '.join(sorted(tracked))}.",
            )
        yield _family(str(model), str(question), frame, tracked[str(question)], max_lag_weeks)


def _family(
    model: str, question: str, posts: pd.DataFrame, survey: pd.DataFrame, max_lag_weeks: int
) -> Family:
    left = posts.pivot_table(index="week", columns="option", values="value", aggfunc="mean", dropna=False)
    right = survey.pivot_table(index="week", columns="option", values="share", aggfunc="mean", dropna=False)
    unknown = left.columns.difference(right.columns, sort=False)
    if absent := [f"'{option}'{did_you_mean(str(option), right.columns)}" for option in unknown]:
        raise InputError(
            f"question '{question}': the survey has no option {', '.join(absent)}",
            f"It has: {', '.join(str(option) for option in right.columns)}.",
        )
    weeks = _shared_weeks(f"'{model}', question '{question}'", left.index, right.index, max_lag_weeks)
    options = tuple(str(option) for option in left.columns)
    values = [side.reindex(weeks).to_numpy(float).T for side in (left, right[left.columns])]
    return Family(model, question, options, weeks, *values)


def _shared_weeks(where: str, posts: pd.Index, survey: pd.Index, max_lag_weeks: int) -> pd.DatetimeIndex:
    days = {str(day) for index in (posts, survey) for day in pd.DatetimeIndex(index).day_name()}
    if len(days) > 1:
        raise InputError(
            f"{where}: the weeks of posts and survey start on different days ({', '.join(sorted(days))})",
            "Set the panel's `anchor`, and `shift_days` against the survey's label, so that they meet.",
        )
    return pd.date_range(posts.min() - max_lag_weeks * WEEK, posts.max() + max_lag_weeks * WEEK, freq=WEEK)


def _dates(weeks: pd.Series, where: str) -> pd.Series:
    try:
        return pd.to_datetime(weeks, format="ISO8601").dt.normalize()
    except (ValueError, TypeError) as error:
        raise InputError(
            f"column 'week' of the {where} has a value that is not a date", "Write dates as 2019-11-07."
        ) from error


def is_constant(series: Floats) -> bool:
    """Whether ``series``, shape (weeks,), has no two different values, up to rounding of its mean."""
    values = series[~np.isnan(series)]
    return values.size == 0 or bool(np.ptp(values) <= 1e-12 * np.abs(values).max())


def rolling_mean(series: Floats, rolling_weeks: int) -> Floats:
    """Average each week with the ``rolling_weeks - 1`` before it; NaN where one of them is missing.

    Trailing, so that no smoothed value depends on a later week; with both sides smoothed alike, a centred window gives the same
    correlations. Shape (..., weeks) in and out.
    """
    smooth = np.full(series.shape, np.nan)
    if series.shape[-1] >= rolling_weeks:
        windows = np.lib.stride_tricks.sliding_window_view(series, rolling_weeks, axis=-1)
        smooth[..., rolling_weeks - 1 :] = windows.mean(axis=-1)
    return smooth


def differences(series: Floats) -> Floats:
    """Subtract the week before; NaN at the first week and where one of the two is missing. Shape (..., weeks)."""
    # Not by prepend of np.diff: its result may be in another memory order, and sums then differ in the last digit.
    change = np.full(series.shape, np.nan)
    change[..., 1:] = np.diff(series, axis=-1)
    return change
