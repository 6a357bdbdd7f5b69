"""A sentence as Doccano holds it, and back: offsets, label names, and what its metadata carry.

Offsets in Doccano are those of its front end, which counts UTF-16 units (a project in grapheme mode, which we
never make, counts graphemes). Ours are code points. Every offset is converted here and nowhere else.

Metadata of an example, all strings (Doccano makes NaN of what is missing):
    sid      the stable sentence id
    article  the article's name
    text_sha the first 12 hex digits of the text's SHA-256: a text that was edited on the server is noticed
    pre      the spans as they were sent, `[[start, end, label id, source, score], …]` in code points
    by       the user id of the account that pushed: spans of another user are a person's
    batch    the batch that brought it, `<push>.<number>`
    next     only while these spans are being replaced: the spans to come

Doccano shows annotators every key in a row of its own beside the text. So text_sha, by, batch and pre travel in one
row, `biaozhu`, as a flat JSON list in which a browser breaks no line. Examples of the form before, with a key for each,
are read as well.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from biaozhu.data.errors import RoundTripError
from biaozhu.data.files import parse_json
from biaozhu.data.model import SENTENCE_ID, Sentence, Span
from biaozhu.data.offsets import from_units, to_units

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RECORD = "biaozhu"
HEAD = ("text_sha", "by", "batch")
SPAN_FIELDS = 5


@dataclass(frozen=True, slots=True)
class RemoteSpan:
    """A span as Doccano holds it: offsets in UTF-16 units, and the label's displayed name."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Example:
    """An example as Doccano holds it, with its spans in order."""

    id: int
    text: str
    meta: dict[str, Any]
    spans: tuple[RemoteSpan, ...] = ()
    confirmed: bool = False
    comments: tuple[str, ...] = ()

    @property
    def sid(self) -> str:
        """The stable sentence id, or nothing when biaozhu did not make this example."""
        value = self.meta.get("sid")
        return value if isinstance(value, str) and SENTENCE_ID.fullmatch(value) else ""


def text_sha(text: str) -> str:
    """Return the first 12 hex digits of the text's SHA-256."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]


def spans_to_json(spans: Iterable[Span]) -> str:
    """Return spans, with source and score, as one compact line."""
    rows = [[span.start, span.end, span.label, span.source, span.score] for span in spans]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def spans_from_json(line: object) -> tuple[Span, ...] | None:
    """Return the spans of `spans_to_json`, or None where the line is not of that form."""
    try:
        # Whoever may change the server's metadata may write anything there.
        rows = parse_json(line) if isinstance(line, str) else None
        if not isinstance(rows, list):
            return None
        spans = tuple(
            Span(int(start), int(end), str(label), str(source), None if score is None else float(score))
            for start, end, label, source, score in rows
        )
    except (ValueError, TypeError, OverflowError):
        return None
    return spans if all(span.score is None or 0 <= span.score <= 1 for span in spans) else None


def to_meta(sentence: Sentence, article: str, *, by: int, batch: str) -> dict[str, str]:
    """Return the metadata of a sentence's example, see the module's text."""
    return {
        "sid": sentence.id,
        "article": article,
        "text_sha": text_sha(sentence.text),
        "pre": spans_to_json(sentence.spans),
        "by": str(by),
        "batch": batch,
    }


def pack_meta(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata as the server shall hold them: what annotators need not read in one row."""
    packed = {*HEAD, "pre"}
    if spans_from_json(meta.get("pre")) is None or not packed <= meta.keys():
        return dict(meta)
    rows = json.loads(meta["pre"])
    record = [*(meta[key] for key in HEAD), *chain.from_iterable(rows)]
    line = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    rest = {key: value for key, value in meta.items() if key not in packed}
    first: dict[str, Any] = {key: rest.pop(key) for key in ("sid", "article") if key in rest}
    return {**first, RECORD: line, **rest}


def unpack_meta(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata with a key for each of the module's list; what `pack_meta` has not made stays as it is."""
    try:
        record = parse_json(meta[RECORD])
        head, flat = record[: len(HEAD)], record[len(HEAD) :]
    except (KeyError, TypeError, ValueError):
        return dict(meta)
    if len(head) != len(HEAD) or len(flat) % SPAN_FIELDS:
        return dict(meta)
    rows = [flat[at : at + SPAN_FIELDS] for at in range(0, len(flat), SPAN_FIELDS)]
    pre = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    rest = {key: value for key, value in meta.items() if key != RECORD}
    return {**rest, **dict(zip(HEAD, map(str, head), strict=True)), "pre": pre}


def is_ours(meta: Mapping[str, Any]) -> bool:
    """Tell whether biaozhu made the example with these metadata, be they damaged since."""
    return RECORD in meta or {"sid", "pre"} & meta.keys() != set()


def to_line(sentence: Sentence, meta: Mapping[str, str], names: Mapping[str, str]) -> str:
    """Return the line of Doccano's JSONL import, in ASCII: the server then cannot guess a wrong encoding.

    Args:
        sentence: with the spans that annotators shall see.
        meta: its metadata (see `to_meta`), the same keys in every line of a file.
        names: label id -> the name that annotators see.
    """
    label = [
        [span.start, span.end, span.label] for span in remote_spans(sentence.text, sentence.spans, names)
    ]
    return json.dumps({"text": sentence.text, "label": label, **pack_meta(meta)}, ensure_ascii=True)


def remote_spans(text: str, spans: Iterable[Span], names: Mapping[str, str]) -> tuple[RemoteSpan, ...]:
    """Return spans as Doccano shall hold them."""
    return tuple(
        RemoteSpan(to_units(text, span.start), to_units(text, span.end), names[span.label]) for span in spans
    )


def local_spans(
    example: Example, ids: Mapping[str, str]
) -> tuple[tuple[Span, ...], tuple[tuple[RemoteSpan, str], ...]]:
    """Bring an example's spans back to code points, each with the source and score it was sent with.

    Args:
        example: as Doccano holds it.
        ids: the name that annotators see -> label id.

    Returns:
        The spans, sorted and disjoint; a span that was not sent has source `doccano` and no score. And the spans
        that cannot be brought back, each with the reason.
    """
    sent = {
        (span.start, span.end, span.label): span for span in spans_from_json(example.meta.get("pre")) or ()
    }
    found: list[Span] = []
    refused: list[tuple[RemoteSpan, str]] = []
    for remote in sorted(example.spans, key=lambda span: (span.start, span.end, span.label)):
        start, end = from_units(example.text, remote.start), from_units(example.text, remote.end)
        label = ids.get(remote.label)
        if start is None or end is None or start >= end:
            refused.append((remote, "its offsets do not fit the text"))
        elif label is None:
            refused.append((remote, "the label is not in the labels file"))
        elif found and start < found[-1].end:
            refused.append((remote, "it overlaps the span before it"))
        else:
            found.append(sent.get((start, end, label), Span(start, end, label, "doccano")))
    return tuple(found), tuple(refused)


def to_sentence(example: Example, spans: tuple[Span, ...]) -> Sentence:
    """Return the sentence of an example that biaozhu made, with these spans.

    Raises:
        RoundTripError: the text is not the one that was sent.
    """
    match = SENTENCE_ID.fullmatch(example.sid)
    if match is None:
        raise RoundTripError("no sentence id in the metadata", where=f"example {example.id}")
    start, end = int(match[2]), int(match[3])
    if end - start != len(example.text) or example.meta.get("text_sha") != text_sha(example.text):
        raise RoundTripError("its text was changed in Doccano", where=example.sid)
    return Sentence(match[1], start, end, example.text, spans)
