"""spaCy's DocBin (`.spacy`): each code point a token, the spans as `doc.ents`, so that none fails to align.

The sentence id and the spans' sources and scores stand in `doc.user_data["biaozhu"]`. Read are files of anybody,
whatever their tokens; spans of `doc.spans` that are no entities are refused. A DocBin is zlib and msgpack: nothing
in it is run.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from biaozhu.data.errors import FormatError
from biaozhu.formats.foreign_document import (
    LARGEST,
    Document,
    Export,
    Refused,
    Stated,
    make_document,
    probability,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biaozhu.data.model import Sentence

ATTRIBUTES = ("ORTH", "SPACY", "ENT_IOB", "ENT_TYPE")
KEY = "biaozhu"
SOURCE = "spacy"


def write_docbin(sentences: Sequence[Sentence]) -> Export:
    """Return sentences as a DocBin."""
    vocab = Vocab()
    box = DocBin(attrs=ATTRIBUTES, store_user_data=True)
    for sentence in sentences:
        doc = Doc(vocab, words=list(sentence.text), spaces=[False] * len(sentence.text))
        doc.ents = tuple(Span(doc, span.start, span.end, label=span.label) for span in sentence.spans)
        doc.user_data[KEY] = {
            "id": sentence.id,
            "sources": [span.source for span in sentence.spans],
            "scores": [span.score for span in sentence.spans],
        }
        box.add(doc)
    return Export({"": box.to_bytes()})


def read_docbin(data: bytes, *, where: str) -> tuple[Document, ...]:
    """Read a DocBin.

    Raises:
        FormatError: it is none, or unpacks to more than `LARGEST` bytes.
    """
    try:
        unpacking = zlib.decompressobj()
        unpacking.decompress(data, LARGEST)
    except zlib.error as error:
        raise FormatError(f"no DocBin ({error})", where=where) from None
    if unpacking.unconsumed_tail:
        raise FormatError(f"it unpacks to more than {LARGEST >> 20} MiB", where=where)
    try:
        # Taking the entities too: only there spaCy sees that an entity goes on which never began.
        return tuple(
            _document(doc) for doc in DocBin(store_user_data=True).from_bytes(data).get_docs(Vocab())
        )
    except Exception as error:  # noqa: BLE001 — what foreign bytes raise depends on the bytes
        what = " ".join(str(error).split())[:120]
        raise FormatError(f"no DocBin ({type(error).__name__}: {what})", where=where) from None


def _document(doc: Doc) -> Document:
    ours = doc.user_data.get(KEY)
    ours = ours if isinstance(ours, dict) else {}
    known = _known(ours, len(doc.ents))
    stated = [
        Stated(ent.start_char, ent.end_char, ent.label_, source=source, score=score)
        for ent, (source, score) in zip(doc.ents, known, strict=True)
    ]
    entities = {(one.start, one.end, one.label) for one in stated}
    refused = [
        Refused(
            span.start_char,
            span.end_char,
            span.label_,
            span.text,
            f"it is in doc.spans[{key!r}] and no entity",
        )
        for key in doc.spans
        for span in doc.spans[key]
        if (span.start_char, span.end_char, span.label_) not in entities
    ]
    return make_document(doc.text, stated, units=False, sid=ours.get("id"), refused=refused)


def _known(ours: dict[str, Any], count: int) -> list[tuple[str, float | None]]:
    sources, scores = ours.get("sources"), ours.get("scores")
    # Somebody may have added or removed entities since: then which is which is no longer known.
    if (
        not isinstance(sources, list | tuple)
        or not isinstance(scores, list | tuple)
        or {len(sources), len(scores)} != {count}
    ):
        return [(SOURCE, None)] * count
    return [(str(source), probability(score)) for source, score in zip(sources, scores, strict=True)]
