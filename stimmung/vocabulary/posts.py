"""What a file of posts has and which posts count: columns by name, filters, cleaning."""

from typing import Literal, Self

from pydantic import Field, model_validator

from stimmung.vocabulary.strict import Strict
from stimmung.vocabulary.weeks import is_time_zone

WEEK_IN_NAME = "{week}"


class PostColumns(Strict):
    """Which column of a file holds what. In jsonl, `user.id` is the key `id` inside `user`."""

    text: str = Field("text", description="The post.")
    time: str | None = Field(
        "time",
        description="When it was posted. null only if the file's name has {week}, e.g. posts/{week}.csv.",
    )
    author: str | None = Field(
        "author",
        description="Who posted it; kept only as a salted hash. null: unknown, and no cap for each author.",
    )
    post_id: str | None = Field(
        None, description="The platform's identifier. null: a post is known by its time, author and text."
    )
    language: str | None = Field(None, description="The post's language, where the file says so.")
    retweet: str | None = Field(
        None, description="A true/false column that marks reposts. null: a text that begins with 'RT @'."
    )
    names: list[str] = Field([], description="The columns of csv files without a header line, in order.")

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        unnamed = [column for column in self.by_role().values() if self.names and column not in self.names]
        if unnamed:
            raise ValueError(f"not among names: {', '.join(unnamed)}")
        return self

    def by_role(self) -> dict[str, str]:
        """Return role to column for the columns that are read."""
        roles = ("text", "time", "author", "post_id", "language", "retweet")
        return {role: getattr(self, role) for role in roles if getattr(self, role) is not None}


class PostFormat(Strict):
    """How the files write times and, in csv, which character separates the columns."""

    time_format: str = Field(
        "iso",
        description="iso: ISO 8601. unix-s, unix-ms: seconds, milliseconds since 1970. Or a strptime format, "
        "e.g. '%a %b %d %H:%M:%S %z %Y' for Twitter's.",
    )
    time_zone: str = Field("UTC", description="The zone of times that do not give one, e.g. Europe/London.")
    delimiter: str | None = Field(
        None,
        min_length=1,
        max_length=1,
        description="Between the columns of a csv file. null: ',', and a tab in .tsv.",
    )

    @model_validator(mode="after")
    def _known_zone(self) -> Self:
        if not is_time_zone(self.time_zone):
            raise ValueError(f"time_zone: '{self.time_zone}' is no time zone (e.g. Europe/London)")
        return self


class Cleaning(Strict):
    r"""How a text is cleaned. As in study B, the regular expression ``(@|https?)\S+|#`` is removed."""

    mentions: Literal["remove", "keep"] = Field("remove", description="@name and what hangs on it.")
    links: Literal["remove", "keep"] = Field("remove", description="http:// and https:// links.")
    hash_signs: Literal["remove", "keep"] = Field(
        "remove", description="The sign #; the word after it stays."
    )
    html_entities: Literal["unescape", "keep"] = Field("keep", description="unescape: '&amp;' becomes '&'.")
    whitespace: Literal["collapse", "keep"] = Field(
        "collapse", description="collapse: one space, none at the ends."
    )


class PostFilters(Strict):
    """Which posts count. Everything that is dropped is counted, by week and reason."""

    retweets: Literal["drop", "keep"] = Field("drop", description="Reposts of somebody else's words.")
    duplicates: Literal["keep", "same-author", "any-author"] = Field(
        "same-author",
        description="Of which posts with the same text in a week one stays: an author's own, or all.",
    )
    removed: Literal["drop", "keep"] = Field(
        "drop", description="Posts whose text or author is [removed] or [deleted], as Reddit writes it."
    )
    emoji_only: Literal["drop", "keep"] = Field("keep", description="Posts of nothing but emoji.")
    languages: list[str] = Field([], description="Only these values of columns.language. None: all.")
    min_characters: int = Field(1, ge=1, description="Shortest text that is kept, after cleaning.")
    max_posts_per_author: int | None = Field(
        None,
        gt=0,
        description="Most posts of an author in a week; which ones stay is random, but always the same.",
    )
