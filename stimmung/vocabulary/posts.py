"""How a panel's posts are read: columns, formats, cleaning and filters."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from stimmung.vocabulary.answer_options import Code
from stimmung.vocabulary.errors import raise_together, unknown
from stimmung.vocabulary.strict import Strict, TextEncoding
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
    """How the files are written, and how much of them may be unreadable."""

    time_format: str | list[str] = "iso"
    """iso: ISO 8601. unix-s, unix-ms: seconds, milliseconds since 1970. Or a strptime format, e.g. '%a %b %d %H:%M:%S %z %Y' for
    Twitter's. A list, if a column has several: the first that fits a time counts."""
    time_zone: str = "UTC"
    """The zone of times without an offset, e.g. Europe/London."""
    delimiter: str | None = Field(None, min_length=1, max_length=1)
    """Separates the columns of a csv file. null: ',', or a tab in .tsv; if the header then lacks the columns, whichever of , ; | and
    tab it has them with."""
    encoding: TextEncoding | None = None
    """The encoding of csv and jsonl files that are not UTF-8, e.g. windows-1252. null: there are none. UTF-16 is known by its mark."""
    records: str | None = Field(None, min_length=1)
    """Of JSON documents, the keys that lead to the list of posts, joined by dots, e.g. data.children.data. null: the document is the
    list, or Telegram's result.json, or the file has one JSON object on each line."""
    max_lost_share: float = Field(0.05, ge=0, le=1)
    """The largest share of rows of a file, or of all files, that may be lost because row, text, time, author or ID cannot be read.
    Above it, reading ends with an error; below it, they are counted and told."""

    @model_validator(mode="after")
    def _known_names(self) -> Self:
        if not is_time_zone(self.time_zone):
            raise ValueError(f"time_zone: '{self.time_zone}' is no time zone (e.g. Europe/London)")
        if not self.time_formats():
            raise ValueError("time_format: an empty list")
        return self

    def time_formats(self) -> list[str]:
        """Return the formats of times, in the order in which they are tried."""
        return as_list(self.time_format)


class Cleaning(Strict):
    r"""How a text is cleaned. As published, the regular expression ``(@|https?)\S+|#`` is removed."""

    mentions: Literal["remove", "keep"] = "remove"
    """@name and whatever follows it up to the next space."""
    links: Literal["remove", "keep"] = "remove"
    """http:// and https:// links."""
    hash_signs: Literal["remove", "keep"] = "remove"
    """The sign #; the word after it is kept."""
    html: Literal["auto", "strip", "keep"] = "auto"
    """strip: tags such as <p> and <br> are taken out. auto: of texts from <p> to </p>, as Mastodon writes them."""
    html_entities: Literal["unescape", "keep"] = "keep"
    """unescape: '&amp;' becomes '&'. keep: entities stay whole, also those with a #."""
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


class LabelledColumns(Strict):
    """Which column of a file of labelled posts holds what, and what the labels are called."""

    text: str = "text"
    """The text of the post."""
    label: str | list[str] = "label"
    """The column of the label. A list: columns that are true, or 1, where the post has the label that the column is named after."""
    labels: dict[Literal["joy", "sadness"], Code | list[Code]] = Field({"joy": "joy", "sadness": "sadness"})
    """What the file calls joy and sadness, or the two emotions that take their places: a word, a number, or a list of some. Posts
    with other labels or with several are left out, counted and told. Of a folder with GoEmotions only this key is used."""

    @model_validator(mode="after")
    def _both_named(self) -> Self:
        if set(self.labels) != {"joy", "sadness"}:
            raise ValueError("labels: needs joy and sadness")
        kinds = self.kind_of_label()
        if len(kinds) < sum(len(as_list(labels)) for labels in self.labels.values()):
            raise ValueError("labels: one is listed twice")
        if not isinstance(self.label, str):
            raise_together(unknown("labels", "column of `label`", kinds, self.label))
        return self

    def kind_of_label(self) -> dict[str, Literal["joy", "sadness"]]:
        """Return for each label of the file, as text, whether it is 'joy' or 'sadness'."""
        return {str(label): kind for kind, labels in self.labels.items() for label in as_list(labels)}


def as_list(value: Any) -> list[Any]:
    """Return a value in a list, and a list as it is."""
    return value if isinstance(value, list) else [value]
