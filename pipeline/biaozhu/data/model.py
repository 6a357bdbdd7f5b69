"""The frozen values that travel through the pipeline, and their JSONL form.

Offsets are code points, half open. `Sentence` offsets point into the raw file, `Span` offsets into the text of
its sentence. Every read and every write checks them against the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any, Literal

from biaozhu.data.errors import LabelError, LineError, OffsetError, OverlapError, raise_collected
from biaozhu.data.files import LONE_SURROGATE, once_each

ARTICLE_ID = re.compile(r"[0-9a-f]{12}")
SENTENCE_ID = re.compile(r"([0-9a-f]{12}):(0|[1-9][0-9]{0,11})-([1-9][0-9]{0,11})")
LINE_KEYS = ("id", "article", "start", "end", "text", "spans")
SPAN_KEYS = ("start", "end", "label", "text", "source", "score")
MARKS = 18
"""Quotation marks of a sentence line, and of each of its spans: six keys and three strings. More are a key twice, or escaped."""
TOTALS = frozenset({"ALL", "All", "all", "MICRO", "Micro", "micro", "O"})
"""Under these the scores of all labels together stand beside those of each, and the characters that have none."""
IN_SAMPLE_MARK = ":in-sample"
"""Behind the source of spans that a model gives sentences it was trained on: what they score says nothing of others."""
MARK_DIGITS = 8
CONFIG_MARK = re.compile(rf"@[0-9a-f]{{{MARK_DIGITS}}}$")
"""Behind the source of spans of `crossval` (the config's checksum) and of a language model (its prompt's)."""
BY_KEY = attrgetter("start", "end", "label")
_match_article_id = lru_cache(maxsize=1024)(ARTICLE_ID.fullmatch)
# `json.dumps` would make an encoder for each line.
_TO_JSON = json.JSONEncoder(ensure_ascii=False).encode


BlockKind = Literal["furniture", "title", "heading", "caption", "paragraph"]


@dataclass(frozen=True, slots=True)
class Block:
    """A line of the raw file that says something, without its white space; `section` counts headings, from 0."""

    start: int
    end: int
    kind: BlockKind
    section: int


@dataclass(frozen=True, slots=True)
class Metadata:
    """Metadata that the page states; empty where it states none. `time` is written as on the page."""

    title: str = ""
    source: str = ""
    author: str = ""
    time: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Visible text of an HTML page that is not in the article, and why."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Article:
    """A decoded source file: offsets count code points, `id` is 12 hex digits of `sha256` (see `read_article`), `name` its stem."""

    id: str
    name: str
    sha256: str
    encoding: str
    raw: str
    blocks: tuple[Block, ...]
    metadata: Metadata
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A labelled stretch of its sentence's text, in code points, half open; `score` is in [0, 1] or None."""

    start: int
    end: int
    label: str
    source: str = ""
    score: float | None = None

    @property
    def key(self) -> tuple[int, int, str]:
        """The identity of an annotation: two spans with this key are equal."""
        return self.start, self.end, self.label


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with a layer's spans, sorted and disjoint; its own offsets count from the start of the article."""

    article: str
    start: int
    end: int
    text: str
    spans: tuple[Span, ...] = ()

    @property
    def id(self) -> str:
        """The stable sentence id, `<article>:<start>-<end>`."""
        return f"{self.article}:{self.start}-{self.end}"


def with_spans(sentence: Sentence, spans: Iterable[Span]) -> Sentence:
    """Return the sentence with these spans instead, sorted and checked as `check_sentence` does."""
    # Not `replace`: this runs for every layer of every sentence.
    changed = Sentence(sentence.article, sentence.start, sentence.end, sentence.text, tuple(sorted(spans, key=BY_KEY)))
    check_sentence(changed)
    return changed


def check_sentence(sentence: Sentence, *, where: str = "") -> None:
    """Raise OffsetError for an offset out of range or an empty span, OverlapError for overlap or disorder, LabelError for a total."""
    # Offsets that are not from a file are those of Python code.
    advice = "" if where else "Offsets count code points of the sentence's text, half open"
    where, length = where or sentence.id, len(sentence.text)
    if not _match_article_id(sentence.article):
        raise OffsetError(f"the article id {sentence.article!r} is not 12 hex digits", where=where)
    if sentence.start < 0 or sentence.end - sentence.start != length or not length:
        what = f"offsets {sentence.start}-{sentence.end} do not fit a text of {length} code points"
        raise OffsetError(what, where=where)
    reached = 0
    for span in sentence.spans:
        if span.start < 0 or span.start >= span.end or length < span.end:
            what = f"span {span.start}-{span.end} {span.label} is outside the sentence or empty"
            raise OffsetError(what, where=where, next_step=advice)
        if span.start < reached:
            if list(sentence.spans) != sorted(sentence.spans, key=BY_KEY):
                raise OverlapError("the spans are not sorted", where=where, next_step="Sort them by start")
            what = f"span {span.start}-{span.end} {span.label} overlaps the one before it"
            raise OverlapError(what, where=where)
        if span.label in TOTALS:
            what = f"the label {span.label!r} is what scores call all labels together, or none"
            raise LabelError(what, where=where, next_step="Rename it; `biaozhu import` does with --map")
        reached = span.end


def check_against_raw(sentences: Iterable[Sentence], raw: str) -> None:
    """Raise OffsetError, all together, for sentences whose text is not the one at their offsets in the raw file."""
    problems = [
        OffsetError(f"{sentence.text[:20]!r}… is not the text at this place in the raw file", where=sentence.id)
        for sentence in sentences
        if raw[sentence.start : sentence.end] != sentence.text
    ]
    raise_collected(problems)


def sentence_to_line(sentence: Sentence) -> str:
    """Return the sentence line (JSON, keys in their fixed order), checked as `check_sentence` does."""
    check_sentence(sentence)
    text, spans = sentence.text, []
    for span in sentence.spans:
        values = (span.start, span.end, span.label, text[span.start : span.end], span.source, span.score)
        spans.append(dict(zip(SPAN_KEYS, values, strict=True)))
    line = (sentence.id, sentence.article, sentence.start, sentence.end, text, spans)
    return _TO_JSON(dict(zip(LINE_KEYS, line, strict=True)))


def sentence_from_line(line: str, *, where: str = "") -> Sentence:
    """Parse and check one sentence line, spans in any order; raises LineError, OffsetError or OverlapError."""
    data = _parse_line(line, where)
    _check_keys(data, LINE_KEYS, "sentence line", where)
    text, spans = data["text"], data["spans"]
    if not isinstance(text, str) or not isinstance(spans, list) or not isinstance(data["article"], str):
        raise LineError("text and article must be strings and spans a list", where=where)
    # Of a key that comes twice the first value would be lost without a word.
    if line.count('"') != MARKS * (1 + len(spans)):
        _parse_line(line, where, once_each)
    if not is_unicode(text):
        raise LineError("the text holds a lone surrogate, which no UTF-8 file can carry", where=where)
    stated = [_span_from(item, where) for item in spans]
    start, end = (_int(data[key], key, where) for key in ("start", "end"))
    sentence = Sentence(data["article"], start, end, text, tuple(sorted(stated, key=BY_KEY)))
    if data["id"] != sentence.id:
        raise OffsetError(f"the id {data['id']!r} is not {sentence.id}", where=where)
    check_sentence(sentence, where=where)
    for span, item in zip(stated, spans, strict=True):
        if (there := text[span.start : span.end]) != item["text"]:
            raise OffsetError(f"span {span.start}-{span.end} says {item['text']!r} where {there!r} stands", where=where)
    return sentence


def _parse_line(line: str, where: str, hook: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    try:
        return json.loads(line, object_pairs_hook=hook)
    except (ValueError, RecursionError) as error:
        raise LineError(f"not JSON ({error})", where=where) from None


def _check_keys(data: Any, keys: tuple[str, ...], name: str, where: str) -> None:
    if not isinstance(data, dict):
        raise LineError(f"a {name} is a JSON object", where=where)
    missing = [key for key in keys if key not in data]
    unknown = [key for key in data if key not in keys]
    lacking, strange = ", ".join(missing), ", ".join(unknown)
    if missing and unknown:
        raise LineError(f"the {name} lacks {lacking} and has unknown {strange}", where=where)
    if missing:
        raise LineError(f"the {name} lacks {lacking}", where=where)
    if unknown:
        raise LineError(f"the {name} has unknown {strange}", where=where)


def _int(value: Any, key: str, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise LineError(f"{key} is {str(value)[:40]!r}, a whole number is needed", where=where)
    return value


def is_unicode(text: str) -> bool:
    """Return whether UTF-8 can carry a text, which it cannot with a lone surrogate."""
    return LONE_SURROGATE.search(text) is None


def _span_from(data: Any, where: str) -> Span:
    _check_keys(data, SPAN_KEYS, "span", where)
    start, end = _int(data["start"], "span start", where), _int(data["end"], "span end", where)
    if not isinstance(data["label"], str) or not isinstance(data["source"], str):
        raise LineError("a span's label and source must be strings", where=where)
    if not data["label"]:
        raise LineError("a span's label is empty", where=where)
    if not is_unicode(data["label"] + data["source"]):
        raise LineError("a span's label or source holds a lone surrogate", where=where)
    score = data["score"]
    # NaN, which JSON lets through, is neither below nor above.
    if score is not None and (isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1):
        raise LineError(f"a span's score is {str(score)[:40]!r}, a number from 0 to 1 or null is needed", where=where)
    return Span(start, end, data["label"], data["source"], None if score is None else float(score))
