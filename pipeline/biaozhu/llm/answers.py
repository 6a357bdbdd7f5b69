"""Answers of a model, checked letter by letter: every span must stand in its sentence at its stated occurrence.

An answer is JSON, or for servers without structured output marked text: each sentence repeated, its spans between marks.
Answers are kept on disk, by text, prompt, model and parameters: a second run costs nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import threading
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biaozhu.data.errors import WriteError
from biaozhu.data.files import once_each, to_unicode
from biaozhu.data.model import Sentence, Span

THOUGHTS = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)  # which some servers leave in the answer
SHOWN_CHARS = 40
NUMBER = re.compile(r"<(/?)(\d{1,4})>")
MARK = re.compile(r"<(/?)([^<>/\s]{1,40})>")
BAD_MARKS = "marks are nested or not closed"
WHITE_EDGES = "span is empty or has white space at its ends"
NOT_SCHEMA = "the answer is not of the schema"
TOO_MANY_SPANS = "more spans than the sentence has characters"
MAX_DEPTH = 8  # of an answer, of which the schema needs five
MAX_DIGITS = 18
WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class AnswerProblem:
    """Fault of an answer: a reason that can be counted, and the span as the model wrote it, or a detail."""

    reason: str
    text: str = ""
    label: str = ""
    occurrence: int = 0
    detail: str = ""

    @property
    def is_span(self) -> bool:
        """True where only one span is lost; else the sentence has no answer."""
        return bool(self.text or self.label)

    def __str__(self) -> str:
        if self.is_span:
            return f"{self.text!r} {self.label} {self.occurrence}: {self.reason}"
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer for one sentence: the spans that stand in it, sorted and disjoint, and what is wrong with the rest."""

    spans: tuple[Span, ...] = ()
    problems: tuple[AnswerProblem, ...] = ()

    @property
    def answered(self) -> bool:
        """True where the sentence has an answer at all, were it without its wrong spans."""
        return all(one.is_span for one in self.problems)


def check_answer(content: str, texts: Sequence[str], *, labels: Collection[str]) -> list[Checked]:
    """Read the answer to a batch and check it against the texts, of which the first is number 1."""
    try:
        entries = _parse_answers(content)
    except ValueError as error:
        return [make_unanswered(str(error))] * len(texts)
    found = [(one.get("n"), one.get("spans")) if isinstance(one, dict) else (None, None) for one in entries]
    return _check_each(found, texts, lambda spans, text: _check_spans(spans, text, labels))


def mark_sentences(sentences: Sequence[Sentence]) -> str:
    """Return sentences as a model should answer them in marked text."""
    blocks = []
    for number, one in enumerate(sentences, 1):
        text = one.text
        for span in reversed(one.spans):
            marked = f"<{span.label}>{text[span.start : span.end]}</{span.label}>"
            text = text[: span.start] + marked + text[span.end :]
        blocks.append(f"<{number}>{text}</{number}>")
    return "\n".join(blocks)


def check_marks(content: str, texts: Sequence[str], *, labels: Collection[str]) -> list[Checked]:
    """Read the marked answer to a batch and align it with the texts, of which the first is number 1."""
    content = THOUGHTS.sub("", content).strip()
    found = list(_find_blocks(content))
    if not found:
        return [make_unanswered("no marked text in the answer" if content else "empty answer")] * len(texts)
    return _check_each(found, texts, lambda marked, text: _align(marked, text, labels))


def make_unanswered(reason: str, detail: str = "") -> Checked:
    """Return that a sentence has no answer."""
    return Checked(problems=(AnswerProblem(reason, detail=detail),))


def _check_each(
    found: Sequence[tuple[Any, Any]], texts: Sequence[str], check: Callable[[Any, str], Checked]
) -> list[Checked]:
    by_number: dict[int, list[Any]] = {number: [] for number in range(1, len(texts) + 1)}
    for number, answer in found:
        if isinstance(number, bool) or not isinstance(number, int) or number not in by_number:
            # Which sentence it is about nobody knows: the numbers of the others cannot be trusted.
            return [make_unanswered("an answer for a sentence that was not asked about")] * len(texts)
        by_number[number].append(answer)
    checked = []
    for own, text in zip(by_number.values(), texts, strict=True):
        reason = "two answers for one sentence" if own else "no answer"
        checked.append(check(own[0], text) if len(own) == 1 else make_unanswered(reason))
    return checked


def find_occurrence(text: str, part: str, occurrence: int) -> int:
    """Return where a part stands in a text for the given time, counted from 1; -1 where it does not."""
    at = -1
    for _ in range(occurrence):
        if (at := text.find(part, at + 1)) < 0:
            break
    return at


def _parse_answers(content: str) -> list[Any]:
    text = THOUGHTS.sub("", content).strip()
    if not text:
        raise ValueError("empty answer")
    begin = text.find("{")
    if begin < 0:
        raise ValueError("no JSON in the answer")
    try:
        # Python refuses to read numbers of thousands of digits; any that is too large is as wrong as they are.
        decoder = json.JSONDecoder(object_pairs_hook=once_each, parse_int=lambda digits: int(digits[:MAX_DIGITS]))
        value, end = decoder.raw_decode(text, begin)
    except (RecursionError, json.JSONDecodeError):
        raise ValueError("no JSON in the answer") from None
    except ValueError:
        raise ValueError("two answers in one") from None
    if "{" in text[end:]:
        raise ValueError("two answers in one")
    answers = value.get("answers") if isinstance(value, dict) else None
    if not isinstance(answers, list) or not _is_shallow(answers, MAX_DEPTH):
        raise ValueError(NOT_SCHEMA)
    return answers


def _is_shallow(value: Any, depth: int) -> bool:
    """Tell whether a value is nested no deeper; what reads and writes it again would end in a RecursionError."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth > 0 and all(_is_shallow(one, depth - 1) for one in inner)


def _check_spans(spans: Any, text: str, labels: Collection[str]) -> Checked:
    if not isinstance(spans, list):
        return make_unanswered(NOT_SCHEMA)
    if len(spans) > len(text):
        return make_unanswered(TOO_MANY_SPANS, f"{len(spans):,}")
    good: list[Span] = []
    problems: list[AnswerProblem] = []
    stated = Counter(json.dumps(one, sort_keys=True) for one in spans)
    for item in spans:
        found = _find_span(item, text, labels)
        if isinstance(found, AnswerProblem):
            problems.append(found)
        elif any(one.start < found.end and found.start < one.end for one in good):
            reason = "span stated twice" if stated[json.dumps(item, sort_keys=True)] > 1 else "span overlaps another"
            problems.append(AnswerProblem(reason, item["text"], found.label, _occurrence_of(item, text)))
        else:
            good.append(found)
    return Checked(tuple(sorted(good)), tuple(problems))


def _find_span(item: Any, text: str, labels: Collection[str]) -> Span | AnswerProblem:
    if not isinstance(item, dict) or not all(isinstance(item.get(key), str) for key in ("text", "label")):
        return AnswerProblem("a span is not of the schema", _shorten(item), "?")
    part, label = item["text"], item["label"]
    occurrence = _occurrence_of(item, text)
    if label not in labels:
        reason = "unknown label"
    elif not part or part != part.strip():
        reason = WHITE_EDGES
    elif occurrence and (start := find_occurrence(text, part, occurrence)) >= 0:
        return Span(start, start + len(part), label)
    elif part in text:
        reason = "no such occurrence in the sentence"
    else:
        reason = "rewritten: the sentence writes it otherwise" if _bare(part) in _bare(text) else "not in the sentence"
    return AnswerProblem(reason, _shorten(part), _shorten(label), occurrence)


def _occurrence_of(item: dict[str, Any], text: str) -> int:
    stated = item.get("occurrence")
    if stated is None and text.count(item["text"]) == 1:
        return 1
    # More than the text has letters is as wrong as none, and would be looked for as often.
    if isinstance(stated, int) and not isinstance(stated, bool) and 0 < stated <= len(text):
        return stated
    return 0


def _bare(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _shorten(value: Any) -> str:
    """Return a value as a ledger can hold it."""
    # A lone surrogate, which JSON may state, fits into no ledger.
    text = to_unicode(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"


def _find_blocks(content: str) -> Iterator[tuple[int, str]]:
    """Yield each number that is opened and closed, and what is between, in one pass however often a model repeats itself."""
    tags = [(tag, int(tag[2])) for tag in NUMBER.finditer(content)]
    last = {number: tag.start() for tag, number in tags if tag[1]}
    begun: tuple[int, int] | None = None
    for tag, number in tags:
        if begun is None and not tag[1] and last.get(number, -1) >= tag.end():
            begun = number, tag.end()
        elif begun is not None and tag[1] and number == begun[0]:
            yield number, content[begun[1] : tag.start()]
            begun = None


def _align(marked: str, text: str, labels: Collection[str]) -> Checked:  # noqa: C901 — one pass over the marks
    """Compare the answer with the text letter by letter; white space, which models change, is no letter."""
    places = [at for at, letter in enumerate(text) if not letter.isspace()]
    letters = ""
    spans: list[Span] = []
    problems: list[AnswerProblem] = []
    begun: tuple[str, int] | None = None
    reached = 0
    for mark in MARK.finditer(marked):
        closes, label = mark.groups()
        if mark[0] in text:
            if label in labels:
                return make_unanswered("the sentence itself has such marks")
            continue
        letters += "".join(marked[reached : mark.start()].split())
        reached = mark.end()
        if not closes and begun is None:
            begun = label, len(letters)
        elif not closes or begun is None or begun[0] != label:
            return make_unanswered(BAD_MARKS)
        else:
            first, begun = begun[1], None
            if first == len(letters):
                problems.append(AnswerProblem(WHITE_EDGES, "", _shorten(label)))
            elif label not in labels:
                problems.append(AnswerProblem("unknown label", _shorten(letters[first:]), _shorten(label), 1))
            elif len(letters) <= len(places):
                spans.append(Span(places[first], places[len(letters) - 1] + 1, label))
    letters += "".join(marked[reached:].split())
    if begun:
        return make_unanswered(BAD_MARKS)
    if len(spans) + len(problems) > len(text):
        return make_unanswered(TOO_MANY_SPANS, f"{len(spans) + len(problems):,}")
    own = "".join(text.split())
    if letters != own:
        at = next((at for at, letter in enumerate(own) if letters[at : at + 1] != letter), len(own))
        where = f"{letters[at : at + 10]!r} where the sentence has {own[at : at + 10]!r}"
        return make_unanswered("the text comes back rewritten", where)
    return Checked(tuple(spans), tuple(problems))


class AnswerCache:
    """A database of checked answers, which threads and other runs may use at the same time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # It holds words of the articles: nobody else's business.
            path.touch(mode=0o600)
            options: Any = {"timeout": WAIT_SECONDS, "isolation_level": None, "check_same_thread": False}
            self._database = sqlite3.connect(path, **options)
        except (OSError, sqlite3.Error) as error:
            raise self._failed(error) from None
        self._execute("PRAGMA journal_mode = WAL")
        self._execute("PRAGMA synchronous = NORMAL")
        self._execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL)")

    def read(self, key: str, text: str) -> Checked | None:
        """Return the answer for a text, or None where there is none that fits it."""
        row = self._execute("SELECT answer FROM answers WHERE key = ?", key)
        try:
            data = json.loads(row[0])
            spans = tuple(Span(int(start), int(end), str(label)) for start, end, label in data["spans"])
            problems = tuple(AnswerProblem(*one) for one in data["problems"])
        except (ValueError, TypeError, KeyError):
            return None  # also where there is no row
        edges = [0, *(edge for span in spans for edge in (span.start, span.end)), len(text)]
        is_fitting = edges == sorted(edges) and all(span.start < span.end for span in spans)
        return Checked(spans, problems) if is_fitting else None

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
        what = f"the cache of answers cannot be used ({error})"
        return WriteError(what, where=self._path, next_step="Remove the file, or name another folder in BIAOZHU_CACHE")


def make_key(*parts: Any) -> str:
    """Return the key of an answer: a checksum of all that it depends on."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
