"""Documents of a foreign file to sentences of ours: disjoint spans, ids, and the article that the ids point into.

A document that carries a sentence id of ours becomes that sentence. One without is looked for in the given article,
in order; where none is given, an article is made of the documents of the same name, one to a line, and its raw file
is written beside the layer, so that `raw[start:end] == text` holds as for every sentence.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from biaozhu.data.errors import (
    BiaozhuError,
    DuplicateError,
    FormatError,
    OffsetError,
    VersionError,
    raise_collected,
)
from biaozhu.data.ledger import Entry
from biaozhu.data.model import SENTENCE_ID, Sentence, Span, check_against_raw, with_spans
from biaozhu.formats.foreign_document import Document, Refused
from biaozhu.reading.article import read_article
from biaozhu.reading.sentences import split_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from biaozhu.data.model import Article

STEP = "import"


@dataclass(frozen=True, slots=True)
class Settled:
    """Sentences in the order of the file, the text of each article that was made (by name), and the ledger."""

    sentences: tuple[Sentence, ...]
    raws: Mapping[str, str]
    entries: tuple[Entry, ...]


def settle(documents: Sequence[Document], *, article: Article | None = None, split: bool = False) -> Settled:
    """Make sentences of documents.

    Args:
        documents: in the order of their file.
        article: the article that all of them are of; None believes their ids, and makes articles for those without.
        split: cut documents without an id into sentences, never inside a span.

    Raises:
        VersionError, OffsetError: texts are not in the article, or not as long as their ids say.
        DuplicateError: two documents are the same sentence.
        FormatError: a text can be no article.
    """
    lost: list[list[Refused]] = []
    pieces: list[Document] = []
    owners: list[int] = []
    for number, document in enumerate(documents):
        cleaned, refused = _disjoint(document)
        lost.append(refused)
        if document.text:
            cut = _split(cleaned) if split and not cleaned.sid and article is None else [cleaned]
            pieces += cut
            owners += [number] * len(cut)
    raws: dict[str, str] = {}
    places = _in_article(pieces, article) if article is not None else _in_made(documents, pieces, raws)
    sentences = tuple(
        with_spans(Sentence(identity, start, start + len(piece.text), piece.text), piece.spans)
        for piece, (identity, start) in zip(pieces, places, strict=True)
    )
    _check(pieces, sentences, article)
    count = Counter(owners)  # a document in several sentences is named by its number
    whole = {owner: one.id for owner, one in zip(owners, sentences, strict=True) if count[owner] == 1}
    entries = [
        _entry(one, whole.get(number) or f"{documents[number].name or 'document'} {number + 1}")
        for number, refused in enumerate(lost)
        for one in refused
    ]
    entries += [
        _entry(Refused(0, 0, "", "", "the document has no text"), f"document {number}", severity="decision")
        for number, document in enumerate(documents, 1)
        if not document.text
    ]
    return Settled(sentences, raws, tuple(entries))


def _disjoint(document: Document) -> tuple[Document, list[Refused]]:
    """Keep of overlapping spans the first, of those that begin at the same place the longest."""
    kept: list[Span] = []
    lost = list(document.refused)
    # The same annotation twice: nothing is lost with the second, and nothing is lost twice.
    once = {span.key: span for span in reversed(document.spans)}
    for span in sorted(once.values(), key=lambda span: (span.start, -span.end, span.label)):
        if kept and span.start < kept[-1].end:
            shown = document.text[span.start : span.end]
            lost.append(Refused(span.start, span.end, span.label, shown, "it overlaps the span before it"))
        else:
            kept.append(span)
    return replace(document, spans=tuple(kept)), lost


def _entry(refused: Refused, sentence: str, *, severity: str = "loss") -> Entry:
    return Entry(
        step=STEP,
        severity="decision" if severity == "decision" else "loss",
        reason=refused.reason,
        sentence=sentence,
        start=refused.start,
        end=refused.end,
        label=refused.label,
        text=refused.text,
    )


def _split(document: Document) -> list[Document]:
    edges = sorted([*split_text(document.text), *((span.start, span.end) for span in document.spans)])
    merged: list[tuple[int, int]] = []
    for start, end in edges:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return [_piece(document, start, end) for start, end in merged] or [document]


def _piece(document: Document, start: int, end: int) -> Document:
    spans = tuple(
        replace(span, start=span.start - start, end=span.end - start)
        for span in document.spans
        if span.start >= start and not end < span.end
    )
    return replace(document, text=document.text[start:end], spans=spans, refused=())


def _in_article(pieces: Iterable[Document], article: Article) -> list[tuple[str, int]]:
    places: list[tuple[str, int]] = []
    problems: list[BiaozhuError] = []
    taken: set[tuple[int, int]] = set()
    reached = 0
    for number, piece in enumerate(pieces, 1):
        match = SENTENCE_ID.fullmatch(piece.sid)
        if match:
            places.append((match[1], int(match[2])))
            continue
        start = article.raw.find(piece.text, reached)
        if start < 0:  # not in the order of the article: the first place that no other document has
            start = article.raw.find(piece.text)
            while start >= 0 and (start, start + len(piece.text)) in taken:
                start = article.raw.find(piece.text, start + 1)
        if start < 0:
            problems.append(
                VersionError(
                    f"{piece.text[:20]!r}… is not in the article",
                    where=f"document {number}",
                    next_step="Give the article it was made from, or none",
                )
            )
            continue
        reached = start + len(piece.text)
        taken.add((start, reached))
        places.append((article.id, start))
    raise_collected(problems)
    return places


def _in_made(
    documents: Iterable[Document], pieces: Iterable[Document], raws: dict[str, str]
) -> list[tuple[str, int]]:
    for document in documents:
        if document.text and not document.sid:
            before = raws.get(document.name)
            raws[document.name] = document.text if before is None else f"{before}\n{document.text}"
    ids = {name: _checked_id(raw, name) for name, raw in raws.items()}
    reached = dict.fromkeys(raws, 0)
    places: list[tuple[str, int]] = []
    for piece in pieces:
        match = SENTENCE_ID.fullmatch(piece.sid)
        if match:
            places.append((match[1], int(match[2])))
            continue
        # Pieces stand in the raw text in their order, parted by white space only.
        start = raws[piece.name].index(piece.text, reached[piece.name])
        reached[piece.name] = start + len(piece.text)
        places.append((ids[piece.name], start))
    return places


def _checked_id(raw: str, name: str) -> str:
    """Return the id of the article that this text becomes, after reading it as one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "article.txt"
        path.write_bytes(raw.encode("utf-8"))
        try:
            read = read_article(path)
        except BiaozhuError as error:
            raise FormatError(f"its text can be no article: {error.what}", where=name) from None
    if read.raw != raw:
        raise FormatError("its text would be read as another one, a page of HTML", where=name)
    return hashlib.sha256(raw.encode("utf-8")).hexdigest()[:12]


def _check(pieces: Sequence[Document], sentences: Sequence[Sentence], article: Article | None) -> None:
    problems: list[BiaozhuError] = []
    seen: set[str] = set()
    for piece, sentence in zip(pieces, sentences, strict=True):
        if piece.sid and piece.sid != sentence.id:
            problems.append(OffsetError("the text is not as long as its id says", where=piece.sid))
        if sentence.id in seen:
            problems.append(DuplicateError("two documents are this sentence", where=sentence.id))
        seen.add(sentence.id)
        if article is not None and sentence.article != article.id:
            problems.append(VersionError(f"it is not of article {article.id}", where=sentence.id))
    raise_collected(problems)
    if article is not None:
        check_against_raw(sentences, article.raw)
