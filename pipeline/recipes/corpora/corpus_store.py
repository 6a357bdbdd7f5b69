"""A corpus in the cache folder: its parts as raw text and layers, near-duplicates taken out, and a manifest with checksums and counts."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from biaozhu.data.errors import CorpusError
from biaozhu.data.files import cache_folder, parse_json, read_bytes, sha256_of, write_json, write_text
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.data.model import Sentence, Span, check_against_raw
from biaozhu.formats.serialization import checksum_text
from biaozhu.reading.sentences import split_text

MANIFEST = "corpus.json"
PARTS = ("train", "dev", "test")
NOTHING: Mapping[str, str] = MappingProxyType({})
# Of a manifest, what a corpus that is made of this one says too.
KEPT_FACTS = ("package", "package_sha256", "licence", "near_duplicates")
SHINGLE = 4
THRESHOLD = 0.7
# Below this many letters and digits, likeness is chance: a dateline, a signature, a heading.
SHORTEST = 12


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its raw text, and its sentences."""

    raw: str
    sentences: tuple[Sentence, ...]


def corpora_folder() -> Path:
    """Return where corpora lie: `corpora` in BIAOZHU_CACHE, or in the user's cache folder."""
    return cache_folder() / "corpora"


def make_part(rows: Iterable[tuple[str, Iterable[Span]]]) -> Part:
    """Return a part of sentences that stand one a line in its raw text."""
    kept = list(rows)
    raw = "".join(f"{text}\n" for text, _ in kept)
    article, offset = checksum_text(raw), 0
    sentences = []
    for text, spans in kept:
        sentences.append(Sentence(article, offset, offset + len(text), text, tuple(spans)))
        offset += len(text) + 1
    return Part(raw, tuple(sentences))


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
    kept = tuple(sentence for index, sentence in enumerate(train.sentences) if index not in gone)
    if where and not kept:
        advice = "Give a corpus that is cut into parts"
        raise CorpusError("nothing is left of train: all of it is in other parts", where=str(where), next_step=advice)
    left = {name: list(gone.values()).count(name) for name in against}
    facts["near_duplicates"] = {"likeness": THRESHOLD, "left_train": left}
    return write_corpus(corpora_folder() / facts["name"], {**parts, "train": Part(train.raw, kept)}, facts)


def normalised(text: str) -> str:
    """Return letters and digits only, compatibility forms folded, lower case: a copy may change all else."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return "".join(character for character in folded if character.isalnum())


def find_leaks(texts: Sequence[str], others: Mapping[str, Sequence[str]]) -> dict[int, str]:
    """Return the positions of the texts that are nearly in other parts (name -> its texts), each with the likest part.

    They are compared by the Jaccard index of their shingles.
    """
    ours = [_shingles(normalised(text)) for text in texts]
    holders: dict[str, list[int]] = defaultdict(list)
    for index, shingles in enumerate(ours):
        for shingle in shingles:
            holders[shingle].append(index)
    found: dict[int, tuple[float, str]] = {}
    for part, theirs in others.items():
        for text in theirs:
            shingles = _shingles(normalised(text))
            shared = Counter(index for shingle in shingles for index in holders.get(shingle, ()))
            for index, count in shared.items():
                likeness = count / (len(shingles) + len(ours[index]) - count)
                if likeness >= THRESHOLD and likeness > found.get(index, (0.0, ""))[0]:
                    found[index] = round(likeness, 4), part
    return {index: part for index, (_, part) in found.items()}


def _shingles(text: str) -> frozenset[str]:
    if len(text) < SHORTEST:
        return frozenset()
    return frozenset(text[at : at + SHINGLE] for at in range(len(text) - SHINGLE + 1))


def write_corpus(folder: Path, parts: dict[str, Part], facts: dict[str, Any]) -> dict[str, Any]:
    """Write the parts, and last the manifest with these facts, without which the corpus is incomplete."""
    (folder / MANIFEST).unlink(missing_ok=True)
    counted = {}
    for name, part in parts.items():
        check_against_raw(part.sentences, part.raw)
        write_text(folder / f"{name}.txt", part.raw)
        write_layer(folder / f"{name}.jsonl", part.sentences)
        labels = Counter(span.label for sentence in part.sentences for span in sentence.spans)
        counted[name] = {
            "sentences": len(part.sentences),
            "characters": sum(len(sentence.text) for sentence in part.sentences),
            "spans": dict(sorted(labels.items())),
            "sha256": sha256_of(folder / f"{name}.jsonl"),
        }
    manifest = {**facts, "parts": counted}
    write_json(folder / MANIFEST, manifest)
    return manifest


def read_corpus_manifest(folder: Path) -> dict[str, Any]:
    """Return a corpus's manifest; raises CorpusError where it has not been fetched, or not to its end."""
    path = folder / MANIFEST
    if not path.is_file():
        advice = "Get it with `biaozhu corpus fetch` or `biaozhu corpus add`"
        raise CorpusError("there is no such corpus here, or not all of it", where=str(folder), next_step=advice)
    try:
        manifest = parse_json(read_bytes(path))
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("parts"), dict):
        raise CorpusError("the manifest is damaged", where=str(path))
    return manifest


def read_part(folder: Path, name: str) -> tuple[Sentence, ...]:
    """Return the sentences of a part; raises CorpusError where it is not as stated."""
    manifest = read_corpus_manifest(folder)
    if name not in manifest["parts"]:
        raise CorpusError(f"it has no part {name!r}, only {', '.join(manifest['parts'])}", where=str(folder))
    path = folder / f"{name}.jsonl"
    if sha256_of(path) != manifest["parts"][name]["sha256"]:
        raise CorpusError("the file is not what its manifest says", where=str(path))
    return read_layer(path)
