"""A fetched corpus as what base and accurate model are trained on, and where their unfinished work lies.

An auxiliary corpus marks other things than our guideline, so it has a layer of its own over the same states (multi-task
learning, Caruana 1997) and its labels never reach the model's output.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from biaozhu.data.model import Sentence
from recipes.base.augment import Names, collect_names
from recipes.base.data import Example, example, name_tags, shortened, word_tags
from recipes.corpora.corpus_store import KEPT_FACTS, read_manifest, read_part
from recipes.corpora.leaks import find_leaks

# What a model's config says of its corpus.
FACTS = ("name", *KEPT_FACTS, "parts", "self_training", "own_copies")
Examples = tuple[Example, ...]
Tags = tuple[str, ...]


def corpus_examples(folder: Path, labels: Sequence[str]) -> tuple[Examples, Examples, Names, Tags, Tags]:
    """Return examples of train and dev, names of train for augmentation, the tags of names and of words; or CorpusError."""
    tags = name_tags(labels)
    has_words = "words" in read_manifest(folder)["parts"]["train"]
    words = {one.id: one for one in read_part(folder, "train", words=True)} if has_words else {}
    pos = word_tags([span.label for one in words.values() for span in one.spans])

    def examples(sentences: Iterable[Sentence]) -> Examples:
        whole = (example(sentence, tags, words.get(sentence.id), pos) for sentence in sentences)
        return tuple(piece for one in whole for piece in shortened(one, tags))

    train = read_part(folder, "train")
    return examples(train), examples(read_part(folder, "dev")), collect_names(train), tags, pos


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """The corpus's examples (not `ours`, names in `words`), its tags, and what the model card says of it."""

    examples: tuple[Example, ...] = ()
    tags: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


def read_auxiliary(folder: Path, kept_apart: Mapping[str, Sequence[str]]) -> Auxiliary:
    """Read a corpus's train part but for sentences nearly in texts (by name) on which the model is chosen or scored."""
    manifest = read_manifest(folder)
    sentences = read_part(folder, "train")
    gone = find_leaks([one.text for one in sentences], kept_apart)
    tags = name_tags(sorted({span.label for one in sentences for span in one.spans}))
    examples = []
    for number, sentence in enumerate(sentences):
        if number not in gone and sentence.text:
            one = example(sentence, tags)
            other = replace(one, tags=np.zeros_like(one.tags), words=one.tags, ours=False)
            examples += shortened(other, tags)
    facts = {key: manifest[key] for key in ("name", "package", "package_sha256", "licence")}
    facts["train_sha256"] = manifest["parts"]["train"]["sha256"]
    facts["left_out"] = {name: list(gone.values()).count(name) for name in kept_apart}
    facts["sentences"] = len(sentences) - len(gone)
    return Auxiliary(tuple(examples), tags, facts)


def work_folder(config: object, folder: Path) -> Path:
    """Return where a build keeps its checkpoint: the same for the same config, as it prints, and train part only."""
    sha256 = read_manifest(folder)["parts"]["train"]["sha256"]
    key = hashlib.sha256(f"{config} {sha256}".encode()).hexdigest()[:12]
    return folder.parent.parent / "base" / key
