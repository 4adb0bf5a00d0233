"""What stands under a key of a post in JSON, as the text that a column holds."""

import math
from collections.abc import Sequence
from typing import Any

LABEL = "label"  # roles that begin so may hold several values, which stand in one text
NESTED = object()
REPOST_TYPES = (None, "retweeted", "repost", "reblog")  # of what a post refers to, if the platform says how


def values_of(rows: Sequence[dict[str, Any]], column: str) -> list[Any]:
    """Return what JSON objects have under a key, or under keys joined by dots; None where they have none."""
    if "." not in column:
        return [row.get(column) for row in rows]
    return [
        row[column] if column in row else _inner(row, column).get(column.rsplit(".", 1)[1]) for row in rows
    ]


def has_key(row: dict[str, Any], column: str) -> bool:
    """Return whether a JSON object has a key, or keys joined by dots."""
    return column in row or ("." in column and column.rsplit(".", 1)[1] in _inner(row, column))


def _inner(row: dict[str, Any], column: str) -> dict[str, Any]:
    value: Any = row
    for key in column.split(".")[:-1]:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def flat_value(role: str, value: Any) -> Any:
    """Return a JSON value as text, None where it is absent, and NESTED if it is an object or a list without a meaning here."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        if role == "retweet":
            return str(_is_repost(value)).lower()
        if role.startswith(LABEL) and isinstance(value, list):
            return ",".join(map(str, value))
        return _joined_pieces(value) if role == "text" else NESTED
    # NaN is not valid JSON, but Python and pandas write it for a missing value.
    if isinstance(value, float) and math.isnan(value):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_repost(value: dict[str, Any] | list[Any]) -> bool:
    """Whether there is a post that was reposted: Twitter's `retweeted_status`, Mastodon's `reblog`, or `referenced_tweets`."""
    if isinstance(value, dict):
        return bool(value)
    return any(isinstance(one, dict) and one.get("type") in REPOST_TYPES for one in value)


def _joined_pieces(value: dict[str, Any] | list[Any]) -> Any:
    """Return a text that is given in pieces, as Telegram does where a post has links."""
    if isinstance(value, dict):
        return NESTED
    pieces: list[Any] = [one.get("text") if isinstance(one, dict) else one for one in value]
    return "".join(pieces) if all(isinstance(piece, str) for piece in pieces) else NESTED
