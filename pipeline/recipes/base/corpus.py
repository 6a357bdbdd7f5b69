"""A fetched corpus as what base and accurate model are trained on, and where their unfinished work lies."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recipes.base.augment import collect_names
from recipes.base.data import example, name_tags, shortened, word_tags
from recipes.corpora.corpus_store import read_manifest, read_part

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from biaozhu.data.model import Sentence
    from recipes.base.augment import Names
    from recipes.base.data import Example

# What a model's config says of its corpus.
FACTS = ("name", "package", "package_sha256", "licence", "near_duplicates", "parts", "self_training")


@dataclass(frozen=True, slots=True)
class CorpusExamples:
    """Examples of train and dev, names of train for augmentation, the tags of names and of words."""

    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    names: Names
    tags: tuple[str, ...]
    words: tuple[str, ...]


def corpus_examples(folder: Path, labels: Sequence[str]) -> CorpusExamples:
    """Read a corpus's train and dev parts.

    Raises:
        CorpusError: the corpus has not been fetched, or has been changed.
    """
    tags = name_tags(labels)
    has_words = "words" in read_manifest(folder)["parts"]["train"]
    words = {one.id: one for one in read_part(folder, "train", words=True)} if has_words else {}
    pos = word_tags([span.label for one in words.values() for span in one.spans])

    def examples(sentences: Iterable[Sentence]) -> tuple[Example, ...]:
        return tuple(
            piece
            for sentence in sentences
            for piece in shortened(example(sentence, tags, words.get(sentence.id), pos), tags)
        )

    train = read_part(folder, "train")
    return CorpusExamples(
        examples(train), examples(read_part(folder, "dev")), collect_names(train), tags, pos
    )


def corpus_facts(folder: Path) -> dict[str, Any]:
    """Return what a model's config says of its corpus."""
    manifest = read_manifest(folder)
    return {key: manifest[key] for key in FACTS if key in manifest}


def work_folder(kind: str, config: object, folder: Path) -> Path:
    """Return where a build keeps its checkpoint: the same for the same config and train part only.

    Args:
        kind: of model.
        config: as it prints.
        folder: the corpus's, in the folder of all corpora.
    """
    sha256 = read_manifest(folder)["parts"]["train"]["sha256"]
    key = hashlib.sha256(f"{config} {sha256}".encode()).hexdigest()[:12]
    return folder.parent.parent / kind / key
