"""A sentence as Doccano stores it, and back: offsets, label names and metadata.

Doccano's offsets count UTF-16 units, as its page does (except in grapheme mode, which we never use); ours count code
points. An example's metadata are strings, because Doccano turns a missing value into NaN:

    sid      the sentence id
    article  the article's name
    text_sha the first 12 hex digits of the text's SHA-256, which show that a text was edited on the server
    pre      the spans that were sent, `[[start, end, label id, source, score], …]` in code points
    by       the user id of the account that pushed; spans of any other user are a person's work
    batch    the batch that imported the example, `<push>.<number>`
    reason   where `select` chose it: why
    next     while the spans are being replaced: the new spans

Doccano shows annotators each key in a row of its own. So text_sha, by, batch and pre travel in one row, `biaozhu`, as a
flat JSON list. Examples of an older version, with a key for each, can be read too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Any

import msgspec

from biaozhu.data.errors import RoundTripError
from biaozhu.data.files import parse_json, parse_json_as
from biaozhu.data.model import SENTENCE_ID, Sentence, Span
from biaozhu.data.offsets import Utf16Offsets

_SpanRow = tuple[int, int, str, str, Annotated[float, msgspec.Meta(ge=0, le=1)] | None]

PACKED_KEY = "biaozhu"
HEAD_KEYS = ("text_sha", "by", "batch")
SPAN_FIELDS = 5


@dataclass(frozen=True, slots=True)
class RemoteSpan:
    """A span as Doccano stores it: offsets in UTF-16 units, and the label's displayed name."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class DoccanoExample:
    """An example as Doccano stores it, with its spans in order and its metadata unpacked."""

    id: int
    text: str
    meta: dict[str, Any]
    spans: tuple[RemoteSpan, ...] = ()
    confirmed: bool = False
    comments: tuple[str, ...] = ()

    @property
    def sentence_id(self) -> str:
        """The sentence id, or nothing where biaozhu did not make this example."""
        value = self.meta.get("sid")
        return value if isinstance(value, str) and SENTENCE_ID.fullmatch(value) else ""

    @property
    def sent_spans(self) -> tuple[Span, ...] | None:
        """The spans that were sent, or None where their record is missing or damaged."""
        return spans_from_json(self.meta.get("pre"))


def checksum_text(text: str) -> str:
    """Return the first 12 hex digits of the text's SHA-256."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]


def spans_to_json(spans: Iterable[Span]) -> str:
    """Return spans, with source and score, as one compact line."""
    return _compact([[span.start, span.end, span.label, span.source, span.score] for span in spans])


def spans_from_json(line: object) -> tuple[Span, ...] | None:
    """Return the spans of `spans_to_json`, or None where the line is not of that form."""
    try:
        rows = parse_json_as(line, list[_SpanRow]) if isinstance(line, str) else None
    except ValueError:
        return None
    return None if rows is None else tuple(Span(*row) for row in rows)


def make_meta(sentence: Sentence, article: str, *, by: int, batch: str) -> dict[str, str]:
    """Return the metadata of a sentence's example."""
    return {
        "sid": sentence.id,
        "article": article,
        "text_sha": checksum_text(sentence.text),
        "pre": spans_to_json(sentence.spans),
        "by": str(by),
        "batch": batch,
    }


def pack_meta(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Put what annotators need not read into one row; damaged metadata stay as they are."""
    packed = {*HEAD_KEYS, "pre"}
    if spans_from_json(meta.get("pre")) is None or not packed <= meta.keys():
        return dict(meta)
    line = _compact([*(meta[key] for key in HEAD_KEYS), *chain.from_iterable(json.loads(meta["pre"]))])
    rest = {key: value for key, value in meta.items() if key not in packed}
    first: dict[str, Any] = {key: rest.pop(key) for key in ("sid", "article") if key in rest}
    return {**first, **rest, PACKED_KEY: line}


def unpack_meta(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Undo `pack_meta`; metadata that it did not make stay as they are."""
    try:
        record = parse_json(meta[PACKED_KEY])
        head, flat = record[: len(HEAD_KEYS)], record[len(HEAD_KEYS) :]
    except (KeyError, TypeError, ValueError):
        return dict(meta)
    if len(head) != len(HEAD_KEYS) or len(flat) % SPAN_FIELDS:
        return dict(meta)
    pre = _compact([flat[at : at + SPAN_FIELDS] for at in range(0, len(flat), SPAN_FIELDS)])
    rest = {key: value for key, value in meta.items() if key != PACKED_KEY}
    return {**rest, **dict(zip(HEAD_KEYS, map(str, head), strict=True)), "pre": pre}


def is_ours(meta: Mapping[str, Any]) -> bool:
    """Tell whether biaozhu made the example with these metadata, even if they were damaged since."""
    return not meta.keys().isdisjoint({PACKED_KEY, "sid", "pre"})


def make_import_line(
    sentence: Sentence, meta: Mapping[str, str], names: Mapping[str, str], *, ascii_only: bool = True
) -> str:
    """Return a line for Doccano's JSONL import; every line of a file needs the same metadata keys.

    `names` maps label ids to what annotators see; with `ascii_only` the server cannot guess a wrong encoding.
    """
    label = [[s.start, s.end, s.label] for s in to_remote_spans(sentence.text, sentence.spans, names)]
    return json.dumps({"text": sentence.text, "label": label, **pack_meta(meta)}, ensure_ascii=ascii_only)


def to_remote_spans(text: str, spans: Iterable[Span], names: Mapping[str, str]) -> tuple[RemoteSpan, ...]:
    """Convert spans to the form in which Doccano stores them."""
    to_units = Utf16Offsets(text).to_units
    return tuple(RemoteSpan(to_units(span.start), to_units(span.end), names[span.label]) for span in spans)


def from_remote_spans(
    example: DoccanoExample, ids: Mapping[str, str]
) -> tuple[tuple[Span, ...], tuple[tuple[RemoteSpan, str], ...]]:
    """Convert an example's spans back, sorted and disjoint, with the source and score that they were sent with.

    One that was not sent has the source `doccano`. Those that cannot be converted come with the reason, in a second tuple.
    """
    offsets = Utf16Offsets(example.text)
    sent = {span.key: span for span in example.sent_spans or ()}
    found: list[Span] = []
    refused: list[tuple[RemoteSpan, str]] = []
    for remote in sorted(example.spans, key=lambda span: (span.start, span.end, span.label)):
        place, label = offsets.span_from_units(remote.start, remote.end), ids.get(remote.label)
        if place is None:
            refused.append((remote, "its offsets do not fit the text"))
        elif label is None:
            refused.append((remote, "the label is not in the labels file"))
        elif found and place[0] < found[-1].end:
            refused.append((remote, "it overlaps the span before it"))
        else:
            found.append(sent.get((*place, label), Span(*place, label, "doccano")))
    return tuple(found), tuple(refused)


def rebuild_sentence(example: DoccanoExample, spans: tuple[Span, ...]) -> Sentence:
    """Return the sentence of an example with these spans; its text must be the one that was sent."""
    match = SENTENCE_ID.fullmatch(example.sentence_id)
    if match is None:
        raise RoundTripError("no sentence id in the metadata", where=f"example {example.id}")
    start, end = int(match[2]), int(match[3])
    if end - start != len(example.text) or example.meta.get("text_sha") != checksum_text(example.text):
        raise RoundTripError("its text was changed in Doccano", where=example.sentence_id)
    return Sentence(match[1], start, end, example.text, spans)


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
