"""Weeks of a panel: their labels, the seven days of posts that belong to each, and when a day begins."""

from datetime import date, timedelta
from typing import Any, Literal, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, model_validator

from stimmung.vocabulary.errors import raise_together
from stimmung.vocabulary.strict import Strict

DAYS_IN_WEEK = 7
# Keys that somebody looks for who has a panel of days.
_OF_OTHER_PERIODS = frozenset({"period", "frequency", "days", "unit"})
Weekday = Literal["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]
_WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)


class Weeks(Strict):
    """The weeks of a panel. A week is named by its label, the ISO date that the survey gives it. Its posts are those of the seven
    days that begin `shift_days` after the label, at midnight in `time_zone`."""

    first: date
    """Label of the first week, an ISO date."""
    last: date
    """Label of the last week. When a new week of posts arrives, move `last`."""
    anchor: Weekday = "MON"
    """The weekday of all labels, e.g. THU for YouGov's trackers."""
    shift_days: int = Field(0, ge=-28, le=28)
    """Days from the label to the first day of its posts. -7: the week before the label."""
    time_zone: str = "UTC"
    """Where a day begins at midnight, e.g. Europe/London."""

    @model_validator(mode="before")
    @classmethod
    def _are_weeks(cls, given: Any) -> Any:
        if isinstance(given, dict) and (asked := _OF_OTHER_PERIODS & given.keys()):
            raise ValueError(
                f"{min(asked)}: a panel's period is the week, of seven days that begin on `anchor`; daily trackers and signals "
                "are brought to weeks by their own `frequency: daily`"
            )
        return given

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [
            f"{name}: {day} is a {weekday_of(day)}, not a {self.anchor} "
            f"(the {self.anchor} before it is {snapped(day, self.anchor)})"
            for name, day in (("first", self.first), ("last", self.last))
            if weekday_of(day) != self.anchor
        ]
        if self.first > self.last:
            problems.append(f"first ({self.first}) is after last ({self.last})")
        if not is_time_zone(self.time_zone):
            problems.append(f"time_zone: '{self.time_zone}' is not a time zone (e.g. Europe/London)")
        raise_together(problems)
        return self

    def labels(self) -> list[str]:
        """Return the labels of all weeks, first to last, as ISO dates."""
        n_weeks = (self.last - self.first).days // DAYS_IN_WEEK + 1
        return [(self.first + timedelta(weeks=week)).isoformat() for week in range(n_weeks)]

    def label_of(self, day: date) -> str:
        """Return the label that a survey wave of ``day`` belongs to: the anchor day on or before it."""
        return snapped(day, self.anchor).isoformat()

    def label_of_posts(self, day: date) -> str:
        """Return the label of the week that holds the posts of ``day``."""
        return self.label_of(day - timedelta(days=self.shift_days))

    def days(self, label: str) -> tuple[date, date]:
        """Return the first and the last day of the posts of a week."""
        first = date.fromisoformat(label) + timedelta(days=self.shift_days)
        return first, first + timedelta(days=DAYS_IN_WEEK - 1)


def weekday_of(day: date) -> str:
    """Return the three letters of the weekday of ``day``."""
    return _WEEKDAYS[day.weekday()]


def snapped(day: date, anchor: Weekday) -> date:
    """Return the last ``anchor`` day on or before ``day``."""
    return day - timedelta(days=(day.weekday() - _WEEKDAYS.index(anchor)) % DAYS_IN_WEEK)


def is_time_zone(name: str) -> bool:
    """Whether the machine's time zone database knows ``name``."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
