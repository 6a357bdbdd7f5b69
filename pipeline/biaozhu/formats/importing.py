"""Documents of a foreign file become sentences of biaozhu: disjoint spans, ids, and the article that the ids point into.

A document that carries a sentence id of biaozhu becomes that sentence. Any other is looked for in the given article, in
order. Where none is given, an article is made of the documents of the same name, one to a line, and its raw file is
written beside the layer, so that `raw[start:end] == text` holds as for every sentence.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from biaozhu.data.errors import (
    BiaozhuError,
    DuplicateError,
    FormatError,
    OffsetError,
    VersionError,
    raise_collected,
)
from biaozhu.data.model import SENTENCE_ID, Article, Sentence, Span, check_against_raw, with_spans
from biaozhu.formats.documents import Document, cut_spans, make_entry
from biaozhu.reading.article import article_from_bytes
from biaozhu.reading.sentences import split_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from biaozhu.data.ledger import Entry


@dataclass(frozen=True, slots=True)
class ImportedLayer:
    """Sentences in the order of the file, the text of each article that was made (by name), and the ledger."""

    sentences: tuple[Sentence, ...]
    raws: Mapping[str, str]
    entries: tuple[Entry, ...]


def import_documents(
    documents: Sequence[Document], *, article: Article | None = None, split: bool = False
) -> ImportedLayer:
    """Make sentences of documents.

    Args:
        documents: in the order of their file.
        article: the article that all of them are from; None trusts their ids, and makes articles for those without.
        split: cut documents without an id into sentences, never inside a span.
    """
    cleaned = [_clean_spans(document) for document in documents]
    pieces: list[Document] = []
    owners: list[int] = []
    for number, document in enumerate(cleaned):
        if document.text:
            is_cut = split and not document.sentence_id and article is None
            cut = _split_document(document) if is_cut else [document]
            pieces += cut
            owners += [number] * len(cut)
    raws = {} if article else _join_texts(cleaned)
    articles = {name: _check_article(raw, name) for name, raw in raws.items()}
    sentences = _place_pieces(pieces, articles, article)
    _check_sentences(pieces, sentences, article)
    pieces_of = Counter(owners)  # a document that was cut is named by its number
    ids = {owner: one.id for owner, one in zip(owners, sentences, strict=True) if pieces_of[owner] == 1}
    entries: list[Entry] = []
    for number, document in enumerate(cleaned):
        name = ids.get(number) or f"{document.name or 'document'} {number + 1}"
        empty = [] if document.text else [make_entry("the document has no text", decided=True)]
        entries += [replace(entry, sentence=name) for entry in (*document.entries, *empty)]
    return ImportedLayer(sentences, raws, tuple(entries))


def _clean_spans(document: Document) -> Document:
    """Trim white space, and keep of overlapping spans the first, of those that begin together the longest."""
    entries = list(document.entries)
    spans: dict[tuple[int, int, str], Span] = {}
    for span in {span.key: span for span in reversed(document.spans)}.values():
        trimmed = span if document.sentence_id else _trim(span, document.text)
        if trimmed != span:
            is_empty = trimmed.start >= trimmed.end
            reason = "it is only white space" if is_empty else "white space at its edges was cut off"
            shown = document.text[span.start : span.end]
            entries.append(make_entry(reason, *span.key, shown, decided=not is_empty))
        if trimmed.start < trimmed.end:
            spans.setdefault(trimmed.key, trimmed)  # the same annotation twice is no loss
    kept: list[Span] = []
    for span in sorted(spans.values(), key=lambda span: (span.start, -span.end, span.label)):
        if kept and span.start < kept[-1].end:
            shown = document.text[span.start : span.end]
            entries.append(make_entry("it overlaps the span before it", *span.key, shown))
        else:
            kept.append(span)
    return replace(document, spans=tuple(kept), entries=tuple(entries))


def _trim(span: Span, text: str) -> Span:
    shown = text[span.start : span.end]
    start = span.start + len(shown) - len(shown.lstrip())
    return replace(span, start=start, end=span.end - len(shown) + len(shown.rstrip()))


def _split_document(document: Document) -> list[Document]:
    stretches: list[tuple[int, int]] = []
    edges = [*split_text(document.text), *((span.start, span.end) for span in document.spans)]
    for start, end in sorted(edges):
        if stretches and start < stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], max(end, stretches[-1][1]))
        else:
            stretches.append((start, end))
    inside, _ = cut_spans(document.spans, stretches)
    return [
        replace(document, text=document.text[start:end], spans=tuple(spans))
        for (start, end), spans in zip(stretches, inside, strict=True)
    ] or [document]


def _join_texts(documents: Iterable[Document]) -> dict[str, str]:
    """Return the raw text of the article that documents of the same name make, where they have no id of biaozhu."""
    texts: dict[str, list[str]] = defaultdict(list)
    for document in documents:
        if document.text and not document.sentence_id:
            texts[document.name].append(document.text)
    return {name: "\n".join(found) for name, found in texts.items()}


def _check_article(raw: str, name: str) -> Article:
    """Return the article that this text becomes when its file is read."""
    try:
        article = article_from_bytes(raw.encode("utf-8"), name=name, where=name)
    except BiaozhuError as error:
        raise FormatError(f"its text cannot be an article: {error.what}", where=name) from None
    if article.raw != raw:
        raise FormatError("its text would be read as something else, a page of HTML", where=name)
    return article


def _place_pieces(
    pieces: Sequence[Document], articles: Mapping[str, Article], article: Article | None
) -> tuple[Sentence, ...]:
    """Give each piece its place: that of its id, else the next one in its article where its text stands."""
    sentences: list[Sentence] = []
    problems: list[BiaozhuError] = []
    taken: set[tuple[str, int]] = set()
    reached: dict[str, int] = defaultdict(int)
    searched: dict[str, int] = defaultdict(int)
    for number, piece in enumerate(pieces, 1):
        text = piece.text
        match = SENTENCE_ID.fullmatch(piece.sentence_id)
        if match:
            home, start = match[1], int(match[2])
        else:
            name = "" if article else piece.name
            within = article or articles[name]
            home, start = within.id, within.raw.find(text, reached[name])
            if start < 0:  # not in the order of the article: the first place that no other piece has
                start = within.raw.find(text, searched[text])
                while (name, start) in taken:
                    start = within.raw.find(text, start + 1)
                searched[text] = start + 1
            if start < 0:
                advice = "Give the article it was made from, or none"
                where = f"document {number}"
                problems.append(
                    VersionError(f"{text[:20]!r}… is not in the article", where=where, next_step=advice)
                )
                continue
            reached[name] = start + len(text)
            taken.add((name, start))
        sentences.append(with_spans(Sentence(home, start, start + len(text), text), piece.spans))
    raise_collected(problems)
    return tuple(sentences)


def _check_sentences(
    pieces: Sequence[Document], sentences: Sequence[Sentence], article: Article | None
) -> None:
    problems: list[BiaozhuError] = []
    seen: set[str] = set()
    for piece, sentence in zip(pieces, sentences, strict=True):
        if piece.sentence_id and piece.sentence_id != sentence.id:
            problems.append(OffsetError("the text is not as long as its id says", where=piece.sentence_id))
        if sentence.id in seen:
            problems.append(DuplicateError("two documents are this sentence", where=sentence.id))
        seen.add(sentence.id)
        if article is not None and sentence.article != article.id:
            problems.append(VersionError(f"it is not of article {article.id}", where=sentence.id))
    raise_collected(problems)
    if article is not None:
        check_against_raw(sentences, article.raw)
