"""The sets on which peers are scored, and who has seen what of them."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from biaozhu.data.files import sha256_of
from biaozhu.data.layers import read_layer
from biaozhu.data.model import Sentence, Span
from recipes.corpora.corpus_store import corpora_folder, read_part

if TYPE_CHECKING:
    from collections.abc import Sequence

OFFSETS = Path("annotations/modern/test.jsonl")
SEED_GOLD = Path("annotations/gold/handan-2020-07-02.jsonl")
LABELS = ("PLACE", "PERSON", "AMOUNT")
OUR_LABELS = {"LOC": "PLACE", "PER": "PERSON", "AMOUNT": "AMOUNT"}
OURS = ("biaozhu accurate", "biaozhu fast", "biaozhu deep")
LEARNERS = ("crfsuite", "spaCy CNN")
MODERN, AISHELL, UNER, SEED = "modern test", "AISHELL-NER test", "UNER test", "seed gold"
# What has seen a set, or was made beside it: its figure there is no blind one.
SEEN = {
    MODERN: {
        **dict.fromkeys(
            LEARNERS, "trained on sentences of modern train: the same sources and readers, other documents"
        ),
        "biaozhu accurate": "trained on modern train, other documents of the same sources, and on unlabelled text of them; "
        "the guideline that the gold follows is the project's own",
        "biaozhu deep": "trained on modern train, other documents of the same sources; the guideline that the gold follows is the "
        "project's own; its transformer has read web text that is not known",
        "biaozhu fast": "trained on modern train, other documents of the same sources, and distilled on unlabelled text of "
        "them; the guideline that the gold follows is the project's own",
    },
    SEED: dict.fromkeys(
        OURS,
        "the amount grammar was written beside this article, from which the guideline has examples; "
        "the networks saw neither it nor a near duplicate",
    ),
}


@dataclass(frozen=True, slots=True)
class GoldSet:
    """Sentences with gold, each with its document and its kind of text; without kinds where none are known."""

    sentences: tuple[Sentence, ...]
    documents: tuple[str, ...]
    labels: tuple[str, ...]
    sha256: str
    kinds: tuple[str, ...] = ()


def read_sets(labelled: Path, *, limit: int, seed: int) -> dict[str, GoldSet]:
    """Read all sets; of AISHELL-NER as many distinct sentences as `limit`, drawn by the seed."""
    aishell = labelled / "aishell_ner_test.jsonl"
    uner = labelled / "uner_ud_gsdsimp_test.jsonl"
    return {
        MODERN: _read_modern(),
        AISHELL: _by_sentence(aishell, draw(read_labelled(aishell, LABELS[:2]), limit, seed), LABELS[:2]),
        UNER: _by_sentence(uner, read_labelled(uner, LABELS), LABELS),
        SEED: _read_seed_article(),
    }


def draw(sentences: Sequence[Sentence], count: int, seed: int) -> list[Sentence]:
    """Draw sentences, and keep them in the order of the corpus."""
    indexes = random.Random(seed).sample(range(len(sentences)), min(count, len(sentences)))  # noqa: S311 — no secret
    return [sentences[index] for index in sorted(indexes)]


def read_labelled(path: Path, labels: Sequence[str]) -> list[Sentence]:
    """Read the distinct sentences of a file of `text` and `entities`; spans that overlap an earlier one are left out."""
    found: dict[str, Sentence] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        spans: list[Span] = []
        for start, end, name in sorted(row["entities"]):
            label = OUR_LABELS.get(name, "")
            if label in labels and (not spans or start >= spans[-1].end):
                spans.append(Span(start, end, label))
        text = row["text"]
        article = hashlib.sha256(text.encode()).hexdigest()[:12]
        found.setdefault(text, Sentence(article, 0, len(text), text, tuple(spans)))
    return list(found.values())


def _read_modern() -> GoldSet:
    """Raise SystemExit where the corpus in the cache folder is not the one whose kinds and documents lie here."""
    sentences = read_part(corpora_folder() / "modern", "test")
    rows = [json.loads(line) for line in OFFSETS.read_text(encoding="utf-8").splitlines()]
    if [row["sha256"] for row in rows] != [hashlib.sha256(one.text.encode()).hexdigest()[:16] for one in sentences]:
        raise SystemExit(f"modern test in the cache folder is not that of {OFFSETS}: fetch it again")
    return GoldSet(
        sentences,
        tuple(f"{row['file']}/{row['path']}" for row in rows),
        LABELS,
        sha256_of(corpora_folder() / "modern" / "test.jsonl"),
        tuple(row["kind"] for row in rows),
    )


def _read_seed_article() -> GoldSet:
    sentences = tuple(read_layer(SEED_GOLD))
    return GoldSet(sentences, tuple(one.article for one in sentences), LABELS, sha256_of(SEED_GOLD))


def _by_sentence(path: Path, sentences: Sequence[Sentence], labels: tuple[str, ...]) -> GoldSet:
    return GoldSet(tuple(sentences), tuple(one.article for one in sentences), labels, sha256_of(path))
