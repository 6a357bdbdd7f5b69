"""spaCy's DocBin (`.spacy`): each code point is a token, the spans are `doc.ents`, so that all of them align.

The sentence id, its text's checksum and the spans' sources and scores are in `doc.user_data["biaozhu"]`. Other people's
files are read with any tokens; categories, and spans of `doc.spans` that are not entities, are refused. A DocBin is zlib
and msgpack: nothing in it is run.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from biaozhu.data.errors import FormatError, OffsetError
from biaozhu.data.model import Sentence
from biaozhu.formats import documents
from biaozhu.formats.documents import MAX_FILE_BYTES, Document, ExportedFiles, StatedSpan
from biaozhu.formats.serialization import checksum_text

ATTRIBUTES = ("ORTH", "SPACY", "ENT_IOB", "ENT_TYPE")
USER_DATA_KEY = "biaozhu"
SOURCE = "spacy"


def write_docbin(sentences: Sequence[Sentence]) -> ExportedFiles:
    """Write sentences as a DocBin."""
    vocab = Vocab()
    box = DocBin(attrs=ATTRIBUTES, store_user_data=True)
    for sentence in sentences:
        doc = Doc(vocab, words=list(sentence.text), spaces=[False] * len(sentence.text))
        doc.ents = tuple(Span(doc, span.start, span.end, label=span.label) for span in sentence.spans)
        doc.user_data[USER_DATA_KEY] = {
            "id": sentence.id,
            "text_sha": checksum_text(sentence.text),
            "sources": [span.source for span in sentence.spans],
            "scores": [span.score for span in sentence.spans],
        }
        box.add(doc)
    return ExportedFiles({"": box.to_bytes()})


def read_docbin(data: bytes, *, where: str) -> tuple[Document, ...]:
    """Read a DocBin that unpacks to at most `MAX_FILE_BYTES`."""
    try:
        unpacking = zlib.decompressobj()
        unpacking.decompress(data, MAX_FILE_BYTES)
    except zlib.error as error:
        raise FormatError(f"not a DocBin ({error})", where=where) from None
    if unpacking.unconsumed_tail:
        raise FormatError(f"it unpacks to more than {MAX_FILE_BYTES >> 20} MiB", where=where)
    try:
        # spaCy notices only while it reads the entities that one continues without a beginning.
        docs = DocBin(store_user_data=True).from_bytes(data).get_docs(Vocab())
        return tuple(_as_document(doc) for doc in docs)
    except OffsetError:
        raise
    except Exception as error:  # noqa: BLE001 — what foreign bytes raise depends on the bytes
        what = " ".join(str(error).split())[:120]
        raise FormatError(f"not a DocBin ({type(error).__name__}: {what})", where=where) from None


def _as_document(doc: Doc) -> Document:
    ours = doc.user_data.get(USER_DATA_KEY)
    ours = ours if isinstance(ours, dict) else {}
    count = len(doc.ents)
    origins: Any = ours.get("sources"), ours.get("scores")
    # They count only if nobody has added or removed entities since our export.
    if not all(isinstance(one, list | tuple) and len(one) == count for one in origins):
        origins = [SOURCE] * count, [None] * count
    stated = [
        StatedSpan(ent.start_char, ent.end_char, ent.label_, None, str(source), documents.read_score(score))
        for ent, source, score in zip(doc.ents, *origins, strict=True)
    ]
    cats = [documents.make_entry("categories are not spans", text=key) for key in doc.cats]
    entities = {(one.start, one.end, one.label) for one in stated}
    refused = [
        documents.make_entry(f"it is in doc.spans[{key!r}] and no entity", *place, span.text)
        for key in doc.spans
        for span in doc.spans[key]
        if (place := (span.start_char, span.end_char, span.label_)) not in entities
    ]
    home = documents.read_id(ours.get("id"), ours.get("text_sha"), doc.text)
    return documents.make_document(doc.text, stated, unit="codepoints", sentence_id=home, entries=cats + refused)
