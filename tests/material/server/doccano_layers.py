"""Layers with everything that offsets stumble over. Names are invented."""

from __future__ import annotations

import hashlib
import random

from biaozhu.data.model import Sentence, Span

PIECES = {
    "𠮷野村": "PLACE",
    "白水县": "PLACE",
    "林小满": "PERSON",
    "𫖯先生": "PERSON",
    "3万元": "AMOUNT",
    "二十余家": "AMOUNT",
    "😀": "",
    "👨‍👩‍👧": "",
    "e\u0301": "",
    "\r\n": "",
    "  ": "",
    "\u2028": "",
    "\t": "",
    "在": "",
    "。”": "",
    "\u200f": "",
    "<b>&amp;": "",
    "NaN": "",
    "null": "",
}


def make_layer(name: str, count: int, *, seed: int = 0) -> list[Sentence]:
    """Return sentences of one article, by chance but always the same for the same arguments."""
    chance = random.Random(f"{name} {seed}")  # noqa: S311 — test data, no secret
    article = hashlib.sha256(name.encode()).hexdigest()[:12]
    sentences, position = [], 0
    for _ in range(count):
        text, spans = "", []
        for piece in chance.choices(list(PIECES), k=chance.randint(1, 12)):
            if PIECES[piece] and chance.random() < 0.8:
                score = round(chance.random(), 3) if chance.random() < 0.7 else None
                spans.append(Span(len(text), len(text) + len(piece), PIECES[piece], "rule", score))
            text += piece
        sentences.append(Sentence(article, position, position + len(text), text, tuple(spans)))
        position += len(text) + chance.randint(0, 3)
    return sentences
