"""The `panels` section of the config: weekly posts, the questions that each week answers, the survey to compare with."""

from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from stimmung.vocabulary.errors import raise_together, unknown
from stimmung.vocabulary.posts import (
    WEEK_IN_NAME,
    Cleaning,
    LabelledColumns,
    PostColumns,
    PostFilters,
    PostFormat,
)
from stimmung.vocabulary.questions import Question, WordingWeights
from stimmung.vocabulary.strict import Strict, UserPath
from stimmung.vocabulary.weeks import Weeks

ARM = "weekly"


class Tracker(Strict):
    """The weekly or daily survey that a question is compared with."""

    file: UserPath
    """An .xlsx file as downloaded from YouGov, or a table: .csv, .tsv, .xlsx or .parquet."""
    format: Literal["yougov-xlsx", "tidy", "wide"]
    """tidy: columns week, option, share (0 to 1, or 53%), and optionally n and question. wide: a column for each option."""
    day: str = "week"
    """tidy and wide: the column of the wave's day, which may be any day of its week."""
    columns: dict[str, str] = Field({})
    """Answer option to what the file calls it: its column if wide, its word otherwise. Others have their own name."""
    unit: Literal["share", "percent"] = "share"
    """What a number without % is: a share of 1, or per cent."""
    frequency: Literal["weekly", "daily"] = "weekly"
    """daily: the days of a week are averaged, weighted by n if each has one; a day belongs to the label on or before it."""
    sheet: str | None = None
    """Of an .xlsx file; in YouGov's, the group of respondents. null: the first sheet."""
    question: str | None = None
    """tidy: only rows with this value in the column `question`. null: the file has one question."""

    @model_validator(mode="after")
    def _keys_fit_format(self) -> Self:
        if self.sheet is not None and not self.file.lower().endswith(".xlsx"):
            raise ValueError("sheet: only an .xlsx file has sheets")
        if self.format != "tidy" and self.question is not None:
            raise ValueError("question: only a tidy tracker has several questions in one table")
        if self.format == "yougov-xlsx" and self.day != "week":
            raise ValueError("day: the days of a yougov-xlsx tracker stand in its first row")
        return self


class Signal(Strict):
    """Any other weekly or daily series to compare with the tracker: another study's estimates, search volumes."""

    file: UserPath
    """A .csv, .tsv, .xlsx or .parquet file with one row per day or week."""
    day: str = "date"
    """The column of the day, or of any day of the week."""
    columns: dict[str, str] = Field({})
    """Answer option to column. Empty: each column is an option."""
    frequency: Literal["daily", "weekly"] = "daily"
    """daily: a day belongs to a week as posts do. weekly: a row belongs to a week as survey waves do."""
    aggregate: Literal["mean", "sum"] = "mean"
    """How the days of a week become one value. sum: a week that lacks days has none."""
    sheet: str | None = None
    """Of an .xlsx file. null: the first sheet."""


class Lexicon(Strict):
    """A word list, scored as a baseline."""

    file: UserPath | None = None
    """A .csv or .tsv file with the columns word, category, weight. null: the few words that come with Stimmung."""
    categories: dict[str, str] | None = None
    """Answer option to category. null: categories have the names of the options."""


class Simulation(Strict):
    """Simulated posts and a simulated tracker, from a mood that is known."""

    posts_per_week: int = Field(600, gt=0)
    """Posts per week."""
    n_respondents: int = Field(2000, gt=0)
    """Respondents of each survey wave, which set its sampling noise."""
    seed: int = Field(1, ge=0)
    """Seed of all random draws."""


class Mix(Strict):
    """Constructed weeks: posts known to be joyful or sad, mixed in known shares. The shares take the tracker's place."""

    source: UserPath
    """A file of labelled posts (csv, tsv, jsonl or parquet), a folder with GoEmotions (labels.txt and .tsv files), or 'simulated'."""
    columns: LabelledColumns = LabelledColumns.model_validate({})
    """Which column of a file holds what, and what the labels are called."""
    joy_shares: list[float] = Field(min_length=3)
    """The share of joyful posts, one for each week."""
    n_posts: int = Field(gt=0)
    """Posts per week."""
    options: dict[Literal["joy", "sadness"], str] = Field({"joy": "Happy", "sadness": "Sad"})
    """The answer option that belongs to each kind of post."""
    seed: int = Field(1, ge=0)
    """Seed of the draw of posts."""

    @model_validator(mode="after")
    def _are_shares(self) -> Self:
        if outside := [share for share in self.joy_shares if not 0 <= share <= 1]:
            raise ValueError(f"joy_shares: {outside[0]:g} is not between 0 and 1")
        if set(self.options) != {"joy", "sadness"}:
            raise ValueError("options: needs joy and sadness")
        return self


class Period(Strict):
    """Some weeks of a panel."""

    first: date
    """A day of the first week, an ISO date."""
    last: date
    """A day of the last week."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first > self.last:
            raise ValueError(f"first ({self.first}) is after last ({self.last})")
        return self


class Series(Strict):
    """How answers become weekly series and are compared with the tracker."""

    scale: Literal["min-max", "none"] = "min-max"
    """min-max: each series is rescaled to 0 to 1, as published."""
    rolling_weeks: int = Field(3, ge=1)
    """Weeks of the published procedure's rolling mean. 1: none."""
    max_lag_weeks: int = Field(8, ge=0)
    """Lags from minus to plus this many weeks. At positive lags the posts lead the survey."""
    wordings: WordingWeights = "equal"
    """How the wordings of a question are averaged. option-mass: each by the probability that its options have to follow it at all."""
    periods: dict[str, Period] = Field({})
    """Named parts of the panel that are also correlated on their own, of the weeks `first` to `last`. Nothing is trained anew."""


class Panel(Strict):
    """One panel: its posts, what its weeks are asked, and the series to compare with. Needs `weeks`, `questions`, and `files`,
    `simulate` or `mix`. A panel without posts, `arms: []`, correlates its `signals` with its `trackers`."""

    files: list[UserPath] = Field([])
    """Files of posts: csv, jsonl or parquet, compressed or not. Paths may contain `*`, `**` and `{week}`, a week's label."""
    simulate: Simulation | None = None
    """Simulated posts and a simulated tracker instead of files."""
    mix: Mix | None = None
    """Mixes of joyful and sad posts instead of files."""
    columns: PostColumns = PostColumns.model_validate({})
    """Which column of the files holds what."""
    format: PostFormat = PostFormat.model_validate({})
    """How the files write times and separate columns."""
    weeks: Weeks
    """The weeks of the panel."""
    cleaning: Cleaning = Cleaning.model_validate({})
    """What is removed from the texts."""
    filters: PostFilters = PostFilters.model_validate({})
    """Which posts count."""
    salt_file: UserPath = ".stimmung/salt"
    """Holds the salt of the authors' hashes. Created once, readable by its owner only."""
    min_posts: int = Field(100, ge=1)
    """Fewest posts of a week that adapters are trained on."""
    too_few_posts: Literal["refuse", "skip"] = "refuse"
    """refuse: a week with fewer posts is an error. skip: it has no estimate, and every figure shows the gap."""
    questions: dict[str, Question] = Field(min_length=1)
    """The questions that the adapters of each week answer, by name."""
    trackers: dict[str, Tracker] = Field({})
    """Question to the weekly survey that it is compared with. Simulated and mixed panels bring their own."""
    signals: dict[str, Signal] = Field({})
    """Other series to correlate with the tracker, by name."""
    lexicon: Lexicon | None = None
    """A word list as baseline. null: none."""
    arms: list[str] = Field(["tiny/weekly"])
    """The models that are tuned on each week, as MODEL/weekly. []: none; words are counted if there are posts."""
    training: str | None = None
    """A preset of `training`. null: `tiny-weeks` for the built-in model, `weeks` for every other."""
    seeds: list[int] = Field([42, 99, 13], min_length=1)
    """One adapter for each week and seed; answers are averaged over the seeds. Study B used these three."""
    series: Series = Series.model_validate({})
    """From answers to correlations."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        problems = [*self._problems_with_posts(), *self._problems_with_series()]
        for arm in self.arms:
            if arm.count("/") != 1 or arm.split("/")[1] != ARM:
                problems.append(f"arm '{arm}' is not MODEL/{ARM}")
        if len(set(self.seeds)) < len(self.seeds):
            problems.append("seeds: a seed is listed twice")
        raise_together(problems)
        return self

    def _problems_with_series(self) -> list[str]:
        problems = []
        every = {option for question in self.questions.values() for option in question.options}
        for name, tracker in self.trackers.items():
            problems += unknown(f"trackers.{name}", "question", [name], self.questions)
            if name in self.questions:
                options = self.questions[name].options
                problems += unknown(f"trackers.{name}.columns", "option", tracker.columns, options)
        for name, signal in self.signals.items():
            problems += unknown(f"signals.{name}.columns", "option", signal.columns, every)
        for name, period in self.series.periods.items():
            if not self.weeks_of(period):
                weeks = f"{self.weeks.first} to {self.weeks.last}"
                problems.append(f"series.periods.{name}: has none of the panel's weeks, {weeks}")
        return problems

    def _problems_with_posts(self) -> list[str]:
        n_sources = bool(self.files) + (self.simulate is not None) + (self.mix is not None)
        n_shares, n_weeks = len(self.mix.joy_shares) if self.mix else None, len(self.weeks.labels())
        named = [WEEK_IN_NAME in file for file in self.files]
        columns, filters = self.columns, self.filters
        without = n_sources == 0 and not self.arms
        is_wrong = {
            "give exactly one of files, simulate and mix; a panel of signals only has none, and arms: []": n_sources
            != 1
            and not without,
            "signals: a panel without posts correlates them with its trackers, and there are none": without
            and not self.signals,
            "trackers: a panel without posts correlates its signals with them, and there are none": without
            and not self.trackers,
            "trackers: simulated and mixed panels bring their own": self.trackers
            and (self.simulate is not None or self.mix is not None),
            f"mix.joy_shares: {n_shares} shares for {n_weeks} weeks": n_shares not in (None, n_weeks),
            "files: some have {week} in their names and some do not": any(named) and not all(named),
            "columns.time: must be null, because {week} in the files' names gives the week": any(named)
            and columns.time is not None,
            "columns.time: needed, because the files' names do not contain {week}": self.files
            and not any(named)
            and columns.time is None,
            "filters.max_posts_per_author: needs columns.author": filters.max_posts_per_author is not None
            and columns.author is None,
            "filters.languages: needs columns.language": filters.languages and columns.language is None,
        }
        return [problem for problem, holds in is_wrong.items() if holds]

    @property
    def has_posts(self) -> bool:
        """Whether there are posts, or the panel is one of signals only."""
        return bool(self.files) or self.simulate is not None or self.mix is not None

    def weeks_of(self, period: Period) -> list[str]:
        """Return the labels of a period's weeks."""
        first, last = self.weeks.label_of(period.first), self.weeks.label_of(period.last)
        return [label for label in self.weeks.labels() if first <= label <= last]

    @property
    def constructed(self) -> str | None:
        """How the panel is marked wherever it is shown: 'simulated', 'constructed', or not at all (None)."""
        if self.simulate is not None or (self.mix is not None and self.mix.source == "simulated"):
            return "simulated"
        return "constructed" if self.mix is not None else None

    def files_beside(self) -> dict[str, str]:
        """Return the files of trackers, signals and lexicon, by the key of the panel that names them."""
        files = {f"trackers.{question}": one.file for question, one in self.trackers.items()}
        files |= {f"signals.{name}": one.file for name, one in self.signals.items()}
        if self.lexicon is not None and self.lexicon.file is not None:
            files["lexicon"] = self.lexicon.file
        return files

    def models(self) -> list[str]:
        """Return the models that some arm uses."""
        return list(dict.fromkeys(arm.split("/")[0] for arm in self.arms))
