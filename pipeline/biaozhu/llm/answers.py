"""Answers of a model, checked letter by letter: every span must stand in its sentence at its stated occurrence."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biaozhu.data.files import to_unicode
from biaozhu.data.model import Span

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

# Reasoning that some servers leave in the answer, and the fence that some models put around JSON.
THOUGHTS = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
FENCE = re.compile(r"\A\s*```[a-z]*\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)
SHOWN_CHARS = 40


@dataclass(frozen=True, slots=True)
class Problem:
    """Fault of an answer: a reason that can be counted, the span as the model wrote it, if it is one, and more words."""

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
    problems: tuple[Problem, ...] = ()

    @property
    def answered(self) -> bool:
        """True where the sentence has an answer at all, were it without its wrong spans."""
        return all(one.is_span for one in self.problems)


def check_answer(content: str, texts: Sequence[str], *, labels: Collection[str]) -> list[Checked]:
    """Read the answer to a batch and check it against the texts, of which the first is number 1."""
    try:
        entries = _parse(content)
    except ValueError as error:
        return [Checked(problems=(Problem(str(error)),))] * len(texts)
    by_number: dict[int, list[Any]] = {}
    for entry in entries:
        number = entry.get("n") if isinstance(entry, dict) else None
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= len(texts):
            # Which sentence it is about nobody knows: the numbers of the others cannot be trusted.
            return [Checked(problems=(Problem("an answer for a sentence that was not asked about"),))] * len(
                texts
            )
        by_number.setdefault(number, []).append(entry.get("spans"))
    return [_check_one(by_number.get(number, []), text, labels) for number, text in enumerate(texts, 1)]


def find_occurrence(text: str, part: str, occurrence: int) -> int:
    """Return where a part stands in a text for the given time, counted from 1; -1 where it does not."""
    at = -1
    for _ in range(occurrence):
        at = text.find(part, at + 1)
        if at < 0:
            return -1
    return at


def strip_wrapping(content: str) -> str:
    """Return an answer without the reasoning before it and the fence around it."""
    text = THOUGHTS.sub("", content)
    fenced = FENCE.match(text)
    return (fenced[1] if fenced else text).strip()


def _parse(content: str) -> list[Any]:
    text = strip_wrapping(content)
    if not text:
        raise ValueError("empty answer")
    begin = text.find("{")
    if begin < 0:
        raise ValueError("no JSON in the answer")
    try:
        value, end = json.JSONDecoder(object_pairs_hook=_object).raw_decode(text, begin)
    except (RecursionError, json.JSONDecodeError):
        raise ValueError("no JSON in the answer") from None
    if "{" in text[end:]:
        raise ValueError("two answers in one")
    answers = value.get("answers") if isinstance(value, dict) else None
    if not isinstance(answers, list):
        raise ValueError("the answer is not of the schema")  # noqa: TRY004 — one kind of error for all that is wrong
    return answers


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("two answers in one")
    return made


def _check_one(answers: list[Any], text: str, labels: Collection[str]) -> Checked:
    if len(answers) != 1:
        return Checked(problems=(Problem("two answers for one sentence" if answers else "no answer"),))
    spans = answers[0]
    if not isinstance(spans, list):
        return Checked(problems=(Problem("the answer is not of the schema"),))
    good: list[Span] = []
    problems: list[Problem] = []
    stated = Counter(json.dumps(one, sort_keys=True) for one in spans)
    for item in spans:
        found = _find_span(item, text, labels)
        if isinstance(found, Problem):
            problems.append(found)
        elif any(one.start < found.end and found.start < one.end for one in good):
            twice = stated[json.dumps(item, sort_keys=True)] > 1
            reason = "span stated twice" if twice else "span overlaps another"
            problems.append(Problem(reason, item["text"], found.label, _occurrence_of(item, text)))
        else:
            good.append(found)
    return Checked(tuple(sorted(good)), tuple(problems))


def _find_span(item: Any, text: str, labels: Collection[str]) -> Span | Problem:
    if (
        not isinstance(item, dict)
        or not isinstance(item.get("text"), str)
        or not isinstance(item.get("label"), str)
    ):
        return Problem("a span is not of the schema", shorten(item), "?")
    part, label = item["text"], item["label"]
    occurrence = _occurrence_of(item, text)
    shown = shorten(part), shorten(label), occurrence
    if label not in labels:
        return Problem("unknown label", *shown)
    if not part or part != part.strip():
        return Problem("span is empty or has white space at its ends", *shown)
    start = find_occurrence(text, part, occurrence) if occurrence > 0 else -1
    if start >= 0:
        return Span(start, start + len(part), label)
    if part in text:
        return Problem("no such occurrence in the sentence", *shown)
    reason = (
        "rewritten: the sentence writes it otherwise" if _bare(part) in _bare(text) else "not in the sentence"
    )
    return Problem(reason, *shown)


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


def shorten(value: Any) -> str:
    """Return a value as a ledger can hold it."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # A lone surrogate, which JSON may state, fits into no ledger.
    text = to_unicode(text)
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"
