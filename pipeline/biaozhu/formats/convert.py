"""A layer to files of a format, and files of a format to sentences of biaozhu.

A document that carries a sentence id of biaozhu becomes that sentence. Any other is looked for in the given article (see
`place_texts`). Where none is given, the documents of the same name, one to a line, make an article, whose raw file is written
beside the layer.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path

from biaozhu.data import errors
from biaozhu.data.errors import BiaozhuError, FormatError, VersionError, raise_collected
from biaozhu.data.files import as_path, read_bytes
from biaozhu.data.ledger import Entry
from biaozhu.data.model import SENTENCE_ID, Article, Sentence, Span, check_against_raw, with_spans
from biaozhu.formats import documents, json_rows
from biaozhu.formats.brat import SIDECAR_SUFFIX, read_brat, write_brat
from biaozhu.formats.conll import read_conll, write_conll
from biaozhu.formats.docbin import read_docbin, write_docbin
from biaozhu.formats.documents import Document, ExportedFiles, ExportFormat, Format, cut_spans, make_entry
from biaozhu.knowledge.names import make_finder
from biaozhu.normalization.table import rows_as_csv
from biaozhu.reading.article import article_from_bytes
from biaozhu.reading.sentences import split_text, trim

NOT_CARRIED = {
    "conll": "CoNLL has no place for sources and scores: they stay in the layer",
    "csv": "a table has a row for each span: sentences without spans are not in it, and it cannot be imported",
}
SEVERAL_PLACES = "its text stands in several places of the article: one was taken"
BRAT_SUFFIXES = (".ann", ".txt", SIDECAR_SUFFIX)


@dataclass(frozen=True, slots=True)
class ImportedLayer:
    """Sentences in the order of the file, the text of each article that was made (by name), and the ledger."""

    sentences: tuple[Sentence, ...]
    raws: Mapping[str, str]
    entries: tuple[Entry, ...]


def export_layer(
    sentences: Sequence[Sentence],
    into: ExportFormat,
    *,
    names: Mapping[str, str],
    articles: Mapping[str, str] | None = None,
) -> ExportedFiles:
    """Write a layer in another format; `names` maps label ids to names in Doccano, `articles` ids to those of brat's files and tables."""
    writers: dict[ExportFormat, Callable[[Sequence[Sentence]], ExportedFiles]] = {
        "doccano": partial(json_rows.write_doccano, names=names),
        "conll": write_conll,
        "spacy": write_docbin,
        "labelstudio": json_rows.write_labelstudio,
        "brat": partial(write_brat, names=articles),
        "csv": partial(_write_spans, names=articles or {}),
    }
    return writers[into](sentences)


@dataclass(frozen=True, slots=True)
class _SpanRow:
    # Offsets are into the sentence; `number` counts the sentences of its article from 1.
    article: str
    sentence: str
    start: int
    end: int
    text: str
    label: str
    source: str
    score: float | None
    number: int
    context: str


def _write_spans(sentences: Sequence[Sentence], *, names: Mapping[str, str]) -> ExportedFiles:
    """Write a row for each span, in the order of the layer, with the text of its sentence as context."""
    rows: list[_SpanRow] = []
    counted: Counter[str] = Counter()
    for one in sentences:
        counted[one.article] += 1
        name, number = names.get(one.article, one.article), counted[one.article]
        for span in one.spans:
            shown = one.text[span.start : span.end]
            parts = (*span.key[:2], shown, span.label, span.source, span.score, number, one.text)
            rows.append(_SpanRow(name, one.id, *parts))
    # Spreadsheets need a byte order mark for Chinese.
    table = rows_as_csv(rows, [one.name for one in fields(_SpanRow)])
    return ExportedFiles({"": f"\ufeff{table}".encode()})


def read_documents(
    path: str | Path,
    of: Format,
    *,
    names: Mapping[str, str],
    renamed: Mapping[str, str],
    unit: documents.OffsetUnit | None = None,
) -> tuple[Document, ...]:
    """Read a file (for brat also a folder) of a format, whose tool counts offsets in `unit` where it does not say.

    `names` maps what annotators see in Doccano to label ids, `renamed` the labels of any file to ours.
    """
    path = as_path(path)
    if of == "brat":
        folder = str(path if path.is_dir() else path.parent)
        found = [*read_brat(_read_brat_files(path), where=folder, unit=unit)]
    else:
        readers: dict[Format, Callable[..., tuple[Document, ...]]] = {
            "doccano": partial(json_rows.read_doccano, names=names, unit=unit),
            "conll": read_conll,
            "spacy": read_docbin,
            "labelstudio": partial(json_rows.read_labelstudio, unit=unit),
        }
        found = [*readers[of](_read_limited(path), where=str(path))]
    if not any(one.text for one in found):
        raise FormatError("there is no text in it", where=str(path))
    for number, one in enumerate(found):
        spans = [replace(span, label=renamed.get(span.label, span.label)) for span in one.spans]
        found[number] = replace(one, spans=tuple(spans))
    return tuple(found)


def import_documents(
    documents: Sequence[Document], *, article: Article | None = None, split: bool = False
) -> ImportedLayer:
    """Make sentences of documents, which come in the order of their file.

    `article` is the one that all of them are from; None trusts their ids, and makes articles for those without. With
    `split` documents without an id are cut into sentences, never inside a span.
    """
    cleaned = [_clean_spans(document) for document in documents]
    pieces: list[Document] = []
    owners: list[int] = []
    texts: dict[str, list[str]] = defaultdict(list)  # of the articles to make
    for number, document in enumerate(cleaned):
        if document.text:
            is_new = not (document.sentence_id or article)
            cut = _split_document(document) if split and is_new else [document]
            pieces += cut
            owners += [number] * len(cut)
            if is_new:
                texts[document.name].append(document.text)
    raws = {name: "\n".join(found) for name, found in texts.items()}
    articles = {name: _check_article(raw, name) for name, raw in raws.items()}
    sentences, unsure = _place_in(article, pieces) if article else (_place_pieces(pieces, articles), frozenset[int]())
    _check_sentences(pieces, sentences, article)
    pieces_of = Counter(owners)  # a document that was cut is named by its number
    ids = {owner: one.id for owner, one in zip(owners, sentences, strict=True) if pieces_of[owner] == 1}
    entries: list[Entry] = []
    chosen = {owners[piece] for piece in unsure}
    for number, document in enumerate(cleaned):
        name = ids.get(number) or f"{document.name or 'document'} {number + 1}"
        is_named = document.text or document.entries
        empty = [] if is_named else [make_entry("the document has no text", decided=True)]
        one_of = [make_entry(SEVERAL_PLACES, 0, len(document.text), "", document.text, decided=True)]
        found = (*document.entries, *empty, *(one_of if number in chosen else ()))
        entries += [replace(entry, sentence=name) for entry in found]
    return ImportedLayer(sentences, raws, tuple(entries))


def _clean_spans(document: Document) -> Document:
    """Trim white space, and keep of overlapping spans the first, of those that begin together the longest."""
    entries = list(document.entries)
    spans: dict[tuple[int, int, str], Span] = {}
    for span in {span.key: span for span in reversed(document.spans)}.values():
        trimmed, shown = span, document.text[span.start : span.end]
        if not document.sentence_id and shown != shown.strip():
            start, end = span.end - len(shown.lstrip()), span.start + len(shown.rstrip())
            trimmed = replace(span, start=start, end=end)
            is_empty = start >= end
            reason = "it is only white space" if is_empty else "white space at its edges was cut off"
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


def _check_article(raw: str, name: str) -> Article:
    """Return the article that this text becomes when its file is read."""
    try:
        # Somebody has labelled it, whatever it looks like.
        article = article_from_bytes(raw.encode("utf-8"), name=name, where=name, allow_furniture=True)
    except BiaozhuError as error:
        raise FormatError(f"its text cannot be an article: {error.what}", where=name) from None
    if article.raw != raw:
        raise FormatError("its text would be read as something else, a page of HTML", where=name)
    return article


def _place_in(article: Article, pieces: Sequence[Document]) -> tuple[tuple[Sentence, ...], frozenset[int]]:
    """Give each piece the place of its id, else one in the article where its text stands; return who had a choice, too."""
    ids = [SENTENCE_ID.fullmatch(piece.sentence_id) for piece in pieces]
    homes = [(match[1], int(match[2])) if match else None for match in ids]
    numbered = [*zip(homes, pieces, strict=True)]
    held = [
        (home[1], home[1] + len(piece.text))
        for home, piece in numbered
        if home and home[0] == article.id and home[1] + len(piece.text) <= len(article.raw)
    ]
    texts = {number: piece.text for number, (home, piece) in enumerate(numbered, 1) if home is None}
    places = place_texts(texts, article.raw, held=held)
    found = [home or (article.id, places[number].start) for number, home in enumerate(homes, 1)]
    sentences = tuple(_make_sentence(*home, piece) for home, piece in zip(found, pieces, strict=True))
    return sentences, frozenset(number - 1 for number, place in places.items() if not place.sure)


def _place_pieces(pieces: Sequence[Document], articles: Mapping[str, Article]) -> tuple[Sentence, ...]:
    """Give each piece the place of its id, else the next one in the article that was made of it."""
    sentences: list[Sentence] = []
    reached: dict[str, int] = defaultdict(int)
    for piece in pieces:
        match = SENTENCE_ID.fullmatch(piece.sentence_id)
        if match:
            home, start = match[1], int(match[2])
        else:
            made = articles[piece.name]
            home, start = made.id, made.raw.index(piece.text, reached[piece.name])
            reached[piece.name] = start + len(piece.text)
        sentences.append(_make_sentence(home, start, piece))
    return tuple(sentences)


def _make_sentence(article: str, start: int, piece: Document) -> Sentence:
    return with_spans(Sentence(article, start, start + len(piece.text), piece.text), piece.spans)


def _check_sentences(pieces: Sequence[Document], sentences: Sequence[Sentence], article: Article | None) -> None:
    problems: list[BiaozhuError] = []
    seen: set[str] = set()
    for piece, sentence in zip(pieces, sentences, strict=True):
        if piece.sentence_id and piece.sentence_id != sentence.id:
            what = "the text is not as long as its id says"
            problems.append(errors.OffsetError(what, where=piece.sentence_id))
        if sentence.id in seen:
            problems.append(errors.DuplicateError("two documents are this sentence", where=sentence.id))
        seen.add(sentence.id)
        if article is not None and sentence.article != article.id:
            problems.append(errors.VersionError(f"it is not of article {article.id}", where=sentence.id))
    raise_collected(problems)
    if article is not None:
        check_against_raw(sentences, article.raw)


def _read_limited(path: Path) -> bytes:
    if path.is_file() and path.stat().st_size > documents.MAX_FILE_BYTES:
        what = f"more than {documents.MAX_FILE_BYTES >> 20} MiB"
        raise FormatError(what, where=str(path), next_step="Export in parts")
    return read_bytes(path)


def _read_brat_files(path: Path) -> dict[str, bytes]:
    if not path.is_dir() and path.suffix not in (".ann", ".txt"):
        raise errors.MissingFileError("brat's files are a .txt and a .ann", where=str(path))
    beside = [path.with_suffix(suffix) for suffix in BRAT_SUFFIXES]
    within = [one for one in path.iterdir() if one.name.endswith(BRAT_SUFFIXES)] if path.is_dir() else beside
    files = [one for one in sorted(within) if one.is_file() or one == path]
    # brat's collections lie in one another.
    nested = (one.relative_to(path).as_posix() for one in path.glob("*/**/*") if one.suffix in BRAT_SUFFIXES)
    return {file.name: _read_limited(file) for file in files} | dict.fromkeys(nested, b"")


@dataclass(frozen=True, slots=True)
class TextPlace:
    """Place of a text in an article; `sure` where its copies among the texts are as many as its places."""

    start: int
    sure: bool


def place_texts(texts: Mapping[int, str], raw: str, *, held: Iterable[tuple[int, int]] = ()) -> dict[int, TextPlace]:
    """Return the place of each text by its number; no two overlap, nor any that is `held`.

    First come those that have no choice, then the others, each behind the one before it if it can; and texts that begin and
    end as sentences do before those that a sentence holds. VersionError, all together, for those without a place.
    """
    starts: dict[str, list[int]] = {text: [] for text in texts.values()}
    for start, end in make_finder(starts)(raw):
        starts[raw[start:end]].append(start)
    sentences = split_text(raw)
    begins, ends = {start for start, _ in sentences}, {end for _, end in sentences}
    edges = {text: trim(text, 0, len(text)) for text in starts}
    whole = {
        text: [one for one in found if one + edges[text][0] in begins and one + edges[text][1] in ends]
        for text, found in starts.items()
    }
    taken = bytearray(len(raw))
    for start, end in held:
        taken[start:end] = b"\1" * (end - start)
    places: dict[int, TextPlace] = {}
    for every, choosing in ((whole, False), (whole, True), (starts, False), (starts, True)):
        wanted = Counter(text for number, text in texts.items() if number not in places)
        # Negated, the first comes last, where it is taken at once.
        free = {text: [-one for one in reversed(every[text]) if _is_free(taken, one, text)] for text in wanted}
        sure = {text for text, found in free.items() if len(found) <= wanted[text]}
        reached = 0
        for number, text in texts.items():
            if number not in places and (choosing or text in sure):
                place = _take_next(free[text], text, reached, taken)
                if place is not None:
                    places[number] = TextPlace(place, text in sure)
            if number in places:
                reached = places[number].start + len(text)
    raise_collected([_lost(number, text, starts[text]) for number, text in texts.items() if number not in places])
    return places


def _take_next(starts: list[int], text: str, reached: int, taken: bytearray) -> int | None:
    """Take the first of the negated starts from `reached` on, else the first of all, that is free, and those before it."""
    while starts:
        # Where none is from `reached` on, this is -1, the first of all.
        start = -starts.pop(bisect_right(starts, -reached) - 1)
        if _is_free(taken, start, text):
            taken[start : start + len(text)] = b"\1" * len(text)
            return start
    return None


def _is_free(taken: bytearray, start: int, text: str) -> bool:
    return taken.find(1, start, start + len(text)) < 0


def _lost(number: int, text: str, starts: list[int]) -> VersionError:
    what, advice = f"{text[:20]!r}… is not in the article", "Give the article it was made from, or none"
    if starts:
        what, advice = f"{text[:20]!r}… is in the article only where another document is", "Leave one of the two out"
    return VersionError(what, where=f"document {number}", next_step=advice)
