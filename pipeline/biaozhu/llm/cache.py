"""Answers on disk, by text, prompt, model and parameters: a second run costs nothing, a killed one goes on."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

from biaozhu.data.errors import WriteError
from biaozhu.data.model import Span
from biaozhu.llm.answers import Checked, Problem

if TYPE_CHECKING:
    from pathlib import Path

WAIT_SECONDS = 60.0


class AnswerCache:
    """A database of checked answers, which threads and other runs may use at the same time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # It holds words of the articles: nobody else's business.
            path.touch(mode=0o600)
            self._database = sqlite3.connect(
                path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise self._failed(error) from None
        self._execute("PRAGMA journal_mode = WAL")
        self._execute("PRAGMA synchronous = NORMAL")
        self._execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL)")

    def read(self, key: str, text: str) -> Checked | None:
        """Return the answer for a text, or None where there is none that fits it."""
        row = self._execute("SELECT answer FROM answers WHERE key = ?", key)
        return None if row is None else _decode(row[0], text)

    def write(self, key: str, answer: Checked) -> None:
        """Keep an answer."""
        spans = [[span.start, span.end, span.label] for span in answer.spans]
        problems = [[one.reason, one.text, one.label, one.occurrence] for one in answer.problems]
        line = json.dumps({"spans": spans, "problems": problems}, ensure_ascii=False)
        self._execute("INSERT OR REPLACE INTO answers VALUES (?, ?)", key, line)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._database.close()

    def _execute(self, statement: str, *values: str) -> Any:
        try:
            with self._lock:
                return self._database.execute(statement, values).fetchone()
        except sqlite3.Error as error:
            raise self._failed(error) from None

    def _failed(self, error: Exception) -> WriteError:
        return WriteError(
            f"the cache of answers cannot be used ({error})",
            where=str(self._path),
            next_step="Remove the file, or name another folder in BIAOZHU_CACHE",
        )


def make_key(*parts: Any) -> str:
    """Return the key of an answer: a checksum of all that it depends on."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _decode(line: str, text: str) -> Checked | None:
    try:
        data = json.loads(line)
        spans = tuple(Span(int(start), int(end), str(label)) for start, end, label in data["spans"])
        problems = tuple(Problem(*one) for one in data["problems"])
    except (ValueError, TypeError, KeyError):
        return None
    reached = 0
    for span in spans:
        if not reached <= span.start < span.end <= len(text):
            return None
        reached = span.end
    return Checked(spans, problems)
