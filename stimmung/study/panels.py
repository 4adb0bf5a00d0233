"""The `panels` section of the config: weekly posts, the survey beside them, what is asked of each week."""

from typing import Literal, Self

from pydantic import Field, model_validator

from stimmung.vocabulary.errors import near
from stimmung.vocabulary.posts import WEEK_IN_NAME, Cleaning, PostColumns, PostFilters, PostFormat
from stimmung.vocabulary.questions import Question
from stimmung.vocabulary.strict import Strict
from stimmung.vocabulary.weeks import Weeks

ARM = "weekly"


class Tracker(Strict):
    """The survey that is asked every week: the series that moods are compared with."""

    file: str = Field(description="An .xlsx file as YouGov's site serves it, or a .csv or .parquet file.")
    format: Literal["yougov-xlsx", "tidy"] = Field(
        description="tidy: columns week, option, share (0 to 1, or 53%), and perhaps n and question."
    )
    sheet: str | None = Field(
        None, description="yougov-xlsx: the group of respondents. null: the first sheet."
    )
    question: str | None = Field(
        None,
        description="tidy: only rows whose column `question` says this. null: the file has one question.",
    )

    @model_validator(mode="after")
    def _keys_fit_format(self) -> Self:
        if self.format == "tidy" and self.sheet is not None:
            raise ValueError("sheet: only a yougov-xlsx tracker has sheets")
        if self.format == "yougov-xlsx" and self.question is not None:
            raise ValueError("question: a sheet of a yougov-xlsx tracker has one question")
        return self


class Signal(Strict):
    """Any other weekly or daily series to set beside the model's: a peer's estimates, search volumes."""

    file: str = Field(description="A .csv or .parquet file with a row for each day or week.")
    day: str = Field("date", description="The column of the day, or of any day of the week.")
    columns: dict[str, str] = Field(
        {}, description="Answer option to column. Empty: each column is an option."
    )
    frequency: Literal["daily", "weekly"] = Field(
        "daily",
        description="daily: days count as posts of that day do. weekly: rows count as survey waves do.",
    )
    aggregate: Literal["mean", "sum"] = Field("mean", description="How the days of a week become one value.")


class Lexicon(Strict):
    """Words that speak for a category."""

    file: str | None = Field(
        None, description="A .csv or .tsv file: word, category, weight. null: the demo's."
    )
    categories: dict[str, str] | None = Field(
        None, description="Answer option to category. null: categories are called like the options."
    )


class Simulation(Strict):
    """A panel of simulated posts and a simulated tracker, from a mood that is known."""

    posts_per_week: int = Field(600, gt=0, description="Posts of a week.")
    n_respondents: int = Field(2000, gt=0, description="Respondents of a survey wave: its sampling noise.")
    seed: int = Field(1, ge=0, description="Decides everything.")


class Mix(Strict):
    """Constructed weeks: posts known to be joyful or sad, mixed with known shares."""

    source: str = Field(description="A folder with GoEmotions (labels.txt and .tsv files), or 'simulated'.")
    joy_shares: list[float] = Field(min_length=3, description="The share of joyful posts, one for each week.")
    n_posts: int = Field(gt=0, description="Posts of a week.")
    options: dict[Literal["joy", "sadness"], str] = Field(
        {"joy": "Happy", "sadness": "Sad"}, description="The answer option that goes with each kind of post."
    )
    seed: int = Field(1, ge=0, description="Draws the posts.")

    @model_validator(mode="after")
    def _are_shares(self) -> Self:
        if not all(0 <= share <= 1 for share in self.joy_shares):
            raise ValueError("joy_shares: a share lies between 0 and 1")
        if set(self.options) != {"joy", "sadness"}:
            raise ValueError("options: needs joy and sadness")
        return self


class Series(Strict):
    """How answers become series and are compared with the tracker."""

    scale: Literal["min-max", "none"] = Field(
        "min-max", description="min-max: each series from 0 to 1, as published."
    )
    rolling_weeks: int = Field(3, ge=1, description="Rolling mean of the published procedure. 1: none.")
    max_lag_weeks: int = Field(
        8, ge=0, description="Lags from minus to plus this; above 0 the posts lead the survey."
    )


class Panel(Strict):
    """One panel: where its posts are, how they are read, what is asked of each week, what stands beside."""

    files: list[str] = Field(
        [],
        description="Files of posts: csv, jsonl, parquet. A path may have *, ** and {week}, a week's label.",
    )
    simulate: Simulation | None = Field(None, description="Instead of files: simulated posts and tracker.")
    mix: Mix | None = Field(None, description="Instead of files: mixes of joyful and sad posts.")
    columns: PostColumns = Field(
        default_factory=lambda: PostColumns.model_validate({}), description="Which column holds what."
    )
    format: PostFormat = Field(
        default_factory=lambda: PostFormat.model_validate({}),
        description="How times and columns are written.",
    )
    weeks: Weeks = Field(description="The weeks of the panel.")
    cleaning: Cleaning = Field(
        default_factory=lambda: Cleaning.model_validate({}), description="What is removed from the texts."
    )
    filters: PostFilters = Field(
        default_factory=lambda: PostFilters.model_validate({}), description="Which posts count."
    )
    salt_file: str = Field(
        ".stimmung/salt",
        description="Holds the salt of the authors' hashes; made once, readable by its owner only.",
    )
    min_posts: int = Field(1, ge=1, description="Fewest posts that adapters are trained on.")
    too_few_posts: Literal["refuse", "skip"] = Field(
        "refuse",
        description="refuse: such a week is an error. skip: it has no estimate, and every figure shows so.",
    )
    questions: dict[str, Question] = Field(min_length=1, description="What is asked of each week, by name.")
    trackers: dict[str, Tracker] = Field(
        {}, description="Question to the survey series that it is compared with."
    )
    signals: dict[str, Signal] = Field({}, description="Other series to correlate with the tracker, by name.")
    lexicon: Lexicon | None = Field(None, description="A lexicon score as baseline. null: none.")
    arms: list[str] = Field(min_length=1, description="What language models do: 'MODEL/weekly'.")
    training: str = Field(description="A preset of the `training` section.")
    seeds: list[int] = Field(min_length=1, description="One adapter for each week and seed.")
    series: Series = Field(
        default_factory=lambda: Series.model_validate({}), description="From answers to correlations."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        problems = self._problems_with_source() + self._problems_with_columns()
        for arm in self.arms:
            if arm.count("/") != 1 or arm.split("/")[1] != ARM:
                problems.append(f"arm '{arm}' is not MODEL/{ARM}")
        if len(set(self.seeds)) < len(self.seeds):
            problems.append("seeds: a seed stands twice")
        problems += [
            f"trackers.{name}: no question '{name}'{near(name, self.questions)}"
            for name in self.trackers
            if name not in self.questions
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _problems_with_source(self) -> list[str]:
        n_sources = bool(self.files) + (self.simulate is not None) + (self.mix is not None)
        problems = [] if n_sources == 1 else ["give exactly one of files, simulate and mix"]
        if not self.files and self.trackers:
            problems.append("trackers: simulated and mixed panels bring their own")
        if self.mix is not None and len(self.mix.joy_shares) != len(self.weeks.labels()):
            problems.append(
                f"mix.joy_shares: {len(self.mix.joy_shares)} for {len(self.weeks.labels())} weeks"
            )
        named = [WEEK_IN_NAME in file for file in self.files]
        if any(named) and not all(named):
            problems.append("files: all have {week} in their names, or none has")
        if any(named) and self.columns.time is not None:
            problems.append("columns.time: null, because the files' names give the week")
        if self.files and not any(named) and self.columns.time is None:
            problems.append("columns.time: needed, because the files' names have no {week}")
        return problems

    def _problems_with_columns(self) -> list[str]:
        problems = []
        if self.filters.max_posts_per_author is not None and self.columns.author is None:
            problems.append("filters.max_posts_per_author: needs columns.author")
        if self.filters.languages and self.columns.language is None:
            problems.append("filters.languages: needs columns.language")
        return problems

    @property
    def constructed(self) -> str | None:
        """What must stand wherever the panel is shown: 'simulated', 'constructed', or nothing."""
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
