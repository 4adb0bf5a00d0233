"""How a panel's posts are read: columns, formats, cleaning and filters."""

from typing import Literal, Self

from pydantic import Field, model_validator

from stimmung.vocabulary.strict import Strict
from stimmung.vocabulary.weeks import is_time_zone

WEEK_IN_NAME = "{week}"


class PostColumns(Strict):
    """Which column of the files holds what. In jsonl, `user.id` is the key `id` inside `user`."""

    text: str = "text"
    """The text of the post."""
    time: str | None = "time"
    """When it was posted. null only if the file's name has {week}, e.g. posts/{week}.csv."""
    author: str | None = "author"
    """Who posted it; stored only as a salted hash. null: unknown, and no maximum per author."""
    post_id: str | None = None
    """The platform's ID. null: posts with the same time, author and text are the same post."""
    language: str | None = None
    """The language of the post, if the files have it."""
    retweet: str | None = None
    """A true/false column that marks reposts. null: texts that begin with 'RT @' are reposts."""
    names: list[str] = Field([])
    """The columns of csv files without a header line, in order."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        unnamed = [column for column in self.by_role().values() if self.names and column not in self.names]
        if unnamed:
            raise ValueError(f"not among names: {', '.join(unnamed)}")
        return self

    def by_role(self) -> dict[str, str]:
        """Return role to column for the columns that are read."""
        return self.model_dump(exclude={"names"}, exclude_none=True)


class PostFormat(Strict):
    """How the files write times and, in csv, separate columns."""

    time_format: str = "iso"
    """iso: ISO 8601. unix-s, unix-ms: seconds, milliseconds since 1970. Or a strptime format, e.g. '%a %b %d %H:%M:%S %z %Y' for
    Twitter's."""
    time_zone: str = "UTC"
    """The zone of times without an offset, e.g. Europe/London."""
    delimiter: str | None = Field(None, min_length=1, max_length=1)
    """Separates the columns of a csv file. null: ',', or a tab in .tsv."""

    @model_validator(mode="after")
    def _known_zone(self) -> Self:
        if not is_time_zone(self.time_zone):
            raise ValueError(f"time_zone: '{self.time_zone}' is no time zone (e.g. Europe/London)")
        return self


class Cleaning(Strict):
    r"""How a text is cleaned. As published, the regular expression ``(@|https?)\S+|#`` is removed."""

    mentions: Literal["remove", "keep"] = "remove"
    """@name and whatever follows it up to the next space."""
    links: Literal["remove", "keep"] = "remove"
    """http:// and https:// links."""
    hash_signs: Literal["remove", "keep"] = "remove"
    """The sign #; the word after it is kept."""
    html_entities: Literal["unescape", "keep"] = "keep"
    """unescape: '&amp;' becomes '&'."""
    whitespace: Literal["collapse", "keep"] = "collapse"
    """collapse: single spaces, none at the ends."""


class PostFilters(Strict):
    """Which posts are kept. Everything that is dropped is counted, by week and reason."""

    retweets: Literal["drop", "keep"] = "drop"
    """Reposts of somebody else's words."""
    removed: Literal["drop", "keep"] = "drop"
    """Posts whose text or author is [removed] or [deleted], as Reddit writes it."""
    duplicates: Literal["keep", "same-author", "any-author"] = "same-author"
    """Of posts with the same text in a week one is kept: of each author, or of all authors."""
    emoji_only: Literal["drop", "keep"] = "keep"
    """Posts of nothing but emoji."""
    languages: list[str] = Field([])
    """Only posts with one of these values in `columns.language`. Empty: all."""
    min_characters: int = Field(1, ge=1)
    """Shortest text that is kept, after cleaning."""
    max_posts_per_author: int | None = Field(None, gt=0)
    """Most posts of an author in a week; which ones are kept is random, but always the same. null: no maximum."""
