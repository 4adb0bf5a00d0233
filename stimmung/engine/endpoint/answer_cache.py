"""What a server has said, on disk, so that a rerun asks nothing twice. Numbers under digests; no respondent can be read in it."""

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self


class AnswerCache:
    """A file of answers by key, there or not. To be used by one thread; several processes may share the file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(path, timeout=60)
        self._file.execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._file.close()

    @staticmethod
    def key(*parts: Any) -> str:
        """Return the digest of everything that an answer depends on."""
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def get(self, key: str) -> dict[str, Any] | None:
        """Return an answer, or None if there is none yet."""
        row = self._file.execute("SELECT answer FROM answers WHERE key = ?", (key,)).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def known(self, key: str) -> dict[str, Any]:
        """Return an answer; raise a KeyError if it is not there."""
        answer = self.get(key)
        if answer is None:
            raise KeyError(key)
        return answer

    def put(self, key: str, answer: Mapping[str, Any]) -> None:
        """Keep an answer; it is on disk when this returns."""
        with self._file:
            self._file.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?)", (key, json.dumps(dict(answer)))
            )
