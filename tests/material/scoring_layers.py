"""Layers made up for the scoring tests: random ones for properties and oracles, written ones for known answers."""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from biaozhu.data.model import Sentence, Span

if TYPE_CHECKING:
    import random

LABELS = ("PLACE", "PERSON", "AMOUNT")
TEXT = "清河镇党委书记王小明说今年引进三家公司投资五百万元带动桃源村群众增收"
_MARK = re.compile(r"\[([^]|]+)\|([A-Z]+)\]")


def read_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of scores.json."""
    found: dict[str, Any] = json.loads((resources.files("biaozhu.scoring") / "scores.schema.json").read_text("utf-8"))
    return found


def marked(text: str, *, article: int = 0, start: int = 0, source: str = "", score: float | None = None) -> Sentence:
    """Return the sentence that a text with marks such as `[清河镇|PLACE]党委` stands for."""
    plain, spans, reached = "", [], 0
    for found in _MARK.finditer(text):
        plain += text[reached : found.start()]
        spans.append(Span(len(plain), len(plain) + len(found[1]), found[2], source, score))
        plain += found[1]
        reached = found.end()
    plain += text[reached:]
    return Sentence(f"{article:012x}", start, start + len(plain), plain, tuple(spans))


def random_spans(rng: random.Random, length: int, labels: tuple[str, ...] = LABELS) -> tuple[Span, ...]:
    """Return sorted disjoint spans, often adjacent, sometimes none."""
    spans, at = [], 0
    while True:
        start = at + rng.choice((0, 0, 1, 2, 4))
        end = start + rng.choice((1, 1, 2, 3))
        if end > length or rng.random() < 0.15:
            return tuple(spans)
        spans.append(Span(start, end, rng.choice(labels), "", rng.choice((None, round(rng.random(), 2)))))
        at = end


def disturbed(rng: random.Random, spans: tuple[Span, ...], length: int) -> tuple[Span, ...]:
    """Return the spans with some dropped, relabelled, moved by one character or added; still disjoint."""
    wanted = []
    for span in spans:
        draw = rng.random()
        if draw < 0.55:
            wanted.append(span)
        elif draw < 0.7:
            wanted.append(Span(span.start, span.end, rng.choice(LABELS)))
        elif draw < 0.85:
            wanted.append(
                Span(max(0, span.start + rng.choice((-1, 0, 1))), span.end + rng.choice((-1, 0, 1)), span.label)
            )
    wanted += random_spans(rng, length) if rng.random() < 0.2 else ()
    kept, reached = [], 0
    for span in sorted(wanted, key=lambda span: (span.start, span.end, span.label)):
        if reached <= span.start < span.end <= length:
            kept.append(span)
            reached = span.end
    return tuple(kept)


def random_pair(
    rng: random.Random, sentences: int, *, articles: int = 1
) -> tuple[tuple[Sentence, ...], tuple[Sentence, ...]]:
    """Return a gold layer and a layer like it with errors."""
    gold, layer = [], []
    for number in range(sentences):
        length = rng.randint(1, len(TEXT))
        article = f"{number % articles:012x}"
        spans = random_spans(rng, length)
        place = (article, 100 * number, 100 * number + length, TEXT[:length])
        gold.append(Sentence(*place, spans))
        layer.append(Sentence(*place, disturbed(rng, spans, length)))
    return tuple(gold), tuple(layer)


def tags_of(sentence: Sentence) -> list[str]:
    """Return IOB2 tags, one a character."""
    tags = ["O"] * len(sentence.text)
    for span in sentence.spans:
        tags[span.start : span.end] = [f"B-{span.label}"] + [f"I-{span.label}"] * (span.end - span.start - 1)
    return tags


@st.composite
def disjoint(draw: st.DrawFn, length: int = 20) -> tuple[Span, ...]:
    """Draw the sorted disjoint spans of a layer."""
    cuts = sorted(draw(st.lists(st.integers(0, length), max_size=10)))
    return tuple(
        Span(start, end, draw(st.sampled_from(LABELS)), "", draw(st.none() | st.floats(0, 1)))
        for start, end in zip(cuts[::2], cuts[1::2], strict=False)
        if start < end
    )


@st.composite
def layer_pairs(draw: st.DrawFn) -> tuple[tuple[Sentence, ...], tuple[Sentence, ...]]:
    """Draw a gold layer and a layer of the same sentences."""
    gold, layer = [], []
    for number in range(draw(st.integers(1, 4))):
        text = TEXT[:20]
        place = (f"{draw(st.integers(0, 2)):012x}", 100 * number, 100 * number + 20, text)
        mine = draw(disjoint())
        gold.append(Sentence(*place, mine))
        layer.append(Sentence(*place, draw(st.just(mine) | disjoint())))
    return tuple(gold), tuple(layer)
